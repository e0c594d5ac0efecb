"""Pages that explain: help, accessibility, privacy, complaints."""

from __future__ import annotations

from flask import render_template

from govservice.web.access import audience, current_runtime
from govservice.web.public import blueprint


@blueprint.get("/help")
@audience("anyone")
def help() -> str:
    areas = current_runtime().definitions.catalogue.areas.values()
    return render_template("public/help.html", halls=[a for a in areas if a.hall])


@blueprint.get("/accessibility")
@audience("anyone")
def accessibility() -> str:
    return render_template("public/accessibility.html")


@blueprint.get("/privacy")
@audience("anyone")
def privacy() -> str:
    definitions = current_runtime().definitions
    catalogue = definitions.catalogue
    asked = {fact.purpose for code in definitions.codes() for fact in definitions.current(code).service.facts.values()}
    registries = [(r, catalogue.departments[r.owner].name) for r in catalogue.registries.values()]
    return render_template(
        "public/privacy.html",
        registries=registries,
        purposes=[purpose for code, purpose in catalogue.purposes.items() if code in asked],
    )


@blueprint.get("/complaints")
@audience("anyone")
def complaints() -> str:
    areas = current_runtime().definitions.catalogue.areas.values()
    return render_template("public/complaints.html", areas=[a for a in areas if a.hall])

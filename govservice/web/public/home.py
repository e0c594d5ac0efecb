"""Home, search, life events: finding the right service in one step."""

from __future__ import annotations

from flask import abort, render_template, request

from govservice.queries import catalogue
from govservice.queries.figures import WINDOW, HomeFigures, home_figures
from govservice.web.access import audience, current_runtime
from govservice.web.public import blueprint
from govservice.web.public.kept import kept_for

ICONS = {
    "start_business": "flag", "run_business": "document", "have_child": "person", "move_house": "arrow",
    "need_support": "people",
}  # fmt: skip


@blueprint.get("/")
@audience("anyone")
def home() -> str:
    rt = current_runtime()
    now = rt.now()

    def figures() -> HomeFigures:
        with rt.read() as session:
            return home_figures(session, rt.definitions, rt.calendars, now)

    def popular() -> list[catalogue.ServiceCard]:
        with rt.read() as session:
            return catalogue.popular(session, rt.definitions, now - WINDOW)

    return render_template(
        "public/home.html",
        events=catalogue.life_events(rt.definitions),
        icons=ICONS,
        popular=kept_for("popular", now, popular),
        figures=kept_for("figures", now, figures),
        kinds=rt.definitions.catalogue.kinds,
    )


@blueprint.get("/search")
@audience("anyone")
def search() -> str:
    rt = current_runtime()
    asked = " ".join(request.args.get("q", "").split())[: catalogue.MAX_QUERY]
    return render_template(
        "public/search.html",
        asked=asked,
        found=catalogue.search(rt.definitions, asked),
        all_services=catalogue.cards(rt.definitions),
        events=catalogue.life_events(rt.definitions),
        kinds=rt.definitions.catalogue.kinds,
    )


@blueprint.get("/life/<event>")
@audience("anyone")
def life(event: str) -> str:
    rt = current_runtime()
    chosen = next((each for each in catalogue.life_events(rt.definitions) if each.code == event), None)
    if chosen is None:
        abort(404)
    return render_template("public/life.html", event=chosen, kinds=rt.definitions.catalogue.kinds)

"""The task list: shown at the start and at every return. Everything that is left to do, in one place."""

from __future__ import annotations

from flask import render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.exchange.evidence import Burden, burden
from govservice.web.access import audience
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, filing_of, known_items, not_a_draft, reservation, why_asked
from govservice.web.citizen.items import items_of, next_href
from govservice.web.i18n import text
from govservice.web.words import gap, list_text


@blueprint.get("/my/cases/<number>/tasks")
@audience("citizen")
def tasks(number: str) -> str | Response:
    filing = filing_of(number)
    if (elsewhere := not_a_draft(filing)) is not None:
        return elsewhere
    items = items_of(filing)
    return render_template(
        "citizen/tasks.html",
        filing=filing,
        pages=[item for item in items if item.kind == "page"],
        materials=[item for item in items if item.kind == "material"],
        done=sum(item.state == "done" for item in items),
        total=len(items),
        ready=not filing.missing() and all(i.state == "done" for i in items if i.kind == "page"),
        go_on=next_href(filing),
        relief=burden(filing.compiled, filing.facts, filing.shown_fields),
        known=known_items(filing),
        troubles=troubles(filing),
        waiting=any(view.state == "deferred" for view in filing.facts.values()) or bool(filing.waiting),
    )


def troubles(filing: Filing) -> list[str]:
    """Why something is asked that a register might have told, what the application waits for, and which values stand
    under a reservation."""
    asked = [view for view in filing.facts.values() if view.asked]
    return [why_asked(filing, view) for view in asked if not view.filled] + [
        reservation(filing, view) for view in asked if view.reserved
    ]


def relief_sentence(filing: Filing, relief: Burden) -> str:
    """Where it came from, and which papers nobody had to bring."""
    names = list_text([text(name) for name in relief.registries])
    papers = [
        text(material.label)
        for name, material in filing.compiled.service.materials.items()
        if name not in filing.slots.materials
    ]
    said = gettext("They came from: %(registers)s.", registers=names) if names else ""
    spared = gettext("You need not bring: %(papers)s.", papers=list_text(papers)) if papers else ""
    return gap().join(part for part in (said, spared) if part)

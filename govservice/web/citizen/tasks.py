"""The task list: shown at the start and at every return. Everything that is left to do, in one place."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from govservice.exchange.evidence import Burden, burden
from govservice.exchange.pending import pending_facts
from govservice.operations import reusing
from govservice.web.access import audience, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, filing_of, known_items, not_a_draft, reservation, why_asked
from govservice.web.citizen.items import items_of, next_href
from govservice.web.i18n import date_text, text
from govservice.web.words import gap, list_text


@blueprint.get("/my/cases/<number>/tasks")
@audience("citizen")
def tasks(number: str) -> str | Response:
    filing = filing_of(number)
    if (elsewhere := not_a_draft(filing)) is not None:
        return elsewhere
    items = items_of(filing)
    with filing.rt.read() as session:
        before = reusing.offered(filing.rt, session, filing.actor, filing.case, filing.form, filing.slots, now())
    return render_template(
        "citizen/tasks.html",
        filing=filing,
        pages=[item for item in items if item.kind == "page"],
        materials=[item for item in items if item.kind == "material"],
        done=sum(item.state == "done" for item in items),
        total=len(items),
        ready=not filing.missing() and all(i.state == "done" for i in items if i.kind == "page"),
        go_on=next_href(filing),
        relief=spared(filing),
        known=known_items(filing),
        troubles=troubles(filing),
        before=before,
        before_words=_before(before),
        taken=_taken(),
        waiting=any(view.state == "deferred" for view in filing.facts.values()) or bool(filing.waiting),
    )


@blueprint.post("/my/cases/<number>/reuse")
@audience("citizen")
def reuse(number: str) -> Response:
    """Takes over what the applicant said and brought in their last application for the same service."""
    filing = filing_of(number)
    if filing.case.status != "draft":
        return redirect(url_for("citizen.case", number=number, said="sent_already"), 303)
    count = reusing.take_over(filing.rt, filing.actor, filing.case.id, request.form.get("from", ""), now=now())
    return redirect(url_for("citizen.tasks", number=number, taken=count), 303)


def _before(before: reusing.Earlier | None) -> str:
    """What an earlier application can give to this one."""
    if before is None:
        return ""
    parts = [
        ngettext("%(num)s answer", "%(num)s answers", len(before.answers)) if before.answers else "",
        ngettext("%(num)s document", "%(num)s documents", len(before.files)) if before.files else "",
    ]
    return str(
        gettext(
            "Your application %(number)s of %(day)s holds %(what)s for this one.",
            number=before.number, day=date_text(before.sent_at), what=list_text([part for part in parts if part]),
        )
    )  # fmt: skip


def _taken() -> str:
    """What the page before has done, in words."""
    said = request.args.get("taken", "")
    count = int(said) if said.isdecimal() and len(said) < 4 else 0
    words = ngettext(
        "%(num)s answer or document was taken over.", "%(num)s answers and documents were taken over.", count
    )
    more = gettext("Check each of them before you send: each can be changed.")
    return gap().join((words, more)) if count else ""


def troubles(filing: Filing) -> list[str]:
    """Why something is asked that a register might have told, what the application waits for, and which values stand
    under a reservation."""
    asked = [view for view in filing.facts.values() if view.asked]
    return [why_asked(filing, view) for view in asked if not view.filled] + [
        reservation(filing, view) for view in asked if view.reserved
    ]


def late_words(filing: Filing) -> list[str]:
    """What the application may be sent without, one sentence for each register that owes it."""
    if filing.case.status != "draft":
        return []
    return [why_asked(filing, filing.facts[name]) for name in pending_facts(filing.compiled, filing.facts)]


def spared(filing: Filing) -> Burden:
    """What registers spare the applicant: answers of the pages shown, and papers."""
    return burden(filing.compiled, filing.facts, filing.shown_fields, filing.rt.definitions.catalogue)


def relief_sentence(relief: Burden) -> str:
    """Where it came from, and which papers nobody had to bring."""
    names = list_text([text(name) for name in relief.registries])
    papers = [text(label) for label in relief.papers]
    said = gettext("They came from: %(registers)s.", registers=names) if names else ""
    needless = gettext("You need not bring: %(papers)s.", papers=list_text(papers)) if papers else ""
    return gap().join(part for part in (said, needless) if part)

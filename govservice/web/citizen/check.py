"""Check your answers, send, confirmation. Sending twice, going back, refreshing: one case, a sensible page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.definitions.catalogue_schema import DocumentType
from govservice.engine import Expected
from govservice.errors import Invalid, Missing, NotAllowed, Stale
from govservice.operations import filing as operations
from govservice.operations.completeness import closed_to
from govservice.queries.tracking import CasePage, case_page
from govservice.web.access import audience, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, filing_of, idem_of, new_idem, not_a_draft
from govservice.web.citizen.items import items_of
from govservice.web.citizen.letters import dates, told_by
from govservice.web.citizen.rows import fact_groups, material_rows, own_rows, promised_answer, receiver
from govservice.web.citizen.sealed import seals_of
from govservice.web.citizen.sent_before import earlier
from govservice.web.citizen.tasks import late_words, relief_sentence, spared, troubles
from govservice.web.i18n import text
from govservice.worktime.limits import due_on

LAST = 2**31  # after every event
NO_REVISION = -1  # what a form without a sensible revision has seen


@blueprint.route("/my/cases/<number>/check", methods=["GET", "POST"])
@audience("citizen")
def check(number: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    if request.method == "POST" and filing.case.status != "draft":
        return redirect(url_for("citizen.sent", number=number, again=1), 303)
    if (elsewhere := not_a_draft(filing)) is not None:
        return elsewhere
    if request.method == "GET":
        return _page(filing)
    return _send(filing)


def _send(filing: Filing) -> str | Response | tuple[str, int]:
    seen = request.form.get("rev", "")
    expected = Expected(filing.token_version, int(seen) if seen.isdecimal() and len(seen) < 10 else NO_REVISION)
    try:
        operations.submit(
            filing.rt,
            filing.actor,
            filing.case.id,
            expected=expected,
            idem=idem_of(request.form.get("idem")),
            now=now(),
        )
    except Invalid as fault:
        return _page(filing_of(filing.number), problem="wrong", wrong=fault.fields), 422
    except Missing:
        return _page(filing_of(filing.number), problem="missing"), 422
    except (Stale, NotAllowed) as refused:  # another window, or the same form, was quicker
        fresh = filing_of(filing.number)
        if fresh.case.status == "draft":
            return _page(fresh, problem="changed" if isinstance(refused, Stale) else "closed"), 409
        return redirect(url_for("citizen.sent", number=filing.number, again=1), 303)
    return redirect(url_for("citizen.sent", number=filing.number), 303)


def _page(filing: Filing, problem: str = "", wrong: Mapping[str, str] | None = None) -> str:
    relief = spared(filing)
    return render_template(
        "citizen/check.html",
        filing=filing,
        own=own_rows(filing),
        documents=material_rows(filing),
        groups=fact_groups(filing),
        relief=relief,
        relief_words=relief_sentence(relief),
        to_do=[item for item in items_of(filing) if item.wanted],
        waiting=troubles(filing) if filing.waiting else [],
        late=late_words(filing),
        answer_by=promised_answer(filing, now()),
        receiver=receiver(filing),
        problem=problem,
        wrong=_wrong(filing, wrong or {}),
        closed=_closed(filing),
        idem=new_idem(),
    )


def _closed(filing: Filing) -> dict[str, Any] | None:
    """Why the service is not for these answers, with the ways to those that could be other ones."""
    edge = closed_to(filing.compiled, filing.form)
    if edge is None or edge.guard is None:
        return None
    pages = {name: page for page in filing.asked_pages for name in page.fields}
    asked = [pages[name] for name in edge.guard.names if name in pages and name in filing.slots.fields]
    return {
        "words": text(edge.hint) if edge.hint else gettext("With these answers the application cannot be sent."),
        "change": [
            {"text": text(page.title), "href": url_for("citizen.page", number=filing.number, page=page.page)}
            for page in {page.page: page for page in asked}.values()
        ],
    }


def _wrong(filing: Filing, faults: Mapping[str, str]) -> list[dict[str, str]]:
    """What is wrong with an answer, with the way to its page."""
    pages = {name: page.page for page in filing.shown_pages for name in page.fields}
    return [
        {
            "text": gettext("%(what)s: %(fault)s", what=text(filing.fields[name].label), fault=gettext(words)),
            "href": url_for("citizen.page", number=filing.number, page=pages.get(name, "")),
        }
        for name, words in faults.items()
    ]


@blueprint.get("/my/cases/<number>/sent")
@audience("citizen")
def sent(number: str) -> str | Response:
    """The confirmation: it still opens a year later, from a bookmark, with what holds then."""
    filing = filing_of(number, as_sent=True)
    if filing.case.received_at is None:
        return redirect(url_for("citizen.tasks", number=number), 303)
    rt = current_runtime()
    with rt.read() as session:
        case = session.merge(filing.case, load=False)
        page = case_page(session, rt.definitions, rt.calendars, case, now())
    relief = spared(filing)
    return render_template(
        "citizen/sent.html", filing=filing, page=page, relief=relief, relief_words=relief_sentence(relief),
        again="again" in request.args, document=document_of(filing),
        accept=dates(page, "intake", told_by(page, "receipt", LAST)), decide_by=decision_day(page),
    )  # fmt: skip


def document_of(filing: Filing) -> DocumentType | None:
    """The kind of document that the service brings forth."""
    output = filing.compiled.service.output
    return filing.rt.definitions.catalogue.documents.get(output.document) if output is not None else None


def decision_day(page: CasePage) -> date | None:
    """The promised day of the decision; before the acceptance the day it will be if that comes as promised."""
    if page.case.accepted_at is not None:
        known = dates(page, "decision", None)
        told: date | None = known["promised_on"] or known["statutory_on"]
        return told
    accept, limit = dates(page, "intake", None), page.compiled.limit("decision")
    day = accept["promised_on"] or accept["statutory_on"]
    if day is None or limit is None:
        return None
    return due_on(page.calendar, page.calendar.end_of(day) - timedelta(seconds=1), limit.promised or limit.statutory)


@blueprint.get("/my/cases/<number>/everything")
@audience("citizen")
def everything(number: str) -> str | Response:
    """All that was sent, with the source of each value."""
    filing = filing_of(number, as_sent=True)
    if filing.case.received_at is None:
        return redirect(url_for("citizen.tasks", number=number), 303)
    with current_runtime().read() as session:
        before, seals = earlier(session, filing), seals_of(session, filing.case.id)
    return render_template(
        "citizen/everything.html", filing=filing, own=own_rows(filing, change=False), earlier=before, seals=seals,
        documents=material_rows(filing, change=False), groups=fact_groups(filing),
    )  # fmt: skip

"""My cases, the page of one case, withdrawing, rating, messages."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.errors import Forbidden, NotAllowed, Stale
from govservice.exchange.found import unsettled
from govservice.models.cases import Case
from govservice.models.papers import Message
from govservice.operations import discarding
from govservice.operations import filing as operations
from govservice.operations.rating import mark_read
from govservice.operations.rating import rate as keep_rating
from govservice.operations.runtime import Runtime
from govservice.queries.access import addressed_to
from govservice.queries.asked import asked_of
from govservice.queries.my_cases import CaseRow, my_cases
from govservice.queries.tracking import CasePage, case_page
from govservice.web.access import audience, citizen_case, current_actor, current_runtime, now, today
from govservice.web.appointments import meetings_of
from govservice.web.citizen import blueprint
from govservice.web.citizen.bundle import choices_of, progress, rows_of
from govservice.web.citizen.context import filing_of, idem_of, new_idem
from govservice.web.citizen.correction import cards_of, reasons_now
from govservice.web.citizen.promised import owed
from govservice.web.citizen.story import story
from govservice.web.citizen.turn import asking, panel
from govservice.web.i18n import text
from govservice.web.picture import columns_of
from govservice.web.words import day, last_day, list_text

SAID = {
    "sent_already": lambda: gettext(
        "This application was sent already. It can be changed only when a department asks."
    ),
    "saved": lambda: gettext("Your answers are kept. You can go on at any time."),
    "given": lambda: gettext("Thank you. What was still owed has been sent."),
    "corrected": lambda: gettext("Your corrections were sent. The clock runs on."),
    "brought": lambda: gettext("Your document was sent to the department."),
    "withdrawn": lambda: gettext("Your application is withdrawn."),
    "discarded": lambda: gettext("The draft is thrown away. Nothing of it was kept."),
    "rated": lambda: gettext("Thank you. Your judgement is kept, and the clerks do not see your name beside it."),
    "again": lambda: gettext("It is tried again. You see below how it goes on."),
    "chosen": lambda: gettext("Your choice is kept."),
    "not_now": lambda: gettext("This is not possible any more: the case has moved on. Here is how it stands."),
}
REFUSED = frozenset({"sent_already", "not_now"})  # these say that nothing was done


class Said(NamedTuple):
    """What the page before wanted to say here; `done`: that something was done, not that it was too late for it."""

    sentence: str
    done: bool = True


def said() -> Said:
    """The one sentence that the page before wanted to say here."""
    code = request.args.get("said", "")
    make = SAID.get(code)
    return Said(str(make()) if make else "", code not in REFUSED)


def said_of_draft() -> Said:
    """What leaving a question page kept, and which answers it did not: they could not be read."""
    number, left = request.args.get("case", ""), request.args.getlist("left")
    if request.args.get("said") != "saved" or not (number and left):
        return said()
    labels = filing_of(number).labels
    words = gettext("Your answers are kept, but not this, which could not be read: %(what)s.")
    return Said(str(words % {"what": list_text([text(labels[name]) for name in left if name in labels])}))


@blueprint.get("/my/cases")
@audience("citizen")
def cases() -> str:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        rows = my_cases(session, rt.definitions, rt.calendars, actor, now(), today())
        requests = asked_of(session, rt.definitions, actor.person_id or "")
    return render_template(
        "citizen/cases.html",
        requests=requests,
        yours=[row for row in rows if row.standing.turn in ("you", "pay")],
        drafts=[row for row in rows if row.standing.turn == "draft"],
        running=[row for row in rows if row.standing.turn in ("departments", "system", "others")],
        closed=[row for row in rows if row.standing.turn in ("granted", "refused", "ended")],
        line=line_of,
        said=said_of_draft(),
    )


def line_of(row: CaseRow) -> tuple[str, str, str]:
    """(tone, tag, sentence) of a case in the list: whose turn it is and by when."""
    where = row.standing
    clock = where.clock
    if where.brings and where.answer_by:
        last = day(last_day(where.answer_by))
        return "warn", gettext("Your turn"), gettext("Bring what was put off by %(day)s", day=last)
    if where.turn == "you":
        if where.answer_by is None:
            return "warn", gettext("Your turn"), gettext("Correct it; the clock stands still until you answer")
        last = day(last_day(where.answer_by))
        return "warn", gettext("Your turn"), gettext("Answer by %(day)s; the clock stands still until then", day=last)
    if where.turn == "pay":
        return "warn", gettext("Your turn"), gettext("Pay the fee; your application goes on once it is confirmed")
    if where.turn == "others":
        return "info", gettext("With another person"), gettext("Asked on %(day)s", day=day(where.since))
    if where.turn == "draft":
        return "mute", gettext("Not sent yet"), gettext("Begun on %(day)s", day=day(where.since))
    if where.turn == "granted":
        return "ok", gettext("Granted"), gettext("Closed on %(day)s", day=day(where.since))
    if where.turn in ("refused", "ended"):
        words = {"refused": gettext("Refused"), "withdrawn": gettext("Withdrawn"), "lapsed": gettext("Lapsed")}
        return (
            "mute",
            words.get(row.outcome or "", gettext("Ended")),
            gettext("Closed on %(day)s", day=day(where.since)),
        )
    if clock is not None and clock.due is not None:
        late = clock.left <= 0
        tone = "bad" if late else "info"
        words_late, words_now = gettext("Late"), gettext("With the departments")
        return tone, words_late if late else words_now, gettext("Next answer by %(day)s", day=day(clock.due))
    return "info", gettext("With the departments"), ""


def load_page(number: str) -> CasePage:
    """The case page's facts. Raises NotFound where the case is not the actor's."""
    rt = current_runtime()
    with rt.read() as session:
        case = citizen_case(number, session)
        return case_page(session, rt.definitions, rt.calendars, case, now())


def waiting_for(rt: Runtime, session: Session, case: Case) -> list[str]:
    """The registers that have not answered yet, each once."""
    compiled, catalogue = rt.definitions.by_sha(case.def_sha), rt.definitions.catalogue
    nodes = [compiled.service.facts[need.name] for need in unsettled(session, case)]
    codes = dict.fromkeys(catalogue.registry_of(node.dataset or "") for node in nodes)
    return [text(catalogue.registries[code].title) for code in codes if code]


@blueprint.get("/my/cases/<number>")
@audience("citizen")
def case(number: str) -> str | Response:
    page, rt = load_page(number), current_runtime()
    with rt.read() as session:
        meetings = meetings_of(rt, session, page.case) if page.case.status == "open" else []
        waiting = waiting_for(rt, session, page.case) if page.case.status == "open" else []
    filing = filing_of(number)
    cards = cards_of(filing, page)
    return render_template(
        "citizen/case.html",
        page=page,
        case=page.case,
        service=page.compiled.service,
        panel=asking(panel(page, len(cards)), number, late=bool(filing.slots.owed), meetings=meetings),
        columns=columns_of(page),
        cards=cards,
        reasons=reasons_now(filing, page) if cards else [],
        owed=owed(filing),
        meetings=meetings,
        waiting=waiting,
        late=filing.slots.owed,
        story=story(page),
        parts=rows_of(page),
        progress=progress(page) if page.parts else "",
        choices=choices_of(page),
        token_version=filing.token_version,
        idem=new_idem(),
        can_withdraw=operations.may_withdraw(filing.rt, filing.actor, page.case.id, now=now()),
        said=said(),
    )


@blueprint.route("/my/cases/<number>/withdraw", methods=["GET", "POST"])
@audience("citizen")
def withdraw(number: str) -> str | Response:
    page, rt, actor = load_page(number), current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    if not operations.may_withdraw(rt, actor, page.case.id, now=now()):
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    if request.method == "GET":
        return render_template("citizen/withdraw.html", page=page, idem=new_idem())
    reason = request.form.get("reason", "").strip()[:2000] or None
    try:
        operations.withdraw(rt, actor, page.case.id, reason=reason, idem=idem_of(request.form.get("idem")), now=now())
    except (NotAllowed, Stale, Forbidden):
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    return redirect(url_for("citizen.case", number=number, said="withdrawn"), 303)


@blueprint.route("/my/cases/<number>/discard", methods=["GET", "POST"])
@audience("citizen")
def discard(number: str) -> str | Response:
    """Throws a draft away, after a question; sent twice it is gone all the same."""
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    if request.method == "POST" and discarding.is_discarded(rt, actor, number):
        return redirect(url_for("citizen.cases", said="discarded"), 303)
    filing = filing_of(number)
    if filing.case.status != "draft":
        return redirect(url_for("citizen.case", number=number, said="sent_already"), 303)
    if request.method == "GET":
        return render_template("citizen/discard.html", filing=filing)
    try:
        discarding.discard(rt, actor, filing.case.id, now=now())
    except NotAllowed:  # sent meanwhile
        return redirect(url_for("citizen.case", number=number, said="sent_already"), 303)
    return redirect(url_for("citizen.cases", said="discarded"), 303)


@blueprint.route("/my/cases/<number>/rate", methods=["GET", "POST"])
@audience("citizen")
def rate(number: str) -> str | Response | tuple[str, int]:
    page = load_page(number)
    if page.case.status != "closed" or page.rating is not None:
        return redirect(url_for("citizen.case", number=number, said="not_now" if page.rating is None else "rated"), 303)
    if request.method == "GET":
        return render_template("citizen/rate.html", page=page, error="", comment="")
    comment, stars = request.form.get("comment", ""), request.form.get("stars", "")
    if stars not in ("1", "2", "3", "4", "5"):
        error = gettext("Choose how it was")
        return render_template("citizen/rate.html", page=page, error=error, comment=comment), 422
    actor = current_actor()
    assert actor is not None  # the audience of this view
    with suppress(NotAllowed):  # the same form sent twice
        keep_rating(current_runtime(), actor, page.case.id, stars=int(stars), comment=comment, now=now())
    return redirect(url_for("citizen.case", number=number, said="rated"), 303)


@blueprint.get("/my/messages")
@audience("citizen")
def messages() -> str:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        rows = session.execute(
            select(Message, Case.number, Case.accepted_at, Case.def_sha)
            .join(Case, Case.id == Message.case_id)
            .where(addressed_to(actor.person_id or "", actor.organisation_id, today()))
            .order_by(Message.created_at.desc())
            .limit(100)
        ).all()
    found = [(m, number, rt.definitions.by_sha(sha).service.title, at is not None) for m, number, at, sha in rows]
    return render_template("citizen/messages.html", messages=found, unread=sum(m.read_at is None for m, *_ in found))


@blueprint.post("/my/messages")
@audience("citizen")
def read_messages() -> Response:
    actor = current_actor()
    assert actor is not None  # the audience of this view
    mark_read(current_runtime(), actor, now=now())
    return redirect(url_for("citizen.messages"), 303)

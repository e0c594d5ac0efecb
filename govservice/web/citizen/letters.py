"""Notices to read and to print: receipt, acceptance, correction, refusal, decision; and the licence itself.

A notice stores no text: it is composed from the event it tells about, so it reads in the language of its reader and
says the same on any later day. It exists once it has been delivered to the inbox.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import abort, render_template, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Limit, LimitKind
from govservice.models.cases import Case
from govservice.models.exchange import Snapshot
from govservice.models.papers import Message
from govservice.models.personal import read_person
from govservice.queries import licences
from govservice.queries.tracking import CasePage, Happening, case_page
from govservice.queries.way import accepting_role, department_kind, department_name, place_of
from govservice.web.access import audience, citizen_case, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen import letters_promises as promises
from govservice.web.citizen.consults import meeting_letter
from govservice.web.citizen.context import new_idem
from govservice.web.citizen.correction import asker, in_order, reasons_of, said_now, spoken_in
from govservice.web.citizen.letters_evidence import OF_MESSAGE, spared
from govservice.web.citizen.renewal import renewal_reminder, renewal_state
from govservice.web.citizen.story import item_label
from govservice.web.qr import qr_of
from govservice.web.words import last_day
from govservice.worktime.duration import Duration

Letter = dict[str, Any]


@blueprint.get("/my/cases/<number>/notices/<kind>/<int:seq>")
@audience("citizen")
def letter(number: str, kind: str, seq: int) -> str:
    rt = current_runtime()
    compose = _COMPOSE.get(kind)
    if compose is None or seq > 2**31:
        abort(404)
    with rt.read() as session:
        case = citizen_case(number, session)
        message = session.scalar(
            select(Message).where(Message.case_id == case.id, Message.kind == kind, Message.seq == seq)
        )
        if message is None:
            abort(404)
        page = case_page(session, rt.definitions, rt.calendars, case, now())
        about = told_by(page, kind, seq)
        of_message = OF_MESSAGE.get(kind)  # what no event tells
        facts = of_message(session, page, message) if of_message is not None else compose(session, page, about)
        to = party(session, case, page.party)
    return render_template(
        f"citizen/letter_{facts.pop('template', kind)}.html", page=page, case=case, number=number, kind=kind,
        service=page.compiled.service, dated=about.at if about else message.created_at, to=to,
        office=facts.pop("office", None) or office(page),
        area=rt.definitions.catalogue.areas.get(case.area or ""), **facts,
    )  # fmt: skip


def party(session: Session, case: Case, organisation: str) -> str:
    """To whom the letter goes: the organisation, or the person who filed."""
    if organisation:
        return organisation
    person = read_person(session, case.applicant_id)
    return person.name if person else ""


def office(page: CasePage) -> Any:
    """The department that answers for the service, in the case's area."""
    return department_name(current_runtime().definitions, page.compiled.service.department, page.case.area)


def told_by(page: CasePage, kind: str, seq: int) -> Happening | None:
    """The event that a notice tells about: the one it was sent with (`seq`) where that is of its type, else the last
    of its type before it: the decision in favour is told by the delivery, and sent when the case closes."""
    wanted = _EVENTS[kind]
    found = [h for h in page.happenings if h.seq <= seq and wanted(h)]
    return found[-1] if found else None


def _marks(milestone: str) -> Callable[[Happening], bool]:
    return lambda h: h.type == "step.left" and h.data.get("marks") == milestone


def _closed(*outcomes: str) -> Callable[[Happening], bool]:
    return lambda h: h.type == "case.closed" and h.data.get("outcome") in outcomes


_EVENTS: dict[str, Callable[[Happening], bool]] = {
    "receipt": _marks("received"),
    "acceptance": _marks("accepted"),
    "correction": lambda h: h.type == "correction.notified",
    "refusal": _closed("refused"),
    "grant": _marks("delivered"),
    "withdrawn": _closed("withdrawn"),
    "lapsed": lambda h: h.type == "case.closed",  # by lack of an answer, at whatever end the definition names
    "terminated": _closed("terminated"),
    "warning": lambda h: h.type == "timer.fired",
    "gap": promises.is_reminder,
    "revoked": promises.is_revocation,
    "extension": lambda h: h.type == "clock.extended",
    "pause": lambda h: h.type == "pause.begun",
    "renewal": lambda h: h.type == "case.closed",
    "data_changed": lambda _h: False,  # no event: what asking the registers again has found
    "appointment": lambda h: h.type == "appointment.made",
    "disputed": lambda _h: False,
    "owed": lambda _h: False,
    "fee": lambda h: h.type == "step.entered" and "notice.fee" in h.data.get("effects", ()),
}


def clock_at(page: CasePage, limit: Limit, about: Happening | None) -> Happening | None:
    """The event that started or last restarted a limit, up to the act that an event was part of: its dates then."""
    key = f"limit:{limit.name}"
    types = ("clock.started", "clock.resumed", "clock.moved", "clock.extended")
    found = [h for h in page.happenings if h.type in types and h.data.get("key") == key]
    if about is not None:
        found = [h for h in found if h.seq <= about.seq or h.idem == about.idem]
    return found[-1] if found else None


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def dates(page: CasePage, kind: LimitKind, about: Happening | None) -> Letter:
    limit = page.compiled.limit(kind)
    found = clock_at(page, limit, about) if limit else None
    data = found.data if found else {}
    return {
        "promised_on": _day(data.get("promised_on")), "statutory_on": _day(data.get("statutory_on")),
        "provisional": bool(data.get("provisional")), "limit": limit,
    }  # fmt: skip


def _receipt(session: Session, page: CasePage, about: Happening | None) -> Letter:
    seal = session.scalar(select(Snapshot.sha256).where(Snapshot.case_id == page.case.id, Snapshot.n == 1))
    role = accepting_role(page.compiled)
    kind = department_kind(page.compiled, role)
    who = department_name(current_runtime().definitions, kind, place_of(page.case, role)) if kind else office(page)
    promised = promises.promised_with(page, about)
    return {
        "digest": seal, "receiver": who, "spared": spared(session, page.case.id, len(promised["gaps"])),
        **dates(page, "intake", about), **promised,
    }  # fmt: skip


def _acceptance(_session: Session, page: CasePage, about: Happening | None) -> Letter:
    deemed = bool(about and about.data.get("deemed"))
    return {
        "deemed": deemed, "note": about.data.get("note") if about else None, "by": asker(about) if about else "",
        **dates(page, "decision", about),
    }  # fmt: skip


def _correction(session: Session, page: CasePage, about: Happening | None) -> Letter:
    seq = about.seq if about else 10**9
    since = max((h.seq for h in page.happenings if h.type == "correction.notified" and h.seq < seq), default=0)
    asks = [h for h in page.happenings if h.type == "correction.asked" and since < h.seq <= seq]
    spoken = spoken_in(session, page, asks)
    said = said_now(session, page.compiled, page.case) if any(h.system for h in asks) else {}
    rows = []
    for name in in_order(page.compiled, about.data["items"] if about else ()):
        mine = [h for h in asks if name in h.data["items"]]
        wrong = [spoken[h.data["text"]].about(name) for h in mine if h.data.get("text") in spoken]
        wrong += [said[name]] if name in said else []
        rows.append({"title": item_label(page, name), "wrong": list(dict.fromkeys(filter(None, wrong))),
                     "by": [by for h in mine if (by := asker(h))]})  # fmt: skip
    return {
        "rows": rows, "reasons": reasons_of(asks, spoken),
        "answer_by": _day(about.data.get("lapse_on")) if about else None,
        "provisional": bool(about and about.data.get("provisional")), "limit": page.compiled.limit("decision"),
    }  # fmt: skip


def _refusal(session: Session, page: CasePage, about: Happening | None) -> Letter:
    seq = about.seq if about else 10**9
    acts = [h for h in page.happenings if h.type == "step.left" and h.data.get("text") and h.seq <= seq]
    acts = [h for h in acts if (step := page.compiled.steps.get(h.data["step"])) is None or step.asked_at is None]
    spoken = spoken_in(session, page, acts)
    last = [h for h in acts if h.data["text"] in spoken][-3:]
    reasons = [(asker(h), spoken[h.data["text"]].reason) for h in reversed(last) if spoken[h.data["text"]].reason]
    return {"reasons": reasons, "laws": page.compiled.service.law, **_not_accepted(page, acts)}


def _not_accepted(page: CasePage, acts: list[Happening]) -> Letter:
    """An application that was never accepted is not refused but not accepted: another paper, by the department that
    received it (Administrative Licensing Law art. 32(1)(1) and (2), and its last paragraph)."""
    if page.case.accepted_at is not None or not acts:
        return {}
    return {
        "template": "not_accepted",
        "title_words": gettext("Notice of non-acceptance"),
        "office": acts[-1].department,
    }


def _grant(session: Session, page: CasePage, _about: Happening | None) -> Letter:
    rt = current_runtime()
    found = licences.of_case(session, page.case.id, page.calendar.local_date(now()))
    department = rt.definitions.catalogue.departments.get(found.department_id) if found else None
    return {"licence": found, "qr": qr_of(rt, found.code) if found else "", "issuer": department}


def _plain(_session: Session, page: CasePage, about: Happening | None) -> Letter:
    return {
        "template": "ended", "outcome": page.case.outcome, "at": about.at if about else None,
        "not_brought": promises.not_brought(page),
    }  # fmt: skip


def _warning(_session: Session, page: CasePage, about: Happening | None) -> Letter:
    notified = [h for h in page.happenings if h.type == "correction.notified" and (not about or h.seq < about.seq)]
    return {"template": "warning", "answer_by": _day(notified[-1].data.get("lapse_on")) if notified else None}


def _extension(session: Session, page: CasePage, about: Happening | None) -> Letter:
    """Why the limit is longer and what the last day is now; before it ran again, no date is said."""
    if about is None:
        abort(404)
    data, said = about.data, spoken_in(session, page, [about])
    return {
        "reasons": [w.reason for w in said.values() if w.reason], "by": asker(about),
        "more": Duration.parse(data["by"]), "length": Duration.parse(data["statutory"]),
        "statutory_on": _day(data.get("statutory_on")), "provisional": bool(data.get("provisional")),
        "limit": page.compiled.limits.get(str(data["key"]).removeprefix("limit:")),
    }  # fmt: skip


def _pause(session: Session, page: CasePage, about: Happening | None) -> Letter:
    """The written notice of excluded time: for what, how long, who says so (art. 45)."""
    if about is None:
        abort(404)
    data, said = about.data, spoken_in(session, page, [about])
    edge = page.compiled.edge(data["step"], data["trigger"])
    limits = [limit for limit in page.compiled.limits.values() if data["kind"] in limit.pauses]
    return {
        "reasons": [w.reason for w in said.values() if w.reason], "by": asker(about), "cause": data["kind"],
        "length": Duration.parse(data["length"]), "until_on": _day(data["until_on"]), "limits": limits,
        "words": edge.notice if edge else None, "provisional": bool(data["provisional"]),
    }  # fmt: skip


def _fee(_session: Session, page: CasePage, about: Happening | None) -> Letter:
    """How much, by which tariff, until when. A step that was left has no last day any more."""
    if about is None or page.fee is None:
        abort(404)
    due = next((t[3] for t in about.data.get("timers", ()) if t[3] is not None), None)
    by = last_day(datetime.fromisoformat(due)) if due else None
    return {"fee": page.fee, "due_by": by, "payable": page.fee.standing in ("due", "failed")}


_COMPOSE: dict[str, Callable[[Session, CasePage, Happening | None], Letter]] = {
    "receipt": _receipt,
    "acceptance": _acceptance,
    "correction": _correction,
    "refusal": _refusal,
    "grant": _grant,
    "withdrawn": _plain,
    "lapsed": _plain,
    "terminated": _plain,
    "warning": _warning,
    "extension": _extension,
    "pause": _pause,
    "gap": lambda _session, page, about: promises.reminded(page, about),
    "revoked": promises.revoked,
    "fee": _fee,
    "appointment": meeting_letter,
    "renewal": renewal_reminder,
    **dict.fromkeys(OF_MESSAGE, lambda *_about: {}),
}


@blueprint.get("/my/cases/<number>/licence")
@audience("citizen")
def licence(number: str) -> str:
    rt = current_runtime()
    with rt.read() as session:
        case = citizen_case(number, session)
        found = licences.of_case(session, case.id, rt.calendars.for_area(case.area).local_date(now()))
        person = read_person(session, case.applicant_id) if found and not found.holder else None
        renewable, running = renewal_state(session, case.id)
    if found is None:
        abort(404)
    department = rt.definitions.catalogue.departments.get(found.department_id)
    return render_template(
        "citizen/licence.html", licence=found, number=number, qr=qr_of(rt, found.code), department=department,
        holder=found.holder or (person.name if person else ""), dated=found.issued_on, renewable=renewable,
        running=running, idem=new_idem(),
        verify_at=rt.settings.base_url.rstrip("/") + url_for("public.verify"),
    )  # fmt: skip


def title_of(kind: str, accepted: bool = True) -> str:
    """A notice's name, as its heading and the inbox say it. `accepted`: the case ever was; a refusal of one that was
    not is a notice of non-acceptance."""
    if kind == "refusal" and not accepted:
        return str(gettext("Notice of non-acceptance"))
    names = {
        "receipt": gettext("Receipt"), "acceptance": gettext("Notice of acceptance"),
        "correction": gettext("Notice of correction"), "refusal": gettext("Notice of refusal"),
        "grant": gettext("Notice of the decision"), "withdrawn": gettext("Application withdrawn"),
        "lapsed": gettext("Application lapsed"), "terminated": gettext("Application ended"),
        "warning": gettext("Reminder: your answer is awaited"), "fee": gettext("Request for payment"),
        "appointment": gettext("Notice of an appointment"),
        "extension": gettext("Notice of extension"),
        "pause": gettext("Notice of excluded time"), "gap": gettext("Reminder: a document is awaited"),
        "revoked": gettext("Notice of revocation"), "data_changed": gettext("Notice: data about you has changed"),
        "disputed": gettext("Answer: what you say is wrong in a register"),
        "owed": gettext("Request: what a register has not told us"),
        "renewal": gettext("Reminder: your licence can be renewed"),
        "invite": gettext("Somebody asks for your confirmation"),
        "remind": gettext("Reminder: your confirmation is awaited"),
    }  # fmt: skip
    return str(names.get(kind, kind))


@blueprint.app_template_global()
def letter_title(kind: str, accepted: bool = True) -> str:
    return title_of(kind, accepted)

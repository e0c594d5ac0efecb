"""The panel that a person came for: whose turn it is, by when, how much time is left, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext, ngettext

from govservice.definitions.compile_edges import RENEWED
from govservice.queries.standing import ClockView, Standing
from govservice.queries.tracking import CasePage
from govservice.web.access import current_runtime
from govservice.web.citizen.fee import pay_panel
from govservice.web.i18n import date_text, text
from govservice.web.words import day, duration_text, gap, last_day, list_text, pause_name

Panel = dict[str, Any]


def panel(page: CasePage, items: int) -> Panel:
    """{kind, tag, title, words, facts, button, links}: what the turn component draws. `items`: things to correct."""
    if page.standing.brings:
        return _bring(page)
    if page.standing.own_step is not None:
        return _own_step(page)
    if page.standing.together:
        return _together(page)
    return _PANELS[page.standing.turn](page, items)


def asking(found: Panel, number: str, *, late: bool, meetings: Sequence[Mapping[str, Any]]) -> Panel:
    """The panel of a case that departments work on, saying what is asked of the applicant meanwhile. `late`: what a
    register owes is asked for; `meetings`: those with no time yet are theirs to choose."""
    unset = next((meeting for meeting in meetings if not meeting["when"]), None)
    if found["kind"] != "with_us" or found["button"] is not None or not (late or unset):
        return found
    if late:
        words = gettext("A register has not told us what we need. Please give it yourself.")
        button = {"text": gettext("Give it now"), "href": url_for("citizen.late", number=number)}
    else:
        words = gettext("The department comes to you. Choose when.")
        token = unset["token"] if unset else 0
        button = {
            "text": gettext("Choose a time"),
            "href": url_for("citizen.appointment", number=number, token=token),
        }
    return {**found, "words": words, "button": button}


def _own_step(page: CasePage) -> Panel:
    """A step of the applicant's own beside the draft: how it goes on is theirs to choose."""
    title = text(page.compiled.steps[page.standing.own_step or ""].title)
    return {
        "kind": "you", "tag": gettext("Your turn"), "title": title,
        "words": gettext("What succeeded stays. Choose how it goes on."),
        "facts": [{"label": gettext("Who has your case"), "value": gettext("You"),
                   "meta": gettext("since %(day)s", day=day(page.standing.since))}],
        "button": {"text": gettext("Choose"), "href": "#choose"}, "links": [],
    }  # fmt: skip


def _together(page: CasePage) -> Panel:
    """The parts of a bundle are at work, each in its department."""
    return {
        "kind": "with_us", "tag": gettext("With the departments"), "title": due_title(page),
        "words": gettext("Each part is with its own department; you see them below. You need not do anything."),
        "facts": _time_facts(page, page.standing), "button": None, "links": [],
    }  # fmt: skip


def _bring(page: CasePage) -> Panel:
    """Everything else is done: what was put off is awaited, and the clock stands still until it comes."""
    where = page.standing
    last = min(last_day(at) for _, at in where.gaps)
    what = ngettext("Bring %(num)s document", "Bring %(num)s documents", len(where.gaps))
    materials = page.compiled.service.materials
    names = [text(materials[name].label) for name, _ in where.gaps if name in materials]
    first = min(where.gaps, key=lambda gap: gap[1])[0]
    facts = [{
        "label": gettext("Who has your case"), "value": gettext("You"),
        "meta": gettext("since %(day)s", day=day(where.since)),
    }]  # fmt: skip
    return {
        "kind": "you", "tag": gettext("Your turn"), "title": gettext("%(what)s by %(day)s", what=what, day=day(last)),
        "words": gettext(
            "Everything else is done. We still wait for: %(names)s. Without it the application ends after that day.",
            names=list_text(names),
        ),
        "facts": facts + clock_facts(where.clock),
        "button": {"text": what, "href": url_for("citizen.supply", number=page.case.number, slot=first)}, "links": [],
    }  # fmt: skip


def _letter(page: CasePage, kind: str, words: str) -> list[Panel]:
    found = [m for m in page.notices if m.kind == kind]
    if not found:
        return []
    href = url_for("citizen.letter", number=page.case.number, kind=kind, seq=found[-1].seq)
    return [{"text": words, "href": href}]


def _draft(page: CasePage, _items: int) -> Panel:
    return {
        "kind": "you", "tag": gettext("Not sent yet"), "title": gettext("Your application has not been sent"),
        "words": gettext("Nobody can work on it before you send it. Your answers are kept."),
        "facts": [{"label": gettext("Begun"), "value": date_text(page.standing.since)}],
        "button": {"text": gettext("Go on"), "href": url_for("citizen.tasks", number=page.case.number)},
        "links": [],
    }  # fmt: skip


def _you(page: CasePage, items: int) -> Panel:
    where = page.standing
    last = last_day(where.answer_by) if where.answer_by else None
    what = ngettext("Correct %(num)s thing", "Correct %(num)s things", items)
    title = gettext("%(things)s by %(day)s", things=what, day=day(last)) if last else what
    may_move = last is not None and page.calendar.provisional(page.calendar.local_date(last))
    facts = [{
        "label": gettext("Who has your case"), "value": gettext("You"),
        "meta": gettext("since %(day)s", day=day(where.since)), "note": may_still_move() if may_move else "",
    }]  # fmt: skip
    return {
        "kind": "you", "tag": gettext("Your turn"), "title": title,
        "words": gettext("Everything that must be put right is in one notice. The rest of your application stands."),
        "facts": facts + clock_facts(where.clock),
        "button": {"text": what, "href": url_for("citizen.correct", number=page.case.number)},
        "links": _letter(page, "correction", gettext("Read the notice")),
    }  # fmt: skip


def clock_facts(clock: ClockView | None) -> list[Panel]:
    """The clock, and what follows from answering today."""
    if clock is None:
        return []
    left = gettext("%(left)s of %(total)s left", left=clock.left, total=duration_text(clock.length))
    stopped = {"label": gettext("The clock"), "value": gettext("Stopped"), "meta": left}
    if clock.paused and clock.if_answered and clock.law_if_answered:
        return [stopped, {
            "label": gettext("If you answer today"),
            "value": gettext("%(what)s by %(day)s", what=LIMIT_WORDS[clock.kind](), day=day(clock.if_answered))
            if clock.kind else day(clock.if_answered),
            "meta": gettext("by law at the latest %(day)s", day=date_text(clock.law_if_answered)),
            "note": provisional(clock),
        }]  # fmt: skip
    return [{**stopped, "value": left, "meta": ""}]


def provisional(clock: ClockView) -> str:
    """A date that reaches into a year whose make-up days nobody knows yet says so."""
    return may_still_move() if clock.provisional else ""


def may_still_move() -> str:
    """What is said beside a date of a year whose make-up days are not announced."""
    return str(gettext("Provisional: the holidays of that year are not yet announced"))


def _departments(page: CasePage, _items: int) -> Panel:
    where = page.standing
    return {
        "kind": "with_us", "tag": gettext("With the departments"), "title": due_title(page),
        "words": _holding(page), "facts": _time_facts(page, where), "button": None,
        "links": _letter(page, "acceptance", gettext("Read the notice of acceptance")),
    }  # fmt: skip


def due_title(page: CasePage) -> str:
    """The next answer and its day; an overdue one says so and names the day set by law."""
    clock = page.standing.clock
    if page.standing.held:
        kind, until = page.standing.held[0]
        last = day(page.calendar.local_date(until))
        return str(
            gettext("The clock stands still until %(day)s at the latest: %(kind)s", day=last, kind=pause_name(kind))
        )
    if clock is None or clock.due is None:
        return str(gettext("We are working on it"))
    what = LIMIT_WORDS[clock.kind]() if clock.kind else gettext("Next answer")
    if clock.left <= 0 and clock.promised_on and clock.statutory_on:
        return str(
            gettext("Late: promised for %(day)s, by law at the latest %(law)s", day=date_text(clock.promised_on),
                    law=day(clock.statutory_on))
        )  # fmt: skip
    return str(gettext("%(what)s by %(day)s", what=what, day=day(clock.due)))


def _holding(page: CasePage) -> str:
    """Who has it now, by name where somebody took it, and that there is nothing to do."""
    if page.standing.collecting and not page.standing.holders:
        return str(gettext("The departments have asked for a correction; you will get one notice with everything."))
    names = [who(page, holder.step, holder.assignee_id, holder.department_id) for holder in page.standing.holders]
    for step, _until in page.standing.asked:
        names.append(gettext("%(step)s: the person was asked", step=branch_title(page, step)))
    held = gettext("%(who)s. You need not do anything.", who=list_text(list(dict.fromkeys(names))))
    if not page.standing.collecting:
        return str(held)
    asked = gettext("A correction was asked for; you get one notice with everything once the others have looked.")
    return f"{held}{gap()}{asked}"


def who(page: CasePage, step: str, assignee: str | None, department_id: str) -> str:
    """Food safety: Zhang Qiang, Market Regulation."""
    known = page.compiled.steps.get(step)
    if known is not None and known.asked_at is not None:
        departments = current_runtime().definitions.catalogue.departments
        name = text(departments[department_id].name) if department_id in departments else department_id
        return str(gettext("Opinion asked of: %(department)s", department=name))
    person = text(page.names[assignee]) if assignee and assignee in page.names else gettext("nobody has taken it yet")
    return str(gettext("%(step)s: %(person)s", step=branch_title(page, step), person=person))


def branch_title(page: CasePage, step: str) -> str:
    """The name of the branch that a step belongs to, of the step itself outside of branches."""
    return next(
        (
            text(b.title)
            for block in page.compiled.blocks.values()
            for b in block.branches
            if step.startswith(b.scope + ".")
        ),
        text(page.compiled.steps[step].title) if step in page.compiled.steps else step,
    )


def _time_facts(page: CasePage, where: Standing) -> list[Panel]:
    ids = list(dict.fromkeys(holder.department_id for holder in where.holders))
    departments = current_runtime().definitions.catalogue.departments
    value = ngettext("%(num)s department", "%(num)s departments", len(ids)) if ids else gettext("The system")
    if len(ids) == 1 and ids[0] in departments:
        value = text(departments[ids[0]].name)
    facts: list[Panel] = [{
        "label": gettext("Who has your case"),
        "value": value,
        "meta": gettext("since %(day)s", day=day(where.since)),
    }]  # fmt: skip
    clock = where.clock
    if clock is not None:
        facts.append({
            "label": gettext("The clock"),
            "value": gettext("%(left)s of %(total)s left", left=clock.left, total=duration_text(clock.length)),
            "meta": gettext("stopped since %(day)s", day=day(clock.paused_since)) if clock.paused_since else "",
        })  # fmt: skip
        if clock.statutory_on:
            facts.append({
                "label": gettext("By law at the latest"), "value": day(clock.statutory_on), "note": provisional(clock),
            })  # fmt: skip
    return facts


def _system(page: CasePage, _items: int) -> Panel:
    return {
        "kind": "with_us", "tag": gettext("With the portal"), "title": due_title(page),
        "words": gettext("The system is doing the next step by itself. You need not do anything."),
        "facts": _time_facts(page, page.standing), "button": None, "links": [],
    }  # fmt: skip


def _others(page: CasePage, _items: int) -> Panel:
    return {
        "kind": "with_us", "tag": gettext("With another person"),
        "title": gettext("We wait for the answer of another person"),
        "words": gettext("The people you named were asked. You need not do anything."),
        "facts": [
            {"label": branch_title(page, step),
             "value": gettext("Answer by %(day)s", day=day(last_day(until))) if until else gettext("No answer yet"),
             "meta": gettext("invited on %(day)s", day=date_text(page.standing.since))}
            for step, until in page.standing.asked
        ], "button": None, "links": [],
    }  # fmt: skip


def _revoked(page: CasePage) -> Panel | None:
    """The licence was revoked after the case had closed; the grant stays on record."""
    acts = [h for h in page.happenings if h.type == "step.left" and "document.revoke" in h.data.get("effects", ())]
    if not acts:
        return None
    notice = _letter(page, "revoked", gettext("Read the reasons and what you can do"))
    return {
        "kind": "refused", "tag": gettext("Revoked"),
        "title": gettext("Licence revoked on %(day)s", day=date_text(acts[-1].at)),
        "words": gettext("Your licence no longer holds, and whoever verifies it sees that. You may apply again."),
        "facts": [], "button": notice[0] if notice else None, "links": [],
    }  # fmt: skip


def _granted(page: CasePage, _items: int) -> Panel:
    if (revoked := _revoked(page)) is not None:
        return revoked
    links = _letter(page, "grant", gettext("Read the notice of the decision"))
    if page.rating is None:
        links.append({"text": gettext("Rate this service"), "href": url_for("citizen.rate", number=page.case.number)})
    has_licence = page.compiled.service.output is not None
    if any(h.type == "step.left" and h.data.get("trigger") == RENEWED for h in page.happenings):
        return {
            "kind": "done", "tag": gettext("Granted"), "title": gettext("Renewed by law"),
            "words": gettext("Nobody decided before your licence expired: it holds for another term."), "facts": [],
            "button": None, "links": links,
        }  # fmt: skip
    href = url_for("citizen.licence", number=page.case.number)
    return {
        "kind": "done", "tag": gettext("Granted"),
        "title": gettext("Granted on %(day)s", day=date_text(page.case.decided_at or page.case.closed_at)),
        "words": gettext("Your licence is issued. Anybody can verify it by its code.") if has_licence else "",
        "facts": took_facts(page),
        "button": {"text": gettext("Open your licence"), "href": href} if has_licence else None, "links": links,
    }  # fmt: skip


def took_facts(page: CasePage) -> list[Panel]:
    """How long it took against what was promised, counted by the law's own rule."""
    if page.took is None:
        return []
    limit = page.compiled.limit("decision")
    return [{
        "label": gettext("From acceptance to decision"), "value": duration_text(page.took),
        "meta": gettext("promised: %(days)s", days=duration_text(limit.promised or limit.statutory)) if limit else "",
    }]  # fmt: skip


def _refused(page: CasePage, _items: int) -> Panel:
    links = [{"text": gettext("Rate this service"), "href": url_for("citizen.rate", number=page.case.number)}]
    notice = _letter(page, "refusal", gettext("Read the reasons and what you can do"))
    accepted, day = page.case.accepted_at is not None, date_text(page.case.decided_at or page.case.closed_at)
    return {
        "kind": "refused", "tag": gettext("Refused") if accepted else gettext("Not accepted"),
        "title": (gettext("Refused on %(day)s", day=day) if accepted else gettext("Not accepted on %(day)s", day=day)),
        "words": gettext("The notice gives the reasons and says where you can turn to. You may apply again."),
        "facts": took_facts(page), "button": notice[0] if notice else None,
        "links": links if page.rating is None else [],
    }  # fmt: skip


def _ended(page: CasePage, _items: int) -> Panel:
    words = {
        "withdrawn": gettext("The application was withdrawn. Nothing more will be done. You may apply again."),
        "lapsed": gettext("No answer came in time, so the application has lapsed. You may apply again."),
    }
    titles = {"withdrawn": gettext("Withdrawn"), "lapsed": gettext("Lapsed"), "terminated": gettext("Ended")}
    title = titles.get(page.case.outcome or "", gettext("Ended"))
    return {
        "kind": "refused", "tag": title,
        "title": gettext("%(what)s on %(day)s", what=title, day=date_text(page.case.closed_at)),
        "words": words.get(page.case.outcome or "", ""), "facts": [],
        "button": {
            "text": gettext("Apply again"), "href": url_for("citizen.start", code=page.case.service),
        }, "links": [],
    }  # fmt: skip


LIMIT_WORDS = {
    "decision": lambda: gettext("Decision"),
    "intake": lambda: gettext("Answer on acceptance"),
    "delivery": lambda: gettext("Licence"),
}
_PANELS = {
    "draft": _draft, "you": _you, "departments": _departments, "others": _others, "system": _system,
    "pay": lambda page, _items: pay_panel(page), "granted": _granted, "refused": _refused, "ended": _ended,
}  # fmt: skip

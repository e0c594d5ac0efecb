"""Putting a clerk's case page together: identity bar, file, history, what may be done and why not the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import MAIN, Actor, CaseState, Offer, Token, available, context, load_state, overlooked
from govservice.models.cases import Case, Task
from govservice.operations.runtime import Runtime
from govservice.operations.supervising import AdHoc, possible
from govservice.queries.conditions import Condition, set_for
from govservice.queries.fees import FeeView
from govservice.queries.lateness import lateness
from govservice.queries.licences import of_case
from govservice.queries.names import organisation_names, person_name, staff_names
from govservice.queries.sight import sight_of
from govservice.queries.tracking import CasePage, case_page, words_of
from govservice.queries.worklist import working_days_left
from govservice.web.appointments import meetings_of
from govservice.web.clerk.access import Opened
from govservice.web.clerk.casefile import CaseFile, Change, case_file
from govservice.web.clerk.consults import Asked, asked_of
from govservice.web.clerk.opinions import opinions
from govservice.web.clerk.promises import Promise, promises_of
from govservice.web.i18n import date_text, text, working_days
from govservice.web.timeline import flag_words, staff_timeline, step_name, text_ids
from govservice.web.words import late_words, pause_name

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """What the clerk may do at one step."""

    token_id: int
    version: int
    title: Text
    note: str
    primary: Offer | None
    others: tuple[Offer, ...]
    claim: bool
    release: bool
    why_not: tuple[Mapping[str, str], ...]
    stands_in: str = ""  # name of the absent colleague whose task it is


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template draws."""

    case: Case
    compiled: Compiled
    applicant: str
    person_id: str | None  # whose name was opened
    state: CaseState
    file: CaseFile
    timeline: list[dict[str, Any]]
    groups: tuple[Group, ...]
    opinions: list[dict[str, Any]]
    promises: tuple[Promise, ...]
    conditions: tuple[Condition, ...]  # of the grant: those that this clerk may read, all once it is issued
    steps_now: list[str]  # each once: a question may be put to several departments
    held_by: str
    step_due: datetime | None  # the first instant that is too late
    step_due_on: date | None
    clock: tuple[str, str]  # what the promised and the legal date are for
    stopped: bool
    provisional: bool
    idle: str
    came_back: str  # what the portal tried and could not do, so that the case stands here again; "" as a rule
    seen: int  # the last event that this page knows
    names: Mapping[str, Text] = field(default_factory=dict)
    meetings: list[dict[str, Any]] = field(default_factory=list)
    consults: list[Asked] = field(default_factory=list)
    given_out: tuple[AdHoc, ...] = ()  # tasks of branches that this clerk leads and may give to somebody
    fee: FeeView | None = None
    overlooked: tuple[Text, ...] = ()  # parts that were not needed when the departments looked, and would be now


def applicant_of(session: Session, case: Case) -> tuple[str, str | None]:
    """The name to show, and the person whose name it is (None for an organisation's)."""
    if case.organisation_id:
        return organisation_names(session, [case.organisation_id])[case.organisation_id], None
    return person_name(session, case.applicant_id), case.applicant_id


def offers_of(rt: Runtime, session: Session, case: Case, actor: Actor) -> tuple[CaseState, list[Offer]]:
    """What the engine says that this actor may do, of the tokens whose step the actor's roles have to work on (a step
    that was only brought to their attention is another role's work)."""
    compiled = rt.definitions.by_sha(case.def_sha)
    state = load_state(session, case.id)
    ctx = context(session, rt.definitions, rt.calendars, state)
    held = set(actor.every_role)
    mine = {t.token_id for t in state.tasks.values() if (t.role, t.department) in held and not t.watch}
    offered = available(compiled, state, actor, ctx)
    found = [o for o in offered if o.kind == "extend" or (o.token_id in mine and o.kind != "always")]
    return state, found


def build(rt: Runtime, session: Session, opened: Opened, actor: Actor, now: datetime) -> Page:
    """Reads everything for one page in one session."""
    case, compiled = opened.case, rt.definitions.by_sha(opened.case.def_sha)
    calendar = rt.calendars.for_area(case.area)
    state, offers = offers_of(rt, session, case, actor)
    track = case_page(session, rt.definitions, rt.calendars, case, now)
    sight = sight_of(compiled, opened.steps)
    file = case_file(rt, session, case, sight, opened.departments, corrected(track), left_as_it_was(track))
    words = words_of(session, case, text_ids(h for h in track.happenings if sight.sees_words(h.data)))
    applicant, person = applicant_of(session, case)
    issued = of_case(session, case.id, calendar.local_date(now))
    mine = own_task(opened, state)
    stopped = mine is not None and mine.status == "waiting" and compiled.steps[mine.step].kind != "parallel"
    ad_hoc = possible(rt, session, case, actor)
    live = [t for t in state.tokens.values() if t.open and compiled.steps[t.step].kind != "parallel"]
    return Page(
        case=case,
        compiled=compiled,
        applicant=applicant,
        person_id=person,
        state=state,
        file=file,
        timeline=staff_timeline(
            compiled, track.happenings, words, asides=(a for a in track.asides if sight.sees_fact(a.fact))
        ),
        groups=groups(compiled, state, offers, names_in(session, state, actor), actor),
        opinions=opinions(session, compiled, state, track, words),
        promises=promises_of(session, case, state, sight, now),
        conditions=issued.conditions
        if issued
        else tuple(set_for(session, rt.definitions, compiled, case, sight.sees_words)),
        steps_now=list(
            dict.fromkeys(text(compiled.steps[t.step].title) for t in live)
        ),  # a question may be put to several
        held_by=holder_words(session, mine, stopped=stopped),
        step_due=mine.step_due_at if mine else None,
        step_due_on=calendar.last_day(mine.step_due_at) if mine and mine.step_due_at else None,
        clock=clock_words(track),
        stopped=stopped,
        provisional=any(c.provisional for c in state.clocks.values() if c.running),
        idle=idle_words(compiled, state, opened),
        came_back=came_back(compiled, track, state.main.step) if case.status == "open" else "",
        seen=state.seq,
        names=track.names,
        meetings=[m for m in meetings_of(rt, session, case) if m["token"] in {t.token_id for t in opened.tasks}],
        consults=asked_of(rt, compiled, track, words, opened.steps, ad_hoc),
        given_out=tuple(a for a in ad_hoc if "assign" in a.acts and a.scope),
        fee=track.fee,
        overlooked=overlooked_in(rt, session, compiled, state),
    )


def overlooked_in(rt: Runtime, session: Session, compiled: Compiled, state: CaseState) -> tuple[Text, ...]:
    """Titles of parts that were not needed when the departments looked, and would be on the data as it stands now."""
    if state.status != "open" or not any(token.outcome == "not_needed" for token in state.tokens.values()):
        return ()
    return tuple(b.title for b in overlooked(compiled, state, context(session, rt.definitions, rt.calendars, state)))


def came_back(compiled: Compiled, track: CasePage, here: str) -> str:
    """The step of the portal's own that failed last, while the case still stands where that brought it; also where the
    portal has taken back what it had done before, and the case stands at a step that it had left."""
    moves = [h.data for h in track.happenings if h.type == "step.left" and h.token_id == MAIN]
    own = list(takewhile(lambda data: data.get("trigger") in ("@ok", "@fail"), reversed(moves)))[::-1]
    failed = [n for n, data in enumerate(own) if data["trigger"] == "@fail"]
    if not failed or (own[-1]["trigger"] == "@ok" and here not in {data["step"] for data in moves}):
        return ""
    step = step_name(compiled, own[failed[-1]]["step"])
    came = _("%(step)s: this did not succeed, so the case came back.", step=step)
    for flag in (data["flag"] for data in own[failed[0] :] if data.get("flag")):
        came = _("%(came)s What was recorded: %(what)s.", came=came, what=flag_words(flag))
    return str(came)


def own_task(opened: Opened, state: CaseState) -> Task | None:
    """The clerk's open task, not one that only watches; None where there is none."""
    watched = {seq for seq, task in state.tasks.items() if task.watch}
    return next((t for t in opened.tasks if t.status != "done" and t.opened_seq not in watched), None)


def corrected(track: CasePage) -> dict[str, Change]:
    """What the applicant corrected or brought later: name -> the revision before the last change of it, and when."""
    found: dict[str, Change] = {}
    rev = 0
    for h in track.happenings:
        if h.type == "step.left" and h.data.get("rev"):
            rev = int(h.data["rev"])
        elif h.type == "gap.closed" and h.data.get("rev"):
            found[h.data["material"]] = Change(rev, h.at)
            rev = int(h.data["rev"])
        elif h.type == "correction.resubmitted" or h.type == "data.changed" and h.data.get("rev"):
            if h.data.get("why") != "settled":  # a register answered late: the applicant did nothing
                found |= dict.fromkeys(h.data.get("changed", []), Change(rev, h.at))
            rev = int(h.data["rev"])
    return found


def left_as_it_was(track: CasePage) -> list[str]:
    """What the last notice that was answered named and the applicant did not change: they said that they leave it."""
    notice: list[str] = []
    left: list[str] = []
    for h in track.happenings:
        if h.type == "correction.notified":
            notice = list(h.data.get("items", []))
        elif h.type == "correction.resubmitted":
            left = [name for name in notice if name not in h.data.get("changed", [])]
    return left


def names_in(session: Session, state: CaseState, actor: Actor) -> Mapping[str, Text]:
    """Names of whoever has a task or was the first of two, and of whom the clerk stands in for."""
    first = {t.confirmed[1] for t in state.tokens.values() if t.confirmed}
    absent = {each.id for each in actor.deputy_for}
    return staff_names(session, first | absent | {t.assignee for t in state.tasks.values() if t.assignee})


def groups(
    compiled: Compiled, state: CaseState, offers: Sequence[Offer], names: Mapping[str, Text], actor: Actor
) -> tuple[Group, ...]:
    """One panel per step the clerk has; the usual outcome is a button, what needs words leads to its own page."""
    found = []
    for token_id in dict.fromkeys(o.token_id for o in offers):
        token = state.tokens[token_id]
        at_token = [o for o in offers if o.token_id == token_id]
        acts = [o for o in at_token if o.kind in ("action", "notice", "extend") and o.allowed]
        primary = next((o for o in acts if o.primary and not any((o.needs.reason, o.needs.items, _files(o)))), None)
        note, why_not = _refusals(at_token, names)
        found.append(
            Group(
                token_id,
                token.version,
                compiled.steps[token.step].title,
                _group_note(token, names, actor) or held_words(state, token) or note,
                primary,
                tuple(o for o in acts if o is not primary),
                any(o.kind == "claim" and o.allowed for o in at_token),
                any(o.kind == "release" and o.allowed for o in at_token),
                () if _group_note(token, names, actor) and not acts else why_not,
                _absent_holder(state, token_id, names, actor),
            )  # fmt: skip
        )
    return tuple(found)


def _absent_holder(state: CaseState, token_id: int, names: Mapping[str, Text], actor: Actor) -> str:
    """For whom the clerk does this task, where it is not their own."""
    task = state.task_of(token_id)
    if task is None or (task.role, task.department) in actor.roles:
        return ""
    absent = [each for each in actor.deputy_for if (task.role, task.department) in each.roles]
    found = next((each for each in absent if each.id == task.assignee), absent[0] if absent else None)
    return text(names[found.id]) if found is not None and found.id in names else ""


def _refusals(offers: Sequence[Offer], names: Mapping[str, Text]) -> tuple[str, tuple[Mapping[str, str], ...]]:
    """Why actions are not possible: one sentence where it is the same for all of them, else one line each."""
    acts = [o for o in offers if o.kind in ("action", "notice")]
    refused = [(o, refusal_words(o, names)) for o in acts if o.why_not is not None]
    if refused and len(refused) == len(acts) and len({words for _offer, words in refused}) == 1:
        return refused[0][1], ()
    return "", tuple({"label": text(o.label), "text": words} for o, words in refused if o.kind == "action")


def refusal_words(offer: Offer, names: Mapping[str, Text]) -> str:
    """Why the action is not possible, in the reader's language; who has the task goes by name."""
    why = offer.why_not
    if why is None:
        return ""
    if (holder := names.get(str(why.facts.get("by")))) is not None:
        return str(_("%(name)s has taken this task.", name=text(holder)))
    return str(_(why.message, **why.facts))


def _files(offer: Offer) -> bool:
    return bool(offer.needs.attachments) and not offer.second


def _group_note(token: Token, names: Mapping[str, Text], actor: Actor) -> str:
    if token.waits_for == "second_person" and token.confirmed:
        who = text(names.get(token.confirmed[1], {"en": "", "zh": ""}))
        if token.confirmed[1] == actor.id:
            return str(_("You have done this. It takes effect when a second person confirms it."))
        return str(_("%(name)s has done this already; a second person must confirm it.", name=who))
    if token.status == "suspended":
        return str(_("Another department asked the applicant for a correction. This goes on when the answer is there."))
    if token.waits_for == "correction_notice":
        return str(_("You asked for a correction. One notice goes out when every department has looked at the case."))
    if token.waits_for == "correction":
        return str(_("The applicant must answer first; the clock is stopped."))
    return ""


def held_words(state: CaseState, token: Token) -> str:
    """Why the clock stands still at this step, and until when at the latest."""
    hold = next((h for h in state.holds if h.token_id == token.id), None)
    if hold is None:
        return ""
    day = date_text(date.fromisoformat(hold.until_on))
    return str(_("The clock stands still until %(day)s at the latest: %(kind)s.", day=day, kind=pause_name(hold.kind)))


def holder_words(session: Session, mine: Task | None, *, stopped: bool) -> str:
    """Who has the clerk's step; nobody where it waits for its own branches. `stopped`: it waits for the applicant."""
    if mine is None or (mine.status == "waiting" and not stopped):
        return ""
    if stopped:
        return str(_("waits for the applicant"))
    if mine.assignee_id is None:
        return str(_("nobody has taken it yet"))
    return text(staff_names(session, [mine.assignee_id]).get(mine.assignee_id))


def idle_words(compiled: Compiled, state: CaseState, opened: Opened) -> str:
    """Why there is nothing to do for this clerk now."""
    if opened.case.status == "closed":
        return str(_("The case is closed."))
    brought = {(t.role, t.department) for t in state.tasks.values() if t.watch}
    if any((t.role, t.department_id) in brought for t in opened.tasks if t.status != "done"):
        return str(_("A step took too long and was brought to your attention. It stays the work of its department."))
    steps = [
        step_name(compiled, t.step)
        for t in state.tokens.values()
        if t.open and compiled.steps[t.step].kind != "parallel"
    ]
    return str(_("The case is at: %(steps)s.", steps=_(", ").join(steps)))


def time_left(rt: Runtime, case: Case, now: datetime) -> Callable[[date | datetime | None], str]:
    """What is left of a limit, given as its last day or as the first instant that is too late; or since when it is
    late."""
    calendar = rt.calendars.for_area(case.area)

    def words(limit: date | datetime | None) -> str:
        if limit is None:
            return "–"
        too_late = limit if isinstance(limit, datetime) else calendar.end_of(limit)
        if (late := lateness(calendar, now, too_late)) is not None:
            return late_words(late)
        days = working_days_left(calendar, now, calendar.last_day(too_late))
        return str(_("%(days)s left", days=working_days(days)) if days else _("today"))

    return words


def clock_words(track: CasePage) -> tuple[str, str]:
    """What the promised and the legal date in the head of the page are for: the limit that runs now."""
    kind = track.standing.clock.kind if track.standing.clock else None
    names = {
        "intake": (_("Promised: acceptance"), _("By law: acceptance")),
        "decision": (_("Promised: decision"), _("By law: decision")),
        "delivery": (_("Promised: licence"), _("By law: licence")),
    }  # fmt: skip
    promised, by_law = names.get(str(kind), (_("Promised"), _("By law")))
    return str(promised), str(by_law)

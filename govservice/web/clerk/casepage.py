"""Putting a clerk's case page together: identity bar, file, history, what may be done and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, CaseState, Offer, Token, available, context, load_state
from govservice.models.cases import Case
from govservice.operations.runtime import Runtime
from govservice.queries.names import organisation_names, person_name, staff_names
from govservice.queries.tracking import CasePage, case_page, words_of
from govservice.queries.worklist import working_days_left
from govservice.web.clerk.access import Opened
from govservice.web.clerk.casefile import CaseFile, case_file
from govservice.web.i18n import text
from govservice.web.timeline import quotation, staff_timeline, step_name, text_ids

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
    steps_now: list[str]
    held_by: str
    step_due: date | None
    stopped: bool
    provisional: bool
    idle: str
    names: Mapping[str, Text] = field(default_factory=dict)


def applicant_of(session: Session, case: Case) -> tuple[str, str | None]:
    """The name to show, and the person whose name it is (None for an organisation's)."""
    if case.organisation_id:
        return organisation_names(session, [case.organisation_id])[case.organisation_id], None
    return person_name(session, case.applicant_id), case.applicant_id


def offers_of(rt: Runtime, session: Session, case: Case, actor: Actor) -> tuple[CaseState, list[Offer]]:
    """What the engine says that this actor may do, of the tokens whose step the actor's roles own."""
    compiled = rt.definitions.by_sha(case.def_sha)
    state = load_state(session, case.id)
    ctx = context(session, rt.definitions, rt.calendars, state)
    held = set(actor.roles)
    mine = {t.token_id for t in state.tasks.values() if (t.role, t.department) in held}
    found = [o for o in available(compiled, state, actor, ctx) if o.token_id in mine and o.kind != "always"]
    return state, found


def build(rt: Runtime, session: Session, opened: Opened, actor: Actor, now: datetime) -> Page:
    """Reads everything for one page in one session."""
    case, compiled = opened.case, rt.definitions.by_sha(opened.case.def_sha)
    calendar = rt.calendars.for_area(case.area)
    state, offers = offers_of(rt, session, case, actor)
    track = case_page(session, rt.definitions, rt.calendars, case, now)
    file = case_file(rt, session, case, compiled, opened.steps, opened.departments, before_correction(track, case))
    words = (
        words_of(session, case, text_ids(track.happenings))
        if file.everything
        else own_words(session, case, track, actor)
    )
    applicant, person = applicant_of(session, case)
    mine = next((t for t in opened.tasks if t.status != "done"), None)
    due = calendar.local_date(mine.step_due_at - timedelta(microseconds=1)) if mine and mine.step_due_at else None
    live = [t for t in state.tokens.values() if t.open and compiled.steps[t.step].kind != "parallel"]
    return Page(
        case=case,
        compiled=compiled,
        applicant=applicant,
        person_id=person,
        state=state,
        file=file,
        timeline=staff_timeline(compiled, track.happenings, words),
        groups=groups(compiled, state, offers, names_in(session, state), actor),
        opinions=opinions(session, compiled, state, track, words),
        steps_now=[text(compiled.steps[t.step].title) for t in live if case.status != "closed"],
        held_by=holder_words(session, state, opened),
        step_due=due,
        stopped=mine is not None and mine.status == "waiting",
        provisional=any(c.provisional for c in state.clocks.values() if c.running),
        idle=idle_words(compiled, state, case),
        names=track.names,
    )


def own_words(session: Session, case: Case, track: CasePage, actor: Actor) -> Mapping[str, str]:
    """A branch reads what its own people wrote, not the other departments' reasons."""
    ids = [h.data["text"] for h in track.happenings if h.data.get("text") and h.who == track.names.get(actor.id)]
    return words_of(session, case, ids)


def before_correction(track: CasePage, case: Case) -> dict[str, int]:
    """Name -> the revision before the last correction that changed it."""
    found: dict[str, int] = {}
    rev = 0
    for h in track.happenings:
        if h.type == "step.left" and h.data.get("rev"):
            rev = int(h.data["rev"])
        elif h.type == "correction.resubmitted":
            found |= dict.fromkeys(h.data.get("changed", []), rev)
            rev = int(h.data["rev"])
    return found if case.data_rev else {}


def names_in(session: Session, state: CaseState) -> Mapping[str, Text]:
    ids = {t.confirmed[1] for t in state.tokens.values() if t.confirmed}
    return staff_names(session, ids)


def groups(
    compiled: Compiled, state: CaseState, offers: Sequence[Offer], names: Mapping[str, Text], actor: Actor
) -> tuple[Group, ...]:
    """One panel per step the clerk has; the usual outcome is a button, what needs words leads to its own page."""
    found = []
    for token_id in dict.fromkeys(o.token_id for o in offers):
        token = state.tokens[token_id]
        at_token = [o for o in offers if o.token_id == token_id]
        acts = [o for o in at_token if o.kind in ("action", "notice") and o.allowed]
        primary = next((o for o in acts if o.primary and not any((o.needs.reason, o.needs.items, _files(o)))), None)
        found.append(
            Group(
                token_id,
                token.version,
                compiled.steps[token.step].title,
                _group_note(token, names, acts, actor),
                primary,
                tuple(o for o in acts if o is not primary),
                any(o.kind == "claim" and o.allowed for o in at_token),
                any(o.kind == "release" and o.allowed for o in at_token),
                tuple(
                    {"label": text(o.label), "text": _(o.why_not.message, **o.why_not.facts)}
                    for o in at_token
                    if o.why_not and o.kind == "action"
                ),
            )  # fmt: skip
        )
    return tuple(found)


def _files(offer: Offer) -> bool:
    return bool(offer.needs.attachments) and not offer.second


def _group_note(token: Token, names: Mapping[str, Text], acts: Sequence[Offer], actor: Actor) -> str:
    if token.waits_for == "second_person" and token.confirmed:
        who = text(names.get(token.confirmed[1], {"en": "", "zh": ""}))
        if token.confirmed[1] == actor.id:
            return str(_("You have done this. It takes effect when a second person confirms it."))
        return str(_("%(name)s has done this already; a second person must confirm it.", name=who))
    if token.status == "waiting":
        return str(_("The applicant must answer first; the clock is stopped."))
    return "" if acts else str(_("You may not act on this step."))


def opinions(
    session: Session, compiled: Compiled, state: CaseState, track: CasePage, words: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each branch of the parallel step: its outcome, who said what, or who has it now."""
    block = next(iter(compiled.blocks.values()), None)
    if block is None or not any(t.kind == "branch" for t in state.tokens.values()):
        return []
    holders = {t.token_id: t for t in state.tasks.values() if not t.watch}
    staff = staff_names(session, (t.assignee for t in holders.values() if t.assignee))
    rows = []
    for branch in block.branches:
        token = state.token_of(branch.scope)
        if token is None:
            continue
        acts = [h for h in track.happenings if h.data.get("step", "").startswith(branch.scope + ".") and h.who]
        last = acts[-1] if acts else None
        task = holders.get(token.id)
        who = (
            text(staff.get(task.assignee or "", {"en": "", "zh": ""}))
            if task
            else text(last.who)
            if last and last.who
            else ""
        )
        tone, outcome = _outcome(token)
        rows.append({"title": branch.title, "tone": tone, "outcome": outcome,
                     "text": quotation(words.get(last.data.get("text", ""))) if last else "",
                     "meta": who or (_("Nobody has taken it yet") if task else "")})  # fmt: skip
    return rows


def _outcome(token: Token) -> tuple[str, str]:
    if token.status == "waiting":
        return "stopped", _("Waits for the applicant")
    known = {
        "approved": ("ok", _("Agreed")),
        "rejected": ("bad", _("Not agreed")),
        "not_needed": ("mute", _("Not needed")),
        "cancelled": ("mute", _("Ended")),
    }
    if token.outcome:
        return known.get(token.outcome, ("mute", token.outcome))
    return "info", _("Open")


def holder_words(session: Session, state: CaseState, opened: Opened) -> str:
    """Who has the clerk's step, since when it stands there."""
    mine = next((t for t in opened.tasks if t.status != "done"), None)
    if mine is None:
        return ""
    if mine.assignee_id is None:
        return str(_("nobody has taken it yet"))
    return text(staff_names(session, [mine.assignee_id]).get(mine.assignee_id, {"en": "", "zh": ""}))


def idle_words(compiled: Compiled, state: CaseState, case: Case) -> str:
    """Why there is nothing to do for this clerk now."""
    if case.status == "closed":
        return str(_("The case is closed."))
    steps = [
        step_name(compiled, t.step)
        for t in state.tokens.values()
        if t.open and compiled.steps[t.step].kind != "parallel"
    ]
    return str(_("The case is at: %(steps)s.", steps=_(", ").join(steps)))


def days_left(rt: Runtime, case: Case, now: datetime) -> Any:
    calendar = rt.calendars.for_area(case.area)
    return lambda day: working_days_left(calendar, now, day)

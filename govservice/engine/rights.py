"""Who may do what: one function answers for `apply` (which refuses) and for `available` (which says why not).

Refusals have a code. Those of `FORBIDDEN` are about the person (403 in spirit), the others about the moment (409).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from govservice.definitions.compiled import Compiled, Edge
from govservice.engine import consults
from govservice.engine.clocks import duration
from govservice.engine.decide_work import department_of
from govservice.engine.state import CaseState, Task, Token
from govservice.engine.types import MAIN, Actor, Command, Ctx, Needs, Refusal
from govservice.errors import N_, Forbidden, Invalid, Missing, NotAllowed, PortalError

FORBIDDEN = frozenset(
    {"role", "own_case", "relative", "claimed", "same_person", "four_eyes", "not_applicant", "not_person", "not_system",
     "assignee"}
)  # fmt: skip

MAX_PAUSE = 250  # days: nothing that the law excludes takes longer than a year
ANSWERS = ("@ok", "@fail")  # of auto steps

CLOSED = Refusal("closed", "This case is closed.")
NOT_HERE = Refusal("not_here", "This is not possible at the moment.")
WAITING = Refusal("waiting", "The applicant was asked for a correction. This goes on when the answer is there.")
ROLE = Refusal("role", "This is for another role or department.")
OWN_CASE = Refusal("own_case", "You may not decide your own application.")
RELATIVE = Refusal("relative", "Conflict of interest: a relative's case.")
SAME_PERSON = Refusal("same_person", "You have confirmed this already. A second person must confirm it.")
FOUR_EYES = Refusal("four_eyes", "Whoever examined this case may not decide it.")
NOT_APPLICANT = Refusal("not_applicant", "Only the applicant may do this.")
NOT_PERSON = Refusal("not_person", "Only the person who was asked may do this.")
NOT_SYSTEM = Refusal("not_system", "This happens by itself.")
NO_NOTICE = Refusal("no_notice", "No correction is asked for at the moment.")
NOTHING_ASKED = Refusal("nothing_asked", "No department has asked for a correction yet.")
PAUSED = Refusal("paused", "The clock stands still for this already.")
NOT_PAUSED = Refusal("not_paused", "The clock does not stand still for this.")
EXTENDED = Refusal("extended", "This limit was extended already; the law allows it once.")
LIMIT_OVER = Refusal("limit_over", "The last day of this limit has passed; it cannot be extended any more.")
NO_GAP = Refusal("no_gap", "No document was put off, or it has come already.")
GAPS = Refusal("gaps", "A document that the applicant may bring later has not come yet.")
ASKED = Refusal("asked", "This was asked already; the answer is not there yet.")
CONSULTED = Refusal("consulted", "A department that was asked for its opinion has not answered yet.")
ONCE = Refusal("once", "The applicant was given one round to put this right; there is no second one.")
NOTICE_OUT = Refusal("notice_out", "The notice was sent already.")


def raised(refusal: Refusal, **facts: Any) -> PortalError:
    """The error that a refusal becomes."""
    known = {**refusal.facts, **facts}
    if refusal.code in FORBIDDEN:
        return Forbidden(refusal.code, refusal.message, **known)
    return NotAllowed(refusal.message, **{"why": refusal.code, **known})


# -- the parts of the answer


def is_applicant(st: CaseState, actor: Actor) -> bool:
    """Whoever filed it, or acts for the same organisation."""
    if actor.kind != "applicant":
        return False
    if st.organisation_id is not None and actor.organisation_id is not None:
        return actor.organisation_id == st.organisation_id
    return actor.person_id is not None and actor.person_id == st.applicant_id


def holds(d: Compiled, st: CaseState, actor: Actor, role: str, ctx: Ctx | None) -> bool:
    """Whether the actor, or a colleague whom they stand in for, holds the role in the department where it sits: of the
    case's area, or of the one that an answer names for it."""
    return _holds(d, st, actor, role, ctx) or any(_holds(d, st, a, role, ctx) for a in actor.deputy_for)


def behalf(d: Compiled, st: CaseState, actor: Actor, role: str, ctx: Ctx | None, token: Token | None) -> Actor | None:
    """For which absent colleague the actor acts in a role: whose task it is, else where only their role gives the
    right; None where they act for themselves."""
    fitting = [absent for absent in actor.deputy_for if _holds(d, st, absent, role, ctx)]
    task = st.task_of(token.id) if token is not None else None
    whose = next((a for a in fitting if task is not None and task.assignee == a.id and task.role == role), None)
    if whose is not None or _holds(d, st, actor, role, ctx):
        return whose
    return fitting[0] if fitting else None


def _holds(d: Compiled, st: CaseState, actor: Actor, role: str, ctx: Ctx | None) -> bool:
    if actor.kind != "user" or not any(held == role for held, _ in actor.roles):
        return False
    try:
        return (role, department_of(d, ctx, role, st.place_of(role))) in actor.roles
    except NotAllowed:
        return False


def by_right(
    d: Compiled, st: CaseState, actor: Actor, by: str, ctx: Ctx | None, token: Token | None = None
) -> Refusal | None:
    if by == "person":
        asked = actor.kind == "applicant" and token is not None and token.person is not None
        return None if asked and token is not None and actor.person_id == token.person else NOT_PERSON
    if by == "applicant":
        return None if is_applicant(st, actor) else NOT_APPLICANT
    if by == "system":
        return None if actor.kind == "system" else NOT_SYSTEM
    if not holds(d, st, actor, by, ctx):
        return ROLE
    absent = behalf(d, st, actor, by, ctx, token)
    return conflict(st, actor) or (conflict(st, absent) if absent is not None else None)


def conflict(st: CaseState, actor: Actor) -> Refusal | None:
    """A conflict of interest: one's own application, that of an organisation that one acts for in private, or one in
    which a relative has a part (as `operations.recusal` found)."""
    own = actor.person_id is not None and actor.person_id == st.applicant_id
    own_organisation = st.organisation_id is not None and st.organisation_id in actor.acts_for
    if own or own_organisation:
        return OWN_CASE
    return RELATIVE if st.case_id in actor.recused else None


def by_claim(task: Task | None, edge: Edge, actor: Actor) -> Refusal | None:
    """A task that somebody else has taken is theirs; an unclaimed one may be acted on at once."""
    if task is None or task.assignee is None or task.assignee in actor.ids or task.role != edge.by:
        return None
    return Refusal("claimed", "Somebody else has taken this task.", {"by": task.assignee})


def by_eyes(st: CaseState, token: Token, edge: Edge, actor: Actor, absent: Actor | None = None) -> Refusal | None:
    """Two people are two people; who examined does not decide (not_same_as covers both of two). Acting for an absent
    colleague, one is both: B does not approve through A what B examined, and nobody does for A what A examined."""
    if actor.kind != "user":
        return None
    both = {actor.id, *([absent.id] if absent is not None else [])}
    first = token.confirmed
    if edge.two_people and first is not None and first[0] == edge.name and not both.isdisjoint({first[1], first[3]}):
        return SAME_PERSON
    for path in edge.not_same_as:
        if not both.isdisjoint(st.acts.get(path, ())):
            return FOUR_EYES._replace(facts={"step": path})
    return None


def by_moment(st: CaseState, token: Token, edge: Edge) -> Refusal | None:
    if not token.open or (st.status == "closed" and token.kind != "after"):
        return CLOSED
    if edge.kind in ("always", "join", "lapse"):
        return None
    if token.status == "active":
        return None
    return WAITING if token.waits_for in ("correction", "correction_notice") else NOT_HERE


def by_gaps(st: CaseState, edge: Edge) -> Refusal | None:
    return GAPS if edge.requires_gaps and st.open_gaps else None


def by_guard(edge: Edge, values: Mapping[str, Any] | None) -> Refusal | None:
    if edge.guard is None or values is None:
        return None
    verdict = edge.guard.evaluate(values)
    if verdict.value:
        return None
    return Refusal("guard", "The conditions for this are not met.", {"missing": list(verdict.missing)})


def refusal(d: Compiled, st: CaseState, token: Token, edge: Edge, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    """Why this actor may not take this edge of this token, guards apart; None where they may."""
    return (
        (None if for_the_bundle(st, edge, actor) else by_right(d, st, actor, edge.by, ctx, token))
        or by_moment(st, token, edge)
        or by_gaps(st, edge)
        or by_claim(st.task_of(token.id), edge, actor)
        or by_eyes(st, token, edge, actor, behalf(d, st, actor, edge.by, ctx, token))
        or by_once(token, edge)
        or by_hold(st, token, edge)
        or by_consult(d, st, token, edge)
    )


def by_once(token: Token, edge: Edge) -> Refusal | None:
    """One round to put things right: whoever asked at this stay and was answered decides on what there is now."""
    return ONCE if edge.once and answered(token) else None


def answered(token: Token) -> bool:
    """Whether a correction that was asked for at this stay has come back."""
    return any(kind == "correction" and end is not None for _, end, kind in token.pauses)


def by_hold(st: CaseState, token: Token, edge: Edge) -> Refusal | None:
    """Excluded time begins once, and ends only where it has begun."""
    kinds = [hold.kind for hold in st.holds if hold.token_id == token.id]
    if edge.pause in kinds:
        return PAUSED
    return NOT_PAUSED if edge.resume is not None and edge.resume not in kinds else None


def by_consult(d: Compiled, st: CaseState, token: Token, edge: Edge) -> Refusal | None:
    """What was asked is not asked again before the answer is there; where the step waits for it, nothing leads on."""
    if edge.consult is not None:
        return ASKED if consults.asked_of(d, st, token.id, edge.name) else None
    onward = edge.kind == "action" and not (edge.correction or edge.pause or edge.resume)
    return CONSULTED if onward and consults.awaited(d, st, token.id) else None


def extend_refusal(d: Compiled, st: CaseState, actor: Actor, name: str, ctx: Ctx | None) -> Refusal | None:
    """May this limit be extended now, by this actor? Once, and before its last day is over (art. 42)."""
    limit, clock = d.limits.get(name), st.clocks.get(f"limit:{name}")
    more = limit.extend if limit is not None else None
    if more is None or clock is None or st.status == "closed" or clock.stopped_at is not None:
        return CLOSED if st.status == "closed" else NOT_HERE
    if right := by_right(d, st, actor, more.role, ctx):
        return right
    if more.once and clock.extended:
        return EXTENDED
    return None if f"{MAIN}/limit:{name}:statutory" in st.timers else LIMIT_OVER


def for_the_bundle(st: CaseState, edge: Edge, actor: Actor) -> bool:
    """The applicant sent the bundle: the system sends its child cases, and withdraws them with it."""
    mine = edge.by == "applicant" and (st.status == "draft" or edge.kind == "always")
    return actor.kind == "system" and st.parent_id is not None and mine


def appoint_refusal(d: Compiled, st: CaseState, token: Token, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    """May this actor set the time of a step's meeting? The applicant, the department, or the system for them."""
    step = d.steps.get(token.step)
    if step is None or step.appointment is None or token.status != "active":
        return CLOSED if st.status == "closed" else NOT_HERE
    if actor.kind == "system" or is_applicant(st, actor):
        return None
    return by_right(d, st, actor, step.owner or "system", ctx)


def restart_refusal(st: CaseState, actor: Actor) -> Refusal | None:
    """May the applicant have a child of the bundle tried again? Which one, `decide` says."""
    if not is_applicant(st, actor):
        return NOT_APPLICANT
    return CLOSED if st.status == "closed" else None


def claim_refusal(d: Compiled, st: CaseState, task: Task | None, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    if task is None or task.watch:
        return CLOSED if st.status == "closed" else NOT_HERE
    token = st.tokens[task.token_id]
    right = by_right(d, st, actor, task.role, ctx, token)
    if right is not None:
        return right
    if token.status != "active":
        return NOT_HERE
    if task.assignee is not None and task.assignee not in actor.ids:
        return Refusal("taken", "Somebody else has taken this task.", {"by": task.assignee})
    if token.confirmed is not None and actor.id in token.confirmed[1:]:
        return SAME_PERSON
    return None


def release_refusal(task: Task | None, actor: Actor) -> Refusal | None:
    if task is None or task.assignee is None:
        return NOT_HERE
    if actor.kind != "system" and task.assignee not in actor.ids:
        return Refusal("claimed", "Somebody else has taken this task.", {"by": task.assignee})
    return None


def notice_refusal(d: Compiled, st: CaseState, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    """May the lead of the parallel step send the notice before every branch has acted?"""
    block = d.blocks.get(st.main.step) if st.status != "closed" else None
    if block is None or block.correction is None:
        return NOT_HERE
    owner = d.steps[block.path].owner
    right = by_right(d, st, actor, owner or "system", ctx)
    if right is not None:
        return right
    if st.notice is not None:
        return NOTICE_OUT
    return None if any(not a.notified for a in st.asks.values()) else NOTHING_ASKED


def answer_refusal(d: Compiled, st: CaseState, actor: Actor, step: str, trigger: str) -> Refusal | None:
    """May this answer to an auto step be used now, or kept until a token comes there?"""
    if actor.kind != "system":
        return NOT_SYSTEM
    if st.status == "closed":
        return CLOSED
    return None if d.edge(step, trigger) is not None and ahead(d, st.main.step, step) else NOT_HERE


def ahead(d: Compiled, start: str, step: str) -> bool:
    """Whether a case at `start` (a step of the main token) may stand at a step, now or later."""
    goal, seen, left = step.partition(".")[0], {start}, [start]
    while left:
        here = left.pop()
        if here == goal:
            return True
        more = {t.to for edge in d.out[here] for t in edge.targets if t.to is not None} - seen
        seen |= more
        left += more
    return False


def open_refusal(cmd: Command) -> Refusal | None:
    """A citizen opens for themselves or for the organisation they act for; staff only at the counter."""
    actor, data = cmd.actor, cmd.data
    if actor.kind == "system" and data.get("parent"):
        return None
    if actor.kind != "applicant":
        return None if data.get("channel", "online") == "counter" else NOT_APPLICANT
    for_organisation = data.get("organisation_id")
    if data.get("person_id") != actor.person_id or for_organisation not in (None, actor.organisation_id):
        return NOT_APPLICANT
    return None


def resubmit_refusal(st: CaseState, actor: Actor) -> Refusal | None:
    if not is_applicant(st, actor):
        return NOT_APPLICANT
    if st.status == "closed":
        return CLOSED
    return NO_NOTICE if st.notice is None else None


def migrate_refusal(actor: Actor) -> Refusal | None:
    """Versions are the designers' matter, whatever the department; the system carries out what they decided."""
    may = actor.kind == "system" or (actor.kind == "user" and any(role == "designer" for role, _ in actor.roles))
    return None if may else ROLE


def supply_refusal(st: CaseState, actor: Actor, supplied: Iterable[str] | None = None) -> Refusal | None:
    """May this actor bring what was put off? `supplied`: names of the materials, all of them open (None: any)."""
    if not is_applicant(st, actor):
        return NOT_APPLICANT
    if st.status == "closed":
        return CLOSED
    due = {gap.material for gap in st.open_gaps}
    return NO_GAP if not due or (supplied is not None and (not supplied or not due.issuperset(supplied))) else None


# -- what must come with it


def needs_of(token: Token, edge: Edge) -> Needs:
    """What an action asks for; who only confirms what a first person did brings nothing."""
    if edge.two_people and token.confirmed is not None and token.confirmed[0] == edge.name:
        return Needs()
    unsaid = edge.pause is not None and edge.notice is None  # the written notice needs words
    return Needs(
        edge.reason or unsaid or edge.consult is not None, edge.requires_fields, edge.requires_attachments,
        edge.correction, edge.pause is not None and edge.length is None,
    )  # fmt: skip


def check_needs(d: Compiled, cmd: Command, needs: Needs, values: Mapping[str, Any]) -> None:
    """Raises Missing naming everything at once, Invalid for a correction of something that the form does not have."""
    missing = ["reason"] if needs.reason and not (cmd.reason or "").strip() else []
    missing += [name for name in needs.attachments if name not in cmd.attachments]
    missing += [name for name in needs.fields if values.get(name) in (None, "", [], ())]
    items = cmd.data.get("items") or {}
    if needs.items and not items:
        missing.append("items")
    missing += ["length"] if needs.length and not cmd.data.get("length") else []
    if missing:
        raise Missing(missing)
    if needs.length:
        check_length(cmd.data.get("length"))
    unknown = [name for name in items if name not in d.service.fields and name not in d.service.materials]
    if needs.items and unknown:
        raise Invalid(dict.fromkeys(unknown, N_("This is not part of the form.")))


def check_length(said: Any) -> None:
    """Raises Invalid for a length that is none: a whole number of working or calendar days."""
    try:
        length = duration(str(said))
    except ValueError:
        length = None
    if length is None or length.unit not in ("wd", "d") or not 0 < length.n <= MAX_PAUSE:
        raise Invalid({"length": N_("Give the expected length as a whole number of working days.")})


def resolve_token(d: Compiled, st: CaseState, cmd: Command) -> Token:
    """The token that a command means. Raises NotAllowed where it names none, or several could be meant."""
    if cmd.trigger in ANSWERS and "step" in cmd.data:
        return next((t for t in st.tokens.values() if t.step == cmd.data["step"] and t.status == "active"), st.main)
    if cmd.token_id is not None:
        token = st.tokens.get(cmd.token_id)
        if token is None:
            raise NotAllowed(action=cmd.trigger)
        return token
    fitting = [t for t in st.tokens.values() if t.open and d.edge(t.step, cmd.trigger) is not None]
    if len(fitting) > 1:
        raise NotAllowed("It is not clear which department's part is meant.", action=cmd.trigger)
    return fitting[0] if fitting else st.tokens[MAIN]

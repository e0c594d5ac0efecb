"""What supervision and leads do with a case ad hoc: give a task to somebody, end a part, let it be looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor, Applied, Command, Expected, apply, context, load_state
from govservice.engine import rights_supervision as supervision
from govservice.errors import NotFound
from govservice.models.accounts import Role, User
from govservice.models.cases import Case
from govservice.models.recusals import KEPT
from govservice.operations.absences import held_today
from govservice.operations.deciding import MAX_TEXT, in_transaction
from govservice.operations.recusal import weigh
from govservice.operations.runtime import Runtime
from govservice.queries.access import organisations_of
from govservice.queries.recusals import state_of

Act = Literal["assign", "cancel", "reopen"]
ACTS: tuple[Act, ...] = ("assign", "cancel", "reopen")


@dataclass(frozen=True, slots=True)
class AdHoc:
    """What may be done at one token. `holder`: the user who has its task."""

    token_id: int
    step: str
    scope: str
    acts: tuple[Act, ...]
    holder: str | None


def possible(rt: Runtime, session: Session, case: Case, actor: Actor) -> list[AdHoc]:
    """What this actor may do ad hoc with the case, token by token; nothing where there is nothing."""
    state = load_state(session, case.id)
    compiled, ctx = rt.definitions.by_sha(case.def_sha), context(session, rt.definitions, rt.calendars, state)
    found = []
    for token in state.tokens.values():
        refused = {
            "assign": supervision.assign_refusal(compiled, state, token, actor, None, ctx),
            "cancel": supervision.cancel_refusal(compiled, state, token, actor, ctx),
            "reopen": supervision.reopen_refusal(compiled, state, token, actor, ctx),
        }
        acts = tuple(act for act in ACTS if refused[act] is None)
        task = state.task_of(token.id)
        if "assign" in acts and compiled.steps[token.step].kind == "parallel":
            acts = tuple(act for act in acts if act != "assign")
        if acts:
            step = token.step if task is not None else token.step.partition("#")[0]
            found.append(AdHoc(token.id, step, token.scope, acts, task.assignee if task else None))
    return found


def colleagues(rt: Runtime, session: Session, case: Case, token_id: int, actor: Actor, now: datetime) -> list[User]:
    """Who may be given the task of a token: those who hold its role today and whom nothing forbids it."""
    state = load_state(session, case.id)
    task, token = state.task_of(token_id), state.tokens.get(token_id)
    if task is None or token is None:
        return []
    users = session.scalars(
        select(User)
        .join(Role, Role.user_id == User.id)
        .where(Role.role == task.role, Role.department_id == task.department, User.disabled_at.is_(None))
        .order_by(User.login)
    ).unique()  # fmt: skip
    today = rt.today(now)
    compiled, ctx = rt.definitions.by_sha(case.def_sha), context(session, rt.definitions, rt.calendars, state)
    others = [(user, staff_of(session, user, today, case.id)) for user in users if user.id != task.assignee]
    return [u for u, who in others if supervision.assign_refusal(compiled, state, token, actor, who, ctx) is None]


def staff_of(session: Session, user: User, today: date, case_id: str) -> Actor:
    """A member of staff as an actor, with the roles and private mandates that hold today, and whether the case is
    known to be a relative's."""
    person = user.own_person_id
    acts_for = organisations_of(session, person, today) if person else ()
    name = next(iter(user.name.values()), "")
    recused = (case_id,) if state_of(session, user.id, case_id) in KEPT else ()
    return Actor(user.id, "user", held_today(user, today), person, name=name, acts_for=acts_for, recused=recused)


def _weighed(rt: Runtime, user_id: str | None, case_id: str, now: datetime) -> Actor | None:
    """Who gets the task, with what forbids it to them. Raises NotFound for somebody who is not there."""
    if not user_id:
        return None
    with rt.read() as session:
        user = session.get(User, user_id)
        if user is None or user.kind != "staff" or user.disabled_at is not None:
            raise NotFound()
        found = staff_of(session, user, rt.today(now), case_id)
    return weigh(rt, found, case_id, now)


def do(
    rt: Runtime, actor: Actor, case_id: str, token_id: int, act: Act, *, idem: str, now: datetime,
    reason: str | None = None, to: str | None = None, holder: str | None = None,
) -> Applied:  # fmt: skip
    """One ad hoc act. `to` is the user who gets the task, `holder` who had it on the page ("": nobody).

    Raises Forbidden, NotAllowed, Missing, NotFound, Stale."""
    actor, assignee = weigh(rt, actor, case_id, now), _weighed(rt, to, case_id, now)

    def work(session: Session) -> Applied:
        command = Command(
            case_id=case_id, trigger=f"@{act}", idem=idem, now=now, actor=actor, token_id=token_id,
            reason=(reason or "").strip()[:MAX_TEXT] or None,
            expected=Expected(None, None, holder) if holder is not None else None,
            assignee=assignee,
        )  # fmt: skip
        return apply(session, command, rt.definitions, rt.calendars)

    return in_transaction(rt, work)

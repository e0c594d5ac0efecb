"""What of a case a clerk may see: the steps at which a role of the clerk works or worked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.engine.rights import RELATIVE
from govservice.errors import Forbidden, NotFound
from govservice.models.cases import Case, Task
from govservice.models.recusals import KEPT
from govservice.operations.recusal import weigh
from govservice.operations.runtime import Runtime
from govservice.queries.access import tasks_of
from govservice.queries.recusals import state_of
from govservice.web.access import clerk_case, current_actor, work_roles


@dataclass(frozen=True, slots=True)
class Opened:
    """A case as one clerk may open it. `tasks` are those of the clerk's roles, open ones first."""

    case: Case
    tasks: tuple[Task, ...]

    @property
    def steps(self) -> list[str]:
        return [t.step for t in self.tasks]

    @property
    def departments(self) -> list[str]:
        return [t.department_id for t in self.tasks]


def clerk() -> Actor:
    """The member of staff who asks. Raises NotFound for anybody else (the audience check comes first)."""
    actor = current_actor()
    if actor is None or actor.kind != "user":
        raise NotFound()
    return actor


def open_case(session: Session, actor: Actor, number: str) -> Opened:
    """The case with the clerk's tasks in it. Raises NotFound where it is not the clerk's, Forbidden where it is known
    to be a relative's: such a case is not even read."""
    found = clerk_case(number, session)
    if state_of(session, actor.id, found.id) in KEPT:
        raise Forbidden("relative", RELATIVE.message)
    mine = select(Task).where(Task.case_id == found.id, tasks_of(work_roles(actor)))
    tasks = session.scalars(mine.order_by(Task.opened_seq.desc())).all()
    return Opened(found, tuple(sorted(tasks, key=lambda t: t.status == "done")))


def weigh_case(rt: Runtime, actor: Actor, number: str) -> None:
    """Before a case is shown or touched: whether it is a relative's, asked of the registries where it is not known.
    `open_case` refuses it afterwards. Costs nothing for staff of whom no private person is known."""
    if any(each.person_id for each in (actor, *actor.deputy_for)):
        with rt.read() as session:
            case_id = open_case(session, actor, number).case.id
        weigh(rt, actor, case_id, rt.now(), acts=False)


def clerk_areas(actor: Actor) -> tuple[str, ...]:
    """Areas of the departments where the clerk works."""
    return tuple(dict.fromkeys(department.partition(".")[0] for _role, department in work_roles(actor)))


def role_titles(rt: Runtime, actor: Actor) -> list[object]:
    """What the clerk's roles are called, each once; the first service that names a role gives its title."""
    titles: dict[str, object] = {}
    for code in rt.definitions.codes():
        for role, spec in rt.definitions.current(code).service.roles.items():
            titles.setdefault(role, spec.title or {"en": role, "zh": role})
    return [titles[role] for role in dict.fromkeys(role for role, _d in work_roles(actor)) if role in titles]

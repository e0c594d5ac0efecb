"""What holds a decision up, for whoever wanted to take it: which data, and where or by whom it is settled.

An act in a part of the case may decide the whole of it (a part that does not agree, where any one refuses), and rest on
data that this part does not read. Who took it cannot look at the data, and is told who can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.errors import PortalError, Unverified
from govservice.models.cases import Case, Task
from govservice.operations.runtime import Runtime
from govservice.queries.sight import sight_of
from govservice.web.clerk.access import Opened
from govservice.web.clerk.relied import relied_of, title_of
from govservice.web.titles import Titles

Text = Mapping[str, str]
SETTLED = ("changed", "unverified", "unavailable")  # by a clerk; a dispute waits for the register's owner


@dataclass(frozen=True, slots=True)
class Held:
    """`found_id`: where the reader may settle it; else `by`: whose work in this case sees it (role, department)."""

    title: Text
    found_id: str | None
    by: tuple[tuple[Text, Text], ...]


def held_up(rt: Runtime, session: Session, opened: Opened, fault: PortalError) -> list[Held]:
    """What is to be settled before the act can be taken; nothing where another fault stopped it."""
    why = fault.why if isinstance(fault, Unverified) else {}
    names = [name for name, word in why.items() if word in SETTLED]
    if not names:
        return []
    compiled = rt.definitions.by_sha(opened.case.def_sha)
    sight = sight_of(compiled, opened.steps)
    relied = relied_of(rt, session, opened, sight)
    lines = {line.name: line.id for line in relied.lines if line.ways and relied.again}
    return [
        Held(
            title_of(rt, compiled, name), lines.get(name),
            () if sight.sees_fact(name) else who_sees(rt, session, opened.case, compiled, name),
        )
        for name in names if name in compiled.service.facts
    ]  # fmt: skip


def who_sees(rt: Runtime, session: Session, case: Case, compiled: Compiled, name: str) -> tuple[tuple[Text, Text], ...]:
    """Roles with work in the case now whose step sees the fact; whoever leads the case before the other parts."""
    tasks = session.scalars(
        select(Task).where(Task.case_id == case.id, Task.status.in_(("open", "waiting"))).order_by(Task.opened_seq)
    ).all()
    found = [t for t in tasks if t.step in compiled.steps and sight_of(compiled, [t.step]).sees_fact(name)]
    titles = Titles(rt)
    return tuple(
        (titles.role(case.service, role, case.def_sha), titles.department(department))
        for role, department in dict.fromkeys((task.role, task.department_id) for task in found)
    )

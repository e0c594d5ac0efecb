"""Turnaround by department: what waits there, what of that is late, how long finished stays took, how many in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session

from govservice.models.cases import Task, Visit
from govservice.queries.turnaround import Scope, quantile, waits_at_step, with_applicant


@dataclass(frozen=True, slots=True)
class DepartmentFigure:
    """One department in the period: `n` finished stays with quantiles in office seconds; of those at steps with a limit
    (`limited`) how many kept it (`in_limit`); cases that wait for it now, and of them past a step's limit."""

    department_id: str
    n: int
    median_s: int
    p90_s: int
    limited: int
    in_limit: int
    waiting: int
    late: int

    @property
    def share(self) -> float | None:
        return self.in_limit / self.limited if self.limited else None


def department_figures(
    session: Session, scope: Scope, limits: Mapping[tuple[str, str], int], parallel: Collection[tuple[str, str]],
    now: datetime,
) -> list[DepartmentFigure]:  # fmt: skip
    """Figures per department, the most late first. `limits` are office seconds by (service, step); `parallel` are the
    parallel steps: the stays in their branches say who had the case."""
    stays: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    finished = select(Visit.department_id, Visit.service, Visit.step, Visit.working_s).where(
        *scope.of(Visit), Visit.left_at >= scope.since, Visit.waited_on == "department", Visit.working_s.is_not(None)
    )
    for department, service, step, working_s in session.execute(finished):
        if department is not None and (service, step) not in parallel:
            stays[department].append((working_s or 0, limits.get((service, step))))
    of_case = func.count(Task.case_id.distinct())
    waiting, late = of_case.filter(not_(with_applicant())), of_case.filter(Task.step_due_at <= now)
    now_open = select(Task.department_id, waiting, late).where(*scope.of(Task), waits_at_step())
    held = {row[0]: (row[1], row[2]) for row in session.execute(now_open.group_by(Task.department_id))}
    found = [_figure(d, stays.get(d, []), held.get(d, (0, 0))) for d in {*stays, *held}]
    return sorted(found, key=lambda f: (-f.late, -f.waiting, f.department_id))


def _figure(department_id: str, stays: list[tuple[int, int | None]], held: tuple[int, int]) -> DepartmentFigure:
    seconds = sorted(s for s, _ in stays)
    kept = [s <= limit for s, limit in stays if limit is not None]
    return DepartmentFigure(
        department_id, len(stays), quantile(seconds, 0.5), quantile(seconds, 0.9), len(kept), sum(kept), *held
    )

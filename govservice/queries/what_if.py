"""What mending one step would bring: the share of cases on time had nobody stayed there over the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Limit
from govservice.models.cases import Visit
from govservice.queries.turnaround import Decided, StepFigure


def on_time_if_kept(
    session: Session, decided: Sequence[Decided], worst: StepFigure, limits_s: Mapping[tuple[str, str], int],
    limit: Limit | None, day_s: int,
) -> float | None:  # fmt: skip
    """The share (0..1) of decided cases within the promise if each stay in the step ended at its limit.

    An estimate from above: departments that work at once may have held the case as long. None where it cannot be
    told (no promise in working days, no limit, nothing decided).
    """
    step_limit = limits_s.get((worst.service, worst.step))
    if not decided or step_limit is None or limit is None or limit.promised is None or limit.promised.unit != "wd":
        return None
    late = [d for d in decided if not d.in_promise]
    excess: dict[str, int] = {}
    rows = session.execute(
        select(Visit.case_id, Visit.working_s).where(
            Visit.step == worst.step, Visit.service == worst.service, Visit.working_s > step_limit
        )
    )
    for case_id, working_s in rows:
        excess[case_id] = excess.get(case_id, 0) + (working_s or 0) - step_limit
    promised_s = limit.promised.n * day_s
    saved = sum(1 for d in late if d.case_id in excess and d.seconds - excess[d.case_id] <= promised_s)
    return (len(decided) - len(late) + saved) / len(decided)

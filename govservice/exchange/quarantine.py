"""A dataset whose answers no longer fit its description is not asked until somebody has looked: `dataset_faults`.

Five answers in a row of another shape than agreed, or five questions called wrong, are no accident: the registry has
changed and our description has not. A new version of the dataset starts with a clean row; `flask registries release`
ends a quarantine by hand. Refusals of a grant are counted beside, for whoever looks after the grants; they end nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from govservice import logs
from govservice.exchange.outcomes import BREAKER_SUCCESSES, FAULTS, Outcome
from govservice.models.exchange import DatasetFaults

AFTER = 5
log = logs.get(__name__)
End = tuple[str, Outcome]  # (dataset, how a call that was really made ended)


def quarantined(session: Session, datasets: Collection[str]) -> frozenset[str]:
    """Those of the datasets that are not to be asked."""
    rows = session.scalars(
        select(DatasetFaults.dataset).where(
            DatasetFaults.dataset.in_(datasets), DatasetFaults.quarantined_at.is_not(None)
        )
    )
    return frozenset(rows)


def count(session: Session, ends: Iterable[End], now: datetime) -> None:
    """Counts how calls ended, in the caller's transaction. A healthy dataset costs one look and no write."""
    by_dataset: dict[str, list[Outcome]] = {}
    for dataset, outcome in ends:
        if outcome in FAULTS or outcome in BREAKER_SUCCESSES:
            by_dataset.setdefault(dataset, []).append(outcome)
    known = _rows(session, by_dataset)
    for dataset in sorted(by_dataset):
        faulty = any(outcome in FAULTS for outcome in by_dataset[dataset])
        row = known.get(dataset) or (_made(session, dataset, now) if faulty else None)
        if row is not None:
            _weigh(row, by_dataset[dataset], now)


def release(session: Session, dataset: str, now: datetime) -> bool:
    """Lets a dataset be asked again; False where it was not in quarantine."""
    row = session.get(DatasetFaults, dataset, with_for_update=True)
    if row is None or row.quarantined_at is None:
        return False
    row.in_a_row, row.quarantined_at, row.since = 0, None, now
    return True


def _rows(session: Session, datasets: Collection[str]) -> dict[str, DatasetFaults]:
    if not datasets:
        return {}
    statement = select(DatasetFaults).where(DatasetFaults.dataset.in_(datasets)).order_by(DatasetFaults.dataset)
    return {row.dataset: row for row in session.scalars(statement.with_for_update())}


def _made(session: Session, dataset: str, now: datetime) -> DatasetFaults:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"dataset": dataset, "in_a_row": 0, "shape": 0, "denied": 0, "since": now}
    session.execute(insert(DatasetFaults).values(values).on_conflict_do_nothing())
    return session.get_one(DatasetFaults, dataset, with_for_update=True)


def _weigh(row: DatasetFaults, outcomes: Iterable[Outcome], now: datetime) -> None:
    for outcome in outcomes:
        if outcome is Outcome.DENIED:
            row.denied += 1
        elif outcome is Outcome.SCHEMA_VIOLATION:
            row.shape += 1
            row.in_a_row += 1
        else:
            row.in_a_row = 0
    if row.in_a_row >= AFTER and row.quarantined_at is None:
        row.quarantined_at = now
        log.error("dataset_quarantined", dataset=row.dataset)

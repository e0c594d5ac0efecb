"""The burden ledger: what each service costs the people who need it, month by month.

"Difficult, slow, complicated" in figures, from the rows that each sending left (`exchange.toll`) and from the cases:
difficult is what must be brought and how often somebody must come or mend; slow is how long it takes; complicated is
what must be read and typed. Months are those of the legal calendar, by the day of the first sending; what a case costs
later counts for the month in which it was sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from statistics import median
from typing import cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from govservice.models.appointments import Appointment
from govservice.models.cases import Case
from govservice.models.exchange import Burden
from govservice.worktime.calendar import Calendar

MONTHS = 12
Counted = tuple[int, int, int, int, int, int, int, int, int]  # a Toll's fields up to the visits


@dataclass(frozen=True, slots=True)
class Toll:
    """Sums over the cases of one service sent in one month (or several). `days` are calendar days from sending to the
    end, of those that have ended."""

    cases: int = 0
    fields: int = 0
    fields_typed: int = 0
    documents: int = 0
    documents_brought: int = 0
    characters: int = 0
    pages: int = 0
    corrections: int = 0
    visits: int = 0  # applications at the counter, and hours at which somebody came or had to be met
    days: tuple[int, ...] = ()

    def __add__(self, other: Toll) -> Toll:
        return Toll(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def each(self, what: str) -> float | None:
        """The average of one case; None without cases."""
        return getattr(self, what) / self.cases if self.cases else None

    @property
    def fields_spared(self) -> float | None:
        """The share of fields that nobody typed."""
        return 1 - self.fields_typed / self.fields if self.fields else None

    @property
    def documents_spared(self) -> float | None:
        """The share of documents that nobody brought; None where the service needs none."""
        return 1 - self.documents_brought / self.documents if self.documents else None

    @property
    def median_days(self) -> float | None:
        return float(median(self.days)) if self.days else None


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    start: datetime  # aware UTC
    end: datetime


def months(calendar: Calendar, today: date, count: int = MONTHS) -> list[Month]:
    """The last `count` months of the legal calendar, the running one last."""
    year, month = today.year, today.month
    firsts = [today.replace(day=1)]
    while len(firsts) <= count:
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
        firsts.insert(0, date(year, month, 1))
    following = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    edges = [datetime.combine(day, time(), calendar.zone) for day in (*firsts[1:], following)]
    return [Month(first, start, end) for first, start, end in zip(firsts[1:], edges, edges[1:], strict=False)]


def ledger(
    session: Session, calendar: Calendar, wanted: Sequence[Month], areas: tuple[str, ...] | None
) -> dict[tuple[str, date], Toll]:
    """By service and first day of the month. `areas` None means everywhere."""
    found: dict[tuple[str, date], Toll] = defaultdict(Toll)
    for month in wanted:
        sent = [Case.received_at >= month.start, Case.received_at < month.end]
        if areas is not None:
            sent.append(Case.area.in_(areas))
        for service, toll in _of_month(session, calendar, sent):
            found[service, month.first] += toll
    return dict(found)


def _of_month(session: Session, calendar: Calendar, sent: list[ColumnElement[bool]]) -> Iterator[tuple[str, Toll]]:
    sums = (Burden.fields, Burden.fields_typed, Burden.documents, Burden.documents_brought, Burden.characters,
            Burden.pages)  # fmt: skip
    rows = session.execute(
        select(
            Burden.service,
            func.count().filter(Burden.reason == "submit"),
            *(func.sum(column) for column in sums),
            func.count().filter(Burden.reason == "correction"),
            func.count().filter((Burden.reason == "submit") & (Case.channel == "counter")),
        )
        .join(Case, Case.id == Burden.case_id)
        .where(*sent)
        .group_by(Burden.service)
    )
    for service, *figures in rows:
        yield service, Toll(*cast("Counted", tuple(int(n or 0) for n in figures)))
    noted = select(Burden.case_id).where(Burden.case_id == Case.id).exists()
    met = select(Case.service, func.count()).join(Appointment, Appointment.case_id == Case.id)
    for service, visits in session.execute(met.where(*sent, noted).group_by(Case.service)):
        yield service, Toll(visits=visits)
    ended = select(Case.service, Case.received_at, Case.closed_at).where(*sent, noted, Case.closed_at.is_not(None))
    days: dict[str, list[int]] = defaultdict(list)
    for service, received, closed in session.execute(ended):
        if received is not None and closed is not None:
            days[service].append((calendar.local_date(closed) - calendar.local_date(received)).days)
    for service, took in days.items():
        yield service, Toll(days=tuple(took))


def total(found: dict[tuple[str, date], Toll], service: str, wanted: Sequence[Month]) -> Toll:
    """One service over several months."""
    return sum((found.get((service, month.first), Toll()) for month in wanted), Toll())

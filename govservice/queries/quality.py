"""How good a registry's data is, month by month, from the log of calls and from what people and clerks made of it.

For the registry's owner: where it has no record, where an answer has another shape than was agreed or lacks what was
asked for, what people say is wrong, and what had changed when it was asked again before a decision.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from govservice.models.cases import Case
from govservice.models.exchange import Exchange
from govservice.models.reliance import CHANGED, Dispute, Revalidation
from govservice.queries.burden import Month

Taken = Callable[[str, str], Collection[str]]  # (version of a definition, fact) -> what is asked for


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of one dataset over one month (or several)."""

    calls: int = 0  # granted or refused, made or not
    answered: int = 0  # with values
    no_record: int = 0
    silent: int = 0  # no answer in time, or none that could be read
    wrong_shape: int = 0
    incomplete: int = 0  # answers without some of what was asked for
    sent: int = 0  # disputes
    accepted: int = 0  # disputes, by the day of the answer
    mismatches: int = 0  # facts that said otherwise when they were asked again

    def __add__(self, other: Quality) -> Quality:
        return Quality(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Words:
    """Outcomes of the log that the counts are made of (`exchange.outcomes`)."""

    answered: frozenset[str]
    no_record: str
    silent: frozenset[str]
    wrong_shape: str


def quality(
    session: Session, registries: Collection[str], wanted: Sequence[Month], words: Words, taken: Taken
) -> dict[tuple[str, date], Quality]:
    """By dataset and first day of the month; what had nothing in a month is not there."""
    found: dict[tuple[str, date], Quality] = defaultdict(Quality)
    for month in wanted if registries else ():
        for dataset, counts in _of_month(session, registries, month, words, taken):
            found[dataset, month.first] += counts
    return dict(found)


def _of_month(
    session: Session, registries: Collection[str], month: Month, words: Words, taken: Taken
) -> Iterator[tuple[str, Quality]]:
    yield from _calls(session, registries, month, words, taken)
    mine = Dispute.registry_code.in_(registries)
    sent = [mine, Dispute.sent_at >= month.start, Dispute.sent_at < month.end]
    for dataset, n in session.execute(select(Dispute.dataset, func.count()).where(*sent).group_by(Dispute.dataset)):
        yield dataset, Quality(sent=n)
    accepted = [mine, Dispute.state == "accepted", Dispute.answered_at >= month.start, Dispute.answered_at < month.end]
    for dataset, n in session.execute(select(Dispute.dataset, func.count()).where(*accepted).group_by(Dispute.dataset)):
        yield dataset, Quality(accepted=n)
    changed = (
        select(Exchange.dataset, func.count())
        .join(Revalidation, Revalidation.exchange_id == Exchange.id)
        .where(Exchange.registry_code.in_(registries), Revalidation.result.in_(CHANGED))
        .where(Exchange.at >= month.start, Exchange.at < month.end)
        .group_by(Exchange.dataset)
    )
    for dataset, n in session.execute(changed):
        yield dataset, Quality(mismatches=n)


def _calls(
    session: Session, registries: Collection[str], month: Month, words: Words, taken: Taken
) -> Iterator[tuple[str, Quality]]:
    """One statement for all calls of a month: those that ended alike, for the same fact, with the same fields."""
    returned = cast(Exchange.fields, Text)
    rows = session.execute(
        select(Exchange.dataset, Exchange.outcome, Case.def_sha, Exchange.fact, returned, func.count())
        .outerjoin(Case, Case.id == Exchange.case_id)
        .where(Exchange.registry_code.in_(registries), Exchange.at >= month.start, Exchange.at < month.end)
        .group_by(Exchange.dataset, Exchange.outcome, Case.def_sha, Exchange.fact, returned)
    )
    for dataset, outcome, sha, fact, got, n in rows:
        answered = outcome in words.answered
        short = answered and sha and fact and set(taken(sha, fact)) - set(json.loads(got))
        yield dataset, Quality(
            n, n * answered, n * (outcome == words.no_record), n * (outcome in words.silent),
            n * (outcome == words.wrong_shape), n if short else 0,
        )  # fmt: skip


def total(found: dict[tuple[str, date], Quality], dataset: str) -> Quality:
    """One dataset over all months."""
    return sum((each for (name, _month), each in found.items() if name == dataset), Quality())

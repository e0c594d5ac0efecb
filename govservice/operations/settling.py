"""Registries that said nothing when a case was sent are asked again in the background, until they answer.

No application is refused or lost for a silent registry: the applicant gave the data themselves, the case goes its way,
and only a decision that relies on the registry waits for it. A late answer is held against what was given; where it
says otherwise, the clerk sees both sides and the applicant is told (`revalidating`).
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, select, update
from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.compiled import Compiled
from govservice.engine import SYSTEM
from govservice.exchange.evidence import Facts
from govservice.exchange.outcomes import SAYS_NOTHING, Outcome
from govservice.exchange.pace import Paces
from govservice.exchange.pending import UNMET, WITHIN, pending_facts
from govservice.exchange.requirement import given_anew, given_instead, move, rows_of
from govservice.exchange.retries import next_try
from govservice.models.casedata import Form
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement, Exchange, RegistryHealth
from govservice.operations.changing import take_over
from govservice.operations.revalidating import ask_again, open_to_verify
from govservice.operations.runtime import Runtime
from govservice.worktime.duration import Duration
from govservice.worktime.limits import due_on

SHARE = 0.5  # of a registry's rate that the backlog may take; the rest is for people who wait
BATCH = 50  # needs at once
TURN = 3.0  # seconds of real time before the worker looks at other things
LEASE = timedelta(minutes=2)  # while one worker asks, no other does
LOOK = timedelta(seconds=30)  # between two looks at what is waited for
SCOUT = timedelta(minutes=5)  # after so long without a call one need asks how its registry is
log = logs.get(__name__)


def note_given(
    rt: Runtime, session: Session, case: Case, compiled: Compiled, form: Form, facts: Facts, before: Form, now: datetime
) -> None:
    """At sending: what the applicant gave in place of a registry, and which registries are to be asked again. What a
    clerk has verified stays so until the applicant gives something else than `before`."""
    given = {each.name: each.how for each in given_instead(compiled, facts, form)}
    silent = {n for n, view in facts.items() if not view.filled and view.outcome in SAYS_NOTHING}
    owed = set(pending_facts(compiled, facts)) - given.keys()
    for name, row in rows_of(session, case.id, {*given, *silent}).items():
        if name in owed and row.ask_at is None and row.asked_at is None:
            row.ask_at = _asked_at(rt, case, compiled.service.facts[name].pending_within or WITHIN, now)
        if name in silent and row.next_try_at is None:
            row.tries, row.silent_since = 1, row.updated_at
            row.next_try_at = next_try(Outcome(str(row.outcome)), 1, row.updated_at, now, rt.random)
        if name in given:
            anew = given_anew(compiled, name, form, before)
            if row.state == "waived" or (row.state == "verified" and not anew):
                continue
            if row.state == "verified":
                move(row, "age", now)
            move(row, given[name], now)
            if anew:
                open_to_verify(session, case, compiled, row, now)


def _asked_at(rt: Runtime, case: Case, within: Duration, now: datetime) -> datetime:
    """When the applicant is asked for what a register owes: after the last day that it may take."""
    calendar = rt.calendars.for_area(case.area)
    return calendar.end_of(due_on(calendar, now, within))


class Settler:
    """The worker's part. All workers together keep each registry's pace."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        registries = rt.definitions.catalogue.registries.items()
        self._paces = Paces({_backlog(code): float(registry.limits.rate_rps) * SHARE for code, registry in registries})
        self._asked: dict[str, datetime] = {}  # by registry: when one of its needs was last asked for
        self._looked: datetime | None = None  # when it was last seen which registries are waited for

    def settle_due(self, now: datetime) -> int:
        """Asks for what is due, the case that must be decided first first, for a few seconds: what is left then is let
        go again, so that a slow registry holds up nothing else. Returns how many needs were asked for.

        A registry that answers again is asked for all that waits for it, as fast as its share allows, however far off
        their next tries were; so that this is noticed, one of them asks every five minutes."""
        self._send_scouts(now)
        done, back, until = 0, set[str](), time.monotonic() + TURN
        claimed = self._claimed(now)
        while claimed and time.monotonic() < until:
            case_id, name = claimed.pop(0)
            ask_again(self.rt, SYSTEM, case_id, [name], now=now, trigger="retry")
            take_over(self.rt, case_id, [name], now)
            with self.rt.write() as session:
                row = rows_of(session, case_id, [name]).get(name)
                if row is not None:
                    done += 1
                    back |= self._settled(session, row, now)
        self._let_go(claimed, now)
        for code in sorted(back):
            with self.rt.write() as session:
                session.execute(update(EvidenceRequirement).where(_waits_for(code, now)).values(next_try_at=now))
        return done

    def _let_go(self, claimed: list[tuple[str, str]], now: datetime) -> None:
        if claimed:
            with self.rt.write() as session:
                for case_id, name in claimed:
                    for row in rows_of(session, case_id, [name]).values():
                        row.next_try_at = now

    def _send_scouts(self, now: datetime) -> None:
        """Where all that waits for a registry waits long, the first of it is asked for now."""
        if self._looked is not None and now - self._looked < LOOK:
            return
        self._looked = now
        with self.rt.read() as session:
            waited_for = session.scalars(
                select(Exchange.registry_code)
                .join(EvidenceRequirement, EvidenceRequirement.exchange_id == Exchange.id)
                .where(EvidenceRequirement.next_try_at > now + LEASE)
                .distinct()
            ).all()
            shut = _shut(session, now)
        for code in waited_for:
            if code in shut or (code in self._asked and now - self._asked[code] < SCOUT):
                continue
            with self.rt.write() as session:
                first = session.scalars(
                    select(EvidenceRequirement)
                    .join(Case, Case.id == EvidenceRequirement.case_id)
                    .where(_waits_for(code, now), Case.status == "open")
                    .order_by(Case.statutory_on, EvidenceRequirement.next_try_at)
                    .limit(1)
                    .with_for_update(of=EvidenceRequirement, skip_locked=True)
                ).one_or_none()
                if first is not None:
                    first.next_try_at = now

    def _claimed(self, now: datetime) -> list[tuple[str, str]]:
        with self.rt.read() as session:
            if session.scalar(_due(now).limit(1)) is None:
                return []
        with self.rt.write() as session:
            shut = _shut(session, now)
            rows = session.execute(
                _due(now).order_by(Case.statutory_on, EvidenceRequirement.next_try_at).limit(BATCH)
                .with_for_update(of=EvidenceRequirement, skip_locked=True)
            ).scalars().all()  # fmt: skip
            codes = [self._registry(session, row) for row in rows]
            self._paces.lease(session, Counter(_backlog(code) for code in codes if code and code not in shut))
            taken = []
            for row, code in zip(rows, codes, strict=True):
                if code in shut:
                    row.next_try_at = self._later(row, Outcome.BREAKER_OPEN, now, shut[code])
                elif code is None or self._paces.taken(_backlog(code)):
                    row.next_try_at = now + LEASE
                    self._asked[code or ""] = now
                    taken.append((row.case_id, row.name))
            return taken

    def _registry(self, session: Session, row: EvidenceRequirement) -> str | None:
        compiled = self.rt.definitions.by_sha(session.get_one(Case, row.case_id).def_sha)
        node = compiled.service.facts.get(row.name)
        return self.rt.definitions.catalogue.registry_of(node.dataset or "") if node is not None else None

    def _later(
        self, row: EvidenceRequirement, outcome: Outcome, now: datetime, not_before: datetime | None = None
    ) -> datetime | None:
        return next_try(outcome, row.tries, row.silent_since or row.updated_at, now, self.rt.random, not_before)

    def _settled(self, session: Session, row: EvidenceRequirement, now: datetime) -> set[str]:
        """Notes what came; the registry that answered, where it did."""
        outcome = Outcome(str(row.outcome))
        if outcome in SAYS_NOTHING:
            row.tries += 1
            row.next_try_at = self._later(row, outcome, now)
        else:
            row.next_try_at = None
            row.ask_at = now if row.ask_at is not None and row.state in UNMET else None  # nothing to wait for
        log.info("need.asked_again", case_id=row.case_id, outcome=outcome.value, tries=row.tries)
        call = session.get(Exchange, row.exchange_id) if row.exchange_id is not None else None
        answered = outcome not in SAYS_NOTHING and outcome is not Outcome.REFUSED
        return {call.registry_code} if call is not None and answered else set()


def _backlog(code: str) -> str:
    """The row of the backlog's part of a registry's rate."""
    return f"{code}/backlog"


def _waits_for(code: str, now: datetime) -> ColumnElement[bool]:
    """The condition of a need whose last call went to this registry and whose next one is not near. What a worker has
    leased, and what comes up within that time, is left alone."""
    asked = exists().where(Exchange.id == EvidenceRequirement.exchange_id, Exchange.registry_code == code)
    return and_(EvidenceRequirement.next_try_at > now + LEASE, asked)


def _due(now: datetime) -> Select[EvidenceRequirement]:
    return (
        select(EvidenceRequirement)
        .join(Case, Case.id == EvidenceRequirement.case_id)
        .where(EvidenceRequirement.next_try_at <= now, Case.status == "open")
    )


def _shut(session: Session, now: datetime) -> dict[str, datetime]:
    """Registries that are left alone at present, and until when."""
    rows = session.execute(
        select(RegistryHealth.registry_code, RegistryHealth.next_probe_at).where(
            RegistryHealth.state != "closed", RegistryHealth.next_probe_at > now
        )
    )
    return {code: at for code, at in rows if at is not None}

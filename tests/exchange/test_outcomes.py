"""All the ways a call can end, each as its row says: for the need, for the next try, for the breaker."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from govservice.exchange import retries
from govservice.exchange.outcomes import (
    ALARMS,
    BREAKER_FAILURES,
    BREAKER_SUCCESSES,
    CONDUCT,
    FAULTS,
    GIVES_VALUES,
    IS_A_READ,
    RESERVED,
    SAYS_NOTHING,
    Outcome,
)
from tests.support.clock import MONDAY

# outcome -> (state of the need, next try, what it is to the breaker)
TABLE = {
    "ok": ("available", "never", "success"),
    "no_record": ("no_record", "never", "success"),
    "ambiguous": ("ambiguous", "never", "success"),
    "identity_mismatch": ("withheld", "never", "success"),
    "tampered": ("withheld", "never", "success"),
    "under_investigation": ("available", "never", "success"),
    "withheld": ("withheld", "never", "success"),
    "timeout": ("deferred", "later", "failure"),
    "unavailable": ("deferred", "at_once", "failure"),
    "breaker_open": ("deferred", "when_closed", "nothing"),
    "rate_limited": ("deferred", "when_told", "nothing"),
    "denied": ("deferred", "when_mended", "fault"),
    "schema_violation": ("deferred", "when_mended", "fault"),
    "stale": ("stale", "refresh", "nothing"),
    "conflict": ("contradicted", "never", "nothing"),
    "refused": ("refused", "never", "nothing"),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_behaves_as_its_row_says(outcome: Outcome) -> None:
    conduct = CONDUCT[outcome]
    assert (conduct.state, conduct.retry, conduct.counts) == TABLE[outcome]
    assert "%(registry)s" in conduct.sentence


def test_what_is_drawn_from_the_rows() -> None:
    assert set(TABLE) == set(Outcome)
    assert {"ok", "under_investigation", "stale"} == GIVES_VALUES
    assert {"under_investigation", "stale"} == RESERVED
    assert GIVES_VALUES | {"ambiguous", "conflict"} == IS_A_READ
    assert {o for o, row in TABLE.items() if row[0] == "deferred"} == SAYS_NOTHING
    assert {"timeout", "unavailable"} == BREAKER_FAILURES
    assert {"denied", "schema_violation"} == FAULTS
    assert {"identity_mismatch", "tampered"} == ALARMS <= BREAKER_SUCCESSES


WAITING = [Outcome.TIMEOUT, Outcome.UNAVAILABLE, Outcome.BREAKER_OPEN, Outcome.RATE_LIMITED]


@pytest.mark.parametrize("outcome", WAITING)
def test_silence_is_asked_again_further_and_further_apart(outcome: Outcome) -> None:
    waits = []
    for tries in (1, 2, 3, 4, 9):
        at = retries.next_try(outcome, tries, MONDAY, MONDAY, Random(tries))
        assert at is not None
        waits.append((at - MONDAY).total_seconds())
    for wait, step in zip(waits, (30, 120, 600, 3600, 3600), strict=True):
        assert step / 2 <= wait <= step  # spread: they do not all come back at once


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - set(WAITING)))
def test_what_asking_again_cannot_mend_is_not_asked_again(outcome: Outcome) -> None:
    assert retries.next_try(outcome, 1, MONDAY, MONDAY, Random(1)) is None


def test_nobody_is_asked_before_the_time_that_it_named_nor_after_three_days() -> None:
    told = MONDAY + timedelta(minutes=20)
    assert retries.next_try(Outcome.RATE_LIMITED, 1, MONDAY, MONDAY, Random(1), told) == told
    late = MONDAY + timedelta(hours=71, minutes=45)
    assert retries.next_try(Outcome.TIMEOUT, 9, MONDAY, late, Random(3)) is None

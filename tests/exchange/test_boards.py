"""The breaker board tells from the log alone which registry answers, how it went wrong and who waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from govservice.definitions.compiled import Compiled
from govservice.exchange.gateway import Gateway
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.session import Database
from govservice.queries.registries import Board, boards
from govservice.web.boards import KINDS
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY
from tests.support.rows import put


def board(database: Database, gateway: Gateway, code: str) -> Board:
    with database.read() as session:
        found = boards(session, gateway.catalogue, KINDS, MONDAY + timedelta(hours=1))
    assert {each.code for each in found} == set(gateway.catalogue.registries)
    return next(each for each in found if each.code == code)


def test_what_answers_and_what_was_never_asked(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, open_restaurant, wang_fang)
    asked = board(database, gateway, "population")
    assert (asked.state, asked.answered, asked.failures, asked.faults, asked.trouble) == ("closed", 1.0, 0, 0, False)
    assert asked.calls == sum(asked.outcomes.values()) > 0
    assert asked.median_ms is not None
    assert asked.p95_ms is not None
    assert asked.median_ms <= asked.p95_ms
    idle = board(database, gateway, "births")
    assert (idle.calls, idle.answered, idle.median_ms, idle.trouble) == (0, None, None, False)


def test_a_silent_registry_is_first_and_says_since_when_and_until_when(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    sandbox.fault("real_estate", "status_500")
    for _ in range(gateway.catalogue.registries["real_estate"].breaker.min_calls):
        prefill(database, gateway, open_restaurant, wang_fang, trigger="retry")
    silent = board(database, gateway, "real_estate")
    assert silent.state == "open"
    assert silent.answered == 0
    assert silent.failures >= gateway.catalogue.registries["real_estate"].breaker.min_calls
    assert silent.since is not None
    assert silent.next_try is not None
    assert silent.next_try > silent.since
    with database.read() as session:
        assert boards(session, gateway.catalogue, KINDS, MONDAY + timedelta(hours=1))[0].code == "real_estate"
        later = boards(session, gateway.catalogue, KINDS, MONDAY + timedelta(days=3))
    assert {each.calls for each in later} == {0}, "only the period counts"


def test_a_registry_that_answers_now_and_then_is_in_trouble_too(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, open_restaurant, wang_fang)
    sandbox.fault("real_estate", "status_500")
    prefill(database, gateway, open_restaurant, file_draft(database, open_restaurant, citizen("chen.wei")))
    found = board(database, gateway, "real_estate")
    assert found.answered is not None
    assert 0 < found.answered < 1
    assert (found.state, found.partly, found.trouble) == ("closed", True, True)


def test_an_answer_of_another_shape_is_a_fault_and_no_silence(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    sandbox.fault("population", "wrong_schema")
    prefill(database, gateway, open_restaurant, wang_fang)
    found = board(database, gateway, "population")
    assert (found.failures, found.state) == (0, "closed")
    assert found.faults == found.outcomes["schema_violation"] > 0


def test_cases_that_were_sent_wait_and_drafts_do_not(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """A draft's citizen can still give the answer themselves."""
    with database.write() as session:
        draft = session.get_one(Case, wang_fang.case_id)
        columns = {c.key: getattr(draft, c.key) for c in Case.__table__.columns}
        sent = {"id": new_id(), "number": new_id(), "status": "open", "received_at": MONDAY}
        put(session, Case(**{**columns, **sent}))
    sandbox.fault("real_estate", "status_500")
    for filed in (wang_fang, replace(wang_fang, case_id=sent["id"])):
        prefill(database, gateway, open_restaurant, filed)
    waiting = board(database, gateway, "real_estate")
    assert (waiting.waiting_cases, waiting.trouble) == (1, True)
    assert board(database, gateway, "population").waiting_cases == 0

"""No call without a right: grants, mandates, the allow-list of addresses. What is refused is logged and asks nobody."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import select, update

from govservice import logs
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.exchange import evidence
from govservice.exchange.gateway import Gateway
from govservice.models import exchange as tables
from govservice.models.exchange import DataAccess, Exchange
from govservice.models.people import Mandate
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY


def with_grant(catalogue: Catalogue, number: str, **changes: Any) -> Catalogue:
    """The catalogue with one grant changed."""
    grant = catalogue.grants[number].model_copy(update=changes)
    return dataclasses.replace(catalogue, grants={**catalogue.grants, number: grant})


CHANGES: dict[str, dict[str, Any]] = {
    "another service": {"services": ("food_business_licence",)},
    "another department": {"department": "fire_rescue"},
    "another purpose": {"purpose": "ELIGIBILITY"},
    "another dataset": {"dataset": "population/2"},
    "a field less": {"take": ("premises.title_no", "premises.address", "premises.area")},
    "not yet in force": {"start": date(2026, 3, 3)},
    "no longer in force": {"until": date(2026, 3, 1)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_grant_that_does_not_cover_the_call_refuses_it(
    change: str, database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, sandbox: Sandbox,
    open_restaurant: Compiled, wang_fang: Filed,
) -> None:  # fmt: skip
    gateway = make_gateway(catalogue=with_grant(catalogue, "GR-2033", **CHANGES[change]))
    assert_refused(database, gateway, sandbox, open_restaurant, wang_fang)


def test_each_call_leaves_a_line_that_says_which(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """Who runs the portal sees which registry answered how and how fast; no value, no number of a person."""
    with structlog.testing.capture_logs() as lines:
        prefill(database, gateway, open_restaurant, wang_fang)
    calls = [line for line in lines if line["event"] == "registry_call"]
    asked = {gateway.catalogue.registry_of(fact.dataset or "") for fact in open_restaurant.service.facts.values()}
    assert {line["registry"] for line in calls} == asked
    for line in calls:
        assert (line["outcome"], line["case_id"], line["log_level"]) == ("ok", wang_fang.case_id, "info")
        assert line["ms"] >= 0
        assert set(line) - {"event", "log_level"} <= logs.FIELDS


def test_a_grant_that_is_not_there_refuses_the_call(
    database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, sandbox: Sandbox,
    open_restaurant: Compiled, wang_fang: Filed,
) -> None:  # fmt: skip
    grants = {number: grant for number, grant in catalogue.grants.items() if number != "GR-2033"}
    gateway = make_gateway(catalogue=dataclasses.replace(catalogue, grants=grants))
    assert_refused(database, gateway, sandbox, open_restaurant, wang_fang)


def test_a_revoked_grant_refuses_the_call_at_once(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    with database.write() as session:
        session.add(
            tables.Grant(
                id="GR-2033", dataset="real_estate/1", services=["open_restaurant"], take=[], purpose="LICENSE",
                revoked_at=MONDAY,
            )
        )  # fmt: skip
    assert_refused(database, gateway, sandbox, open_restaurant, wang_fang)


def test_a_grant_that_will_be_revoked_later_still_holds(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    with database.write() as session:
        session.add(
            tables.Grant(
                id="GR-2033", dataset="real_estate/1", services=[], take=[], purpose="LICENSE",
                revoked_at=MONDAY + timedelta(seconds=1),
            )
        )  # fmt: skip
    found = prefill(database, gateway, open_restaurant, wang_fang)
    assert found.facts["premises"].filled


def assert_refused(
    database: Database, gateway: Gateway, sandbox: Sandbox, compiled: Compiled, filed: Filed, name: str = "premises"
) -> None:
    """The call for premises did not leave the portal; its refusal is in the log, without a grant."""
    found = prefill(database, gateway, compiled, filed)
    view = found.facts[name]
    assert (view.outcome, view.state, view.values) == ("denied", "deferred", {})
    assert "real_estate" not in sandbox.calls()
    with database.read() as session:
        logged = session.scalars(select(Exchange).where(Exchange.fact == name)).one()
        assert (logged.outcome, logged.grant_id, logged.legal_basis, logged.http_status) == ("denied", None, None, None)
        assert (logged.registry_code, logged.subject_id) == ("real_estate", filed.organisation_id)
        assert session.scalars(select(DataAccess).where(DataAccess.registry_code == "real_estate")).all() == []


def test_a_grant_holds_by_the_offices_day(
    database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, open_restaurant: Compiled,
    wang_fang: Filed,
) -> None:  # fmt: skip
    """At three in the morning in China it is still the day before in UTC: a grant from today on holds."""
    gateway = make_gateway(catalogue=with_grant(catalogue, "GR-2033", start=MONDAY.date()))
    early = MONDAY - timedelta(hours=7)
    assert early.date() < MONDAY.date()
    found = prefill(database, gateway, open_restaurant, wang_fang, now=early, today=MONDAY.date())
    assert found.facts["premises"].outcome == "ok"


MANDATES: dict[str, dict[str, Any]] = {
    "expired": {"valid_to": date(2026, 3, 1)},
    "not yet valid": {"valid_from": date(2026, 3, 3)},
    "revoked": {"revoked_at": MONDAY},
    "for another service": {"services": "food_business_licence"},
}


@pytest.mark.parametrize("mandate", MANDATES)
def test_a_mandate_that_does_not_hold_opens_no_registry(
    mandate: str, database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled
) -> None:
    filed = file_draft(database, open_restaurant, citizen("chen.wei"))
    with database.write() as session:
        session.execute(update(Mandate).where(Mandate.id == filed.mandate_id).values(**MANDATES[mandate]))
    assert_refused(database, gateway, sandbox, open_restaurant, filed)
    assert sandbox.calls() == {"population": 1}  # the agent may still be asked about as a person


def test_an_agent_gets_the_enterprises_data_and_their_own_name(
    database: Database, gateway: Gateway, open_restaurant: Compiled
) -> None:
    filed = file_draft(database, open_restaurant, citizen("chen.wei"))
    found = prefill(database, gateway, open_restaurant, filed)
    values = evidence.fact_values(found.facts)
    assert (values["person.name"], values["org.legal_person"]) == ("陈伟", "何军")
    assert values["premises.district"] == "nanming"


def test_a_person_without_an_organisation_is_not_looked_up_as_one(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled
) -> None:
    filed = file_draft(database, open_restaurant, citizen("liu.yang"))
    found = prefill(database, gateway, open_restaurant, filed)
    assert {name: view.state for name, view in found.facts.items()} == {
        "owner": "available", "enterprise": "no_record", "standing": "no_record",
        "premises": "no_record", "health": "no_record",
    }  # fmt: skip
    assert sandbox.calls() == {"population": 1}


def test_an_address_that_is_not_on_the_allow_list_is_not_called(
    database: Database, make_gateway: Callable[..., Gateway], sandbox: Sandbox,
    open_restaurant: Compiled, wang_fang: Filed,
) -> None:  # fmt: skip
    endpoints = {code: url for code, url in sandbox.endpoints().items() if code != "real_estate"}
    found = prefill(database, make_gateway(endpoints), open_restaurant, wang_fang)
    assert found.facts["premises"].outcome == "unavailable"
    assert "real_estate" not in sandbox.calls()


def test_what_the_citizen_declines_is_not_asked(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    found = prefill(database, gateway, open_restaurant, wang_fang, declined=("premises",))
    assert (found.facts["premises"].state, found.facts["premises"].outcome) == ("refused", "refused")
    assert "real_estate" not in sandbox.calls()
    assert "title_deed" in evidence.materials_asked(open_restaurant, found.facts)
    again = prefill(database, gateway, open_restaurant, wang_fang)
    assert again.facts["premises"].filled  # agreed after all


def test_declining_later_takes_the_values_out(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, open_restaurant, wang_fang)
    later = prefill(database, gateway, open_restaurant, wang_fang, declined=("premises",))
    assert later.facts["premises"].values == {}
    with database.read() as session:
        kept = session.scalars(
            select(tables.Fact).where(tables.Fact.name == "premises", tables.Fact.superseded_by.is_(None))
        )
        assert kept.all() == []

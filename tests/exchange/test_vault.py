"""What the portal holds already helps where a registry is silent; it never takes the place of its word."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import Source
from govservice.exchange.connectors import vault
from govservice.exchange.connectors.base import SubjectKey
from govservice.exchange.gateway import Gateway
from govservice.exchange.queries import Wanted
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.exchange import Exchange
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY
from tests.support.rows import put

LATER = MONDAY + timedelta(days=40)


@pytest.fixture
def compiled(open_restaurant: Compiled) -> Compiled:
    """Premises come from the register, or else from what the portal was told at most ninety days ago."""
    node = open_restaurant.service.facts["premises"]
    held = Source.model_validate({"vault": "facts", "max_age": "90d"})
    facts = {**open_restaurant.service.facts, "premises": node.model_copy(update={"sources": (*node.sources, held)})}
    return dataclasses.replace(
        open_restaurant, service=open_restaurant.service.model_copy(update={"facts": facts})
    )  # fmt: skip


def another_case(database: Database, filed: Filed, **changes: object) -> Filed:
    """A second case of the same party."""
    with database.write() as session:
        case = session.get_one(Case, filed.case_id)
        columns = {column.name: getattr(case, column.name) for column in Case.__table__.columns}
        made = Case(**{**columns, "id": new_id(), "number": new_id(), **changes})
        put(session, made)
        return dataclasses.replace(filed, case_id=made.id)


def test_a_silent_registry_is_helped_out_by_an_earlier_case(
    database: Database, gateway: Gateway, sandbox: Sandbox, compiled: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, compiled, wang_fang)
    second = another_case(database, wang_fang)
    sandbox.fault("real_estate", "status_500")
    view = prefill(database, gateway, compiled, second, now=LATER).facts["premises"]
    assert (view.state, view.registry, view.registry_name["zh"]) == ("available", "vault", "您以往办件的档案")
    assert view.values["premises.area"] == "326.40"
    assert view.registry_updated_at == MONDAY  # as old as it is, not as it was looked up
    with database.read() as session:
        rows = session.scalars(
            select(Exchange).where(Exchange.case_id == second.case_id, Exchange.fact == "premises")
            .order_by(Exchange.attempt)
        ).all()  # fmt: skip
        assert [(row.registry_code, row.dataset, row.outcome) for row in rows] == [
            ("real_estate", "real_estate/1", "unavailable"), ("vault", "vault/facts", "ok")
        ]  # fmt: skip
    sandbox.fault("real_estate", None)
    again = prefill(database, gateway, compiled, second, now=LATER + timedelta(days=31)).facts["premises"]
    assert again.registry == "real_estate"  # who is there is asked first


@pytest.mark.parametrize("mode", ["empty", "withheld", "several", "wrong_person"])
def test_the_word_of_a_registry_stands(
    mode: str, database: Database, gateway: Gateway, sandbox: Sandbox, compiled: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, compiled, wang_fang)
    second = another_case(database, wang_fang)
    sandbox.fault("real_estate", mode)
    assert not prefill(database, gateway, compiled, second, now=LATER).facts["premises"].filled


def test_neither_what_is_too_old_nor_before_a_decision(
    database: Database, gateway: Gateway, sandbox: Sandbox, compiled: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, compiled, wang_fang)
    sandbox.fault("real_estate", "status_500")
    old = another_case(database, wang_fang)
    assert not prefill(database, gateway, compiled, old, now=MONDAY + timedelta(days=91)).facts["premises"].filled
    deciding = another_case(database, wang_fang)
    found = prefill(database, gateway, compiled, deciding, now=LATER, trigger="decision")
    assert not found.facts["premises"].filled


def test_nothing_of_other_people_or_of_another_enterprise(
    database: Database, gateway: Gateway, sandbox: Sandbox, compiled: Compiled, wang_fang: Filed
) -> None:
    prefill(database, gateway, compiled, wang_fang)
    sandbox.fault("real_estate", "status_500")
    chen = file_draft(database, compiled, citizen("chen.wei"))
    assert not prefill(database, gateway, compiled, chen, now=LATER).facts["premises"].filled

    own = another_case(database, wang_fang, organisation_id=None, mandate_id=None)
    assert not prefill(database, gateway, compiled, own, now=LATER).facts["premises"].filled


def test_what_was_told_of_an_enterprise_is_not_told_of_its_agent(
    database: Database, gateway: Gateway, compiled: Compiled, wang_fang: Filed, catalogue: Catalogue
) -> None:
    """Who once filed for an enterprise and asks for themselves now gets nothing of the enterprise's."""
    prefill(database, gateway, compiled, wang_fang)
    own = another_case(database, wang_fang, organisation_id=None, mandate_id=None)
    with database.read() as session:
        case = session.get_one(Case, own.case_id)
        node = compiled.service.facts["premises"]
        wanted = Wanted(
            case.id, case.service, "market_reg", "premises", (), node.take, node.purpose,
            SubjectKey("person", "520102199001011234"), case.applicant_id, case.applicant_id, "applicant", "prefill",
            LATER, LATER.date(),
        )  # fmt: skip
        assert vault.look(session, catalogue, wanted, "facts", None) == vault.NOTHING
        enterprise = dataclasses.replace(wanted, subject=SubjectKey("organisation", ""))
        first = session.get_one(Case, wang_fang.case_id)
        enterprise = dataclasses.replace(enterprise, subject_id=str(first.organisation_id))
        assert vault.look(session, catalogue, enterprise, "facts", None).values["premises.area"] == "326.40"
        elsewhere = dataclasses.replace(enterprise, subject_id=new_id())  # another enterprise of the same agent
        assert vault.look(session, catalogue, elsewhere, "facts", None) == vault.NOTHING

"""What the citizen is spared: facts from real registries over real HTTP, with provenance, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from govservice.definitions.compiled import Compiled
from govservice.exchange import evidence
from govservice.exchange.gateway import Gateway
from govservice.models.exchange import EvidenceRequirement, Exchange, Fact
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, prefill
from tests.support.clock import MONDAY


def test_wang_fang_finds_what_the_government_holds(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    found = prefill(database, gateway, open_restaurant, wang_fang)
    assert {name: view.state for name, view in found.facts.items()} == {
        "owner": "available", "enterprise": "available", "standing": "available",
        "premises": "available", "health": "available",
    }  # fmt: skip
    assert evidence.fact_values(found.facts) == {
        "person.name": "王芳",
        "person.national_id": "990111198803182048",
        "org.name": "贵阳花溪清味餐饮有限公司",
        "org.uscc": "91990111MA7K2Q5X12",
        "org.legal_person": "王芳",
        "org.discredited": False,
        "premises.title_no": "黔（2024）花溪区不动产权第 0012345 号",
        "premises.address": "花溪区清溪路 86 号一层",
        "premises.area": "326.40",
        "premises.district": "huaxi",
        "staff.certificates": found.facts["health"].values["staff.certificates"],
    }
    assert len(found.facts["health"].values["staff.certificates"]) == 9
    premises = found.facts["premises"]
    assert premises.registry_name == {"en": "Real Estate Register", "zh": "不动产库"}
    assert premises.fetched_at == MONDAY
    assert premises.registry_updated_at is not None


def test_two_requests_at_once_leave_one_set_of_facts(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """A double click: both ask, one record remains."""
    sandbox.delay(100)
    together = Barrier(4)

    def ask() -> int:
        together.wait()
        found = prefill(database, gateway, open_restaurant, wang_fang)
        return sum(view.filled for view in found.facts.values())

    with ThreadPoolExecutor(4) as pool:
        assert [f.result() for f in [pool.submit(ask) for _ in range(4)]] == [5, 5, 5, 5]
    with database.read() as session:
        current = session.scalars(select(Fact.fact_type).where(Fact.superseded_by.is_(None))).all()
        assert sorted(current) == sorted(t for f in open_restaurant.service.facts.values() for t in f.take)
        assert len(session.scalars(select(EvidenceRequirement)).all()) == len(open_restaurant.service.facts)
        assert len(session.scalars(select(Exchange)).all()) == 4 * len(open_restaurant.service.facts)

"""What is asked of the citizen and what is not; registry values win; the log and the person's own record."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from sqlalchemy import select

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.exchange import evidence
from govservice.exchange.evidence import FactView
from govservice.exchange.gateway import Gateway
from govservice.models.exchange import DataAccess, Exchange, Fact
from govservice.models.people import Person
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Form, Sandbox, prefill
from tests.support.clock import MONDAY

CANARIES = ("990111198803182048", "王芳", "花溪区清溪路", "326.40", "0012345", "JK9901110001")


def facts_of(database: Database, gateway: Gateway, compiled: Compiled, filed: Filed) -> dict[str, FactView]:
    found = prefill(database, gateway, compiled, filed)
    return dict(found.facts)


def test_a_posted_value_never_replaces_a_registrys(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    facts = facts_of(database, gateway, open_restaurant, wang_fang)
    crafted = Form(
        {"premises.area": "9.99", "person.national_id": "990111195001010000", "menu.seats": 68},
        {"premises.area": "you", "person.national_id": "fact:owner", "menu.seats": "you"},
    )
    merged = evidence.merge_answers(open_restaurant, facts, crafted)
    assert merged.answers["premises.area"] == "326.40"
    assert merged.answers["person.national_id"] == "990111198803182048"
    assert merged.sources["premises.area"] == "fact:premises"
    assert (merged.answers["menu.seats"], merged.sources["menu.seats"]) == (68, "you")
    assert evidence.merge_answers(open_restaurant, facts, merged) is merged  # nothing to do a second time


def test_a_value_may_not_pose_as_a_registrys(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """While the registry is down the citizen answers; what claims to be the registry's is taken out."""
    sandbox.fault("real_estate", "status_500")
    facts = facts_of(database, gateway, open_restaurant, wang_fang)
    posted = Form({"premises.area": "120.00"}, {"premises.area": "you"})
    assert evidence.merge_answers(open_restaurant, facts, posted).answers["premises.area"] == "120.00"
    forged = Form({"premises.area": "120.00"}, {"premises.area": "fact:premises"})
    assert "premises.area" not in evidence.merge_answers(open_restaurant, facts, forged).answers


def test_only_what_no_registry_holds_is_asked(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    asked_before = evidence.asked_fields(open_restaurant, {})
    assert asked_before == [name for name in open_restaurant.service.fields if name != "org.discredited"]
    facts = facts_of(database, gateway, open_restaurant, wang_fang)
    asked = evidence.asked_fields(open_restaurant, facts)
    assert set(asked) == {name for name, field in open_restaurant.service.fields.items() if field.fact is None}
    assert "org.discredited" not in asked_before, "nobody is asked about their own credit"
    assert "premises.area" not in asked
    wanted = evidence.materials_asked(open_restaurant, facts)
    assert "layout" in wanted
    assert "title_deed" not in wanted
    assert "health_certificates" not in wanted


def test_the_receipt_says_what_was_spared(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed, catalogue: Catalogue
) -> None:
    facts = facts_of(database, gateway, open_restaurant, wang_fang)
    spared = evidence.burden(open_restaurant, facts)
    assert spared.fields_not_asked == 9
    assert spared.fields - spared.fields_not_asked == len(evidence.asked_fields(open_restaurant, facts))
    assert spared.documents_not_asked == 2
    assert spared.documents - spared.documents_not_asked == len(evidence.materials_asked(open_restaurant, facts))
    assert [name["en"] for name in spared.registries] == [
        "Population Register", "Register of Enterprises", "Real Estate Register", "Health Certificate Register"
    ]  # fmt: skip
    shown = [name for name in open_restaurant.service.fields if not name.startswith("signage.")]
    assert evidence.burden(open_restaurant, facts, shown).fields == spared.fields - 1
    nothing = evidence.burden(open_restaurant, {})
    assert (nothing.fields_not_asked, nothing.documents_not_asked, nothing.registries) == (0, 0, ())
    papers = evidence.burden(open_restaurant, facts, catalogue=catalogue)
    assert [label["zh"] for label in papers.papers][:2] == ["身份证复印件", "营业执照复印件"]
    assert len(papers.papers) == 4
    assert (papers.documents_not_asked, papers.documents) == (4, spared.documents + 2)


def test_every_call_is_logged_without_values(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    facts_of(database, gateway, open_restaurant, wang_fang)
    with database.read() as session:
        calls = {row.fact: row for row in session.scalars(select(Exchange))}
        assert set(calls) == {"owner", "enterprise", "standing", "premises", "health"}
        premises = calls["premises"]
        assert (premises.outcome, premises.grant_id, premises.purpose) == ("ok", "GR-2033", "LICENSE")
        assert (premises.trigger, premises.http_status, premises.attempt) == ("prefill", 200, 1)
        assert premises.legal_basis == "Interim Regulations on Real Estate Registration art. 25"
        assert set(premises.fields) == {"premises.title_no", "premises.address", "premises.area", "premises.district"}
        assert len(premises.request_sha) == 64
        assert premises.response_sha is not None
        asked = json.dumps({"subject": "990111198803182048", "fields": ["name", "national_id"]}).encode()
        guessed = hashlib.sha256(b"POST/population/v2/people/query" + asked).hexdigest()
        assert calls["owner"].request_sha != guessed  # whoever reads the log cannot try out numbers
        assert calls["owner"].request_sha == database.keyring.blind("exchange", guessed)
        for table in (Exchange, DataAccess):
            for row in session.execute(select(table.__table__)).mappings():
                text = json.dumps({k: str(v) for k, v in row.items()}, ensure_ascii=False)
                assert not [canary for canary in CANARIES if canary in text]


def test_values_are_sealed_and_go_with_the_persons_key(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed, catalogue: Catalogue
) -> None:
    facts_of(database, gateway, open_restaurant, wang_fang)
    with database.write() as session:
        sealed = b"".join(fact.value_enc or b"" for fact in session.scalars(select(Fact)))
        assert not [canary for canary in CANARIES if canary.encode() in sealed]
        session.get_one(Person, wang_fang.person_id).key_wrapped = None  # erased
    with database.read() as session:
        facts = evidence.current_facts(session, wang_fang.case_id, catalogue)
    assert evidence.fact_values(facts) == {}


def test_the_person_sees_each_read(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    sandbox.fault("health_certificates", "empty")
    facts_of(database, gateway, open_restaurant, wang_fang)
    with database.read() as session:
        rows = session.scalars(select(DataAccess).where(DataAccess.subject_id == wang_fang.person_id)).all()
    assert {row.registry_code for row in rows} == {"population", "enterprises", "real_estate"}
    assert {(row.actor, row.purpose, row.case_id) for row in rows} == {("portal", "registry_fetch", wang_fang.case_id)}
    owner = next(row for row in rows if row.registry_code == "population")
    assert owner.what == ["person.name", "person.national_id"]


def test_nothing_is_asked_for_beyond_what_is_taken(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    """Minimisation: the birth date, the use of the premises and so on are neither fetched nor kept."""
    facts_of(database, gateway, open_restaurant, wang_fang)
    with database.read() as session:
        kept = set(session.scalars(select(Fact.fact_type)))
    taken = {t for fact in open_restaurant.service.facts.values() for t in fact.take}
    assert kept == taken


def test_an_old_answer_is_asked_for_again_and_superseded(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    facts_of(database, gateway, open_restaurant, wang_fang)
    later = MONDAY + timedelta(days=31)  # premises: 30 days, health certificates: 7 days, the person: a year
    prefill(database, gateway, open_restaurant, wang_fang, now=later)
    assert sandbox.calls() == {"population": 1, "enterprises": 4, "real_estate": 2, "health_certificates": 2}
    with database.read() as session:
        rows = session.scalars(select(Fact).where(Fact.fact_type == "premises.area").order_by(Fact.id)).all()
        assert [row.superseded_by is None for row in rows] == [False, True]
        assert rows[1].fetched_at == later


def test_silence_does_not_undo_what_is_held(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    facts_of(database, gateway, open_restaurant, wang_fang)
    sandbox.fault("real_estate", "status_500")
    later = MONDAY + timedelta(days=31)
    found = prefill(database, gateway, open_restaurant, wang_fang, now=later)
    premises = found.facts["premises"]
    assert (premises.state, premises.outcome) == ("available", "unavailable")
    assert premises.values["premises.area"] == "326.40"
    assert premises.fetched_at == MONDAY
    assert premises.sentence is not None
    assert premises.sentence.text("en") == "From the Real Estate Register."


def test_a_record_that_is_gone_is_gone(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    facts_of(database, gateway, open_restaurant, wang_fang)
    sandbox.fault("real_estate", "empty")
    later = MONDAY + timedelta(days=31)
    found = prefill(database, gateway, open_restaurant, wang_fang, now=later)
    assert (found.facts["premises"].state, found.facts["premises"].values) == ("no_record", {})

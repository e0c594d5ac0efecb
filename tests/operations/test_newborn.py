"""Clause "Bundles", a child is born: two parents, a pre-check by registers, six parts that wait for numbers."""

from __future__ import annotations

import pytest

from govservice.engine import Actor
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.operations import deciding
from govservice.operations.clock import fire_due
from govservice.queries.bundles import saving
from tests.operations.conftest import Play
from tests.operations.test_bundles import Life
from tests.support.sandboxes import Sandbox

BIRTH = {
    "parts": {"needs.benefit": True}, "child": {"child.name": "刘小满"}, "household": {"household.of": "mother"},
    "payment": {"payment.bank": "贵阳银行花溪支行", "payment.account": "6222000000000004402"},
}  # fmt: skip
AFTER = {
    "household_registration": "household", "maternity_benefit": "benefits", "vaccination_record": "vaccination",
    "resident_medical_insurance": "enrolment", "social_security_card": "cards",
}  # fmt: skip


class Mother(Life):
    """Wang Fang applies for herself, not for her enterprise."""

    def citizen(self, login: str) -> Actor:
        found = super().citizen(login)
        return Actor(found.id, "applicant", (), found.person_id, name=login)


@pytest.fixture
def mother(play: Play) -> Mother:
    return Mother(play.rt, play.clock)


def born(mother: Mother) -> None:
    mother.start("newborn", BIRTH, login="wang.fang")
    mother.submit("wang.fang")
    mother.deliver()


def confirmed(mother: Mother) -> None:
    """The father confirms; the registers say that the parents are married and how old the child is."""
    born(mother)
    confirms(mother, mother.citizen("liu.yang"), "confirm.other_parent", "confirm")


def confirms(mother: Mother, actor: Actor, scope: str, action: str) -> None:
    token = mother.state.token_of(scope)
    assert token is not None
    deciding.act(mother.rt, actor, mother.case_id, token.id, action, expected=None, idem=mother.key(), now=mother.now)
    mother.deliver()


def precheck(mother: Mother) -> str | None:
    token = mother.state.token_of("confirm.precheck")
    assert token is not None
    return token.outcome


def test_newborn_what_the_registers_say_passes_without_a_clerk(mother: Mother) -> None:
    """services: "automatic pre-check on shared data; pass = auto-accept"; promised five working days from then."""
    confirmed(mother)
    assert precheck(mother) == "not_needed"
    assert mother.steps == {"": "together"}
    assert mother.state.milestones["accepted"] >= mother.state.milestones["received"]
    clock = mother.state.clocks["limit:decision"]
    assert (clock.started_at, clock.promised) == (mother.state.milestones["accepted"], "5wd")
    mother.check()


@pytest.mark.parametrize("what", ["silent", "another", "old"])
def test_newborn_a_clerk_looks_where_the_registers_do_not_say_so(mother: Mother, sandbox: Sandbox, what: str) -> None:
    """A silent register passes nobody, nor does one that names another spouse, nor a birth of more than a year ago."""
    wang = next(c.person.id for c in CITIZENS if c.login == "wang.fang")
    if what == "silent":
        sandbox.fault("civil_affairs", "status_500")
    elif what == "another":
        sandbox.change("civil_affairs", wang, spouse={"name": "陈伟", "national_id": "990102198506150334"})
    else:
        sandbox.change("births", wang, born_on="2024-11-02")
    confirmed(mother)
    assert (precheck(mother), mother.steps) == (None, {"": "confirm", "confirm.precheck": "confirm.precheck.desk"})
    confirms(mother, mother.clerk("births"), "confirm.precheck", "pass")
    assert mother.children()["birth_certificate"] == "open"
    mother.check()


def test_newborn_the_insurance_waits_for_the_number_that_the_police_issue(mother: Mother) -> None:
    confirmed(mother)
    with mother.rt.read() as session:  # what the hospital knows is not asked: day, sex, hospital, the other parent
        case = session.get_one(Case, mother.case_id)
        form = read_form(session, case.applicant_id, case.id, case.data_rev)
    assert form.sources["child.birth_date"] == form.sources["parent.other_id"] == "fact:birth"
    assert form.answers["child.sex"] in mother.rt.definitions.by_sha(case.def_sha).service.fields["child.sex"].options
    assert "parent.other_id" in mother.rt.definitions.catalogue.masked
    waiting = dict.fromkeys(AFTER, "waiting")
    assert mother.children() == {"birth_certificate": "open", **waiting}
    mother.decide("birth_certificate", "births", "register")
    assert mother.children() == {
        "birth_certificate": "granted", "household_registration": "open", "maternity_benefit": "open",
        "vaccination_record": "open", "resident_medical_insurance": "waiting", "social_security_card": "waiting",
    }  # fmt: skip
    number = mother.answers("birth_certificate")["certificate.number"]
    assert mother.answers("maternity_benefit")["certificate.number"] == number
    mother.decide("maternity_benefit", "benefits", "register")  # it needs the certificate only
    mother.decide("household_registration", "household", "register")
    child = mother.answers("household_registration")["child.national_id"]
    assert child.startswith("99011120260220")
    assert int(child[16]) % 2 == 0  # a girl
    for service in ("resident_medical_insurance", "social_security_card"):
        assert mother.answers(service)["child.national_id"] == child
        mother.decide(service, AFTER[service], "register")
    mother.decide("vaccination_record", "vaccination", "register")
    assert (mother.state.status, mother.state.outcome) == ("closed", "granted")
    mother.check()


def test_newborn_the_other_parent_who_does_not_answer_ends_it(mother: Mother) -> None:
    born(mother)
    mother.pass_time(days=5)
    fire_due(mother.rt, mother.now)
    assert mother.state.outcome == "refused"
    assert mother.state.children == {}  # nothing was begun
    mother.check()


def test_newborn_a_refused_card_leaves_the_rest_standing(mother: Mother) -> None:
    confirmed(mother)
    mother.decide("birth_certificate", "births", "register")
    mother.decide("household_registration", "household", "register")
    mother.decide("social_security_card", "cards", "refuse", reason="照片不合格")
    for service in ("maternity_benefit", "vaccination_record", "resident_medical_insurance"):
        mother.decide(service, AFTER[service], "register")
    assert mother.steps == {"": "partly"}
    assert mother.children()["resident_medical_insurance"] == "granted"


def test_newborn_asks_each_thing_once(mother: Mother) -> None:
    found = saving(mother.rt.definitions, mother.rt.definitions.current("newborn"))
    assert found is not None
    assert found.fields_together <= 0.4 * found.fields_apart
    form = mother.rt.definitions.current("newborn").service.fields.values()
    assert sum(field.fact is None for field in form) == 5, "what is typed"

"""Data shared on conditions: a department asks, the owner answers by a case, and what it gives the exchange honours."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.findings import DefinitionError
from govservice.definitions.library import load_library
from govservice.engine import Actor
from govservice.errors import Forbidden, Missing, NotAllowed, NotFound
from govservice.exchange.connectors.base import SubjectKey
from govservice.exchange.outcomes import Outcome
from govservice.exchange.queries import Wanted
from govservice.exchange.sandbox.cast import WANG_FANG
from govservice.models.cases import Case
from govservice.models.exchange import Grant
from govservice.operations import deciding, filing, sharing
from govservice.operations.publishing import sync_grants
from govservice.operations.startup import grants_in
from tests.operations.conftest import Play

DESK, HOLDER = ("sharing_desk", "guizhou.data_bureau"), ("holder_tax_service", "guizhou.tax_service")
STEWARD = ("steward", "guizhou.tax_service")
WHY = {
    "request.purpose": "means_test", "request.basis": "《社会救助暂行办法》第五十八条",
    "request.need": "核对申请家庭的收入", "request.until": "2026-12-31",
}  # fmt: skip


@pytest.fixture
def asking(play: Play) -> Play:
    """The district's bureau asks: whoever holds its mandate files for it (`luo.lan` of the cast)."""
    return play


def sent(
    play: Play,
    login: str = "luo.lan",
    dataset: str = "income",
    fields: tuple[str, ...] = ("income_taxable",),
    **why: Any,
) -> None:
    actor = play.citizen(login)
    number = filing.start(play.rt, actor, sharing.SERVICE, idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree(login)
    what = {"request.dataset": dataset, "request.service": "minimum_living_allowance"}
    play.answer(login, what=what, why={**WHY, **why}, **{dataset: {f"{dataset}.fields": list(fields)}})
    play.submit(login)


def does(play: Play, role: tuple[str, str], action: str, **words: Any) -> None:
    actor, token = replace(play.staff("zhou.jie"), roles=(role,)), play.state.token_of("")
    assert token is not None
    deciding.act(
        play.rt, actor, play.case_id, token.id, action, expected=None, idem=play.key(), now=play.now, **words
    )  # fmt: skip


def granted(play: Play, holder: tuple[str, str] = HOLDER, **what: Any) -> str:
    sent(play, **what)
    does(play, DESK, "accept")
    assert play.state.main.step == holder[0].replace("holder", "answer")
    does(play, holder, "approve")
    play.deliver()
    assert (play.state.main.step, play.state.outcome) == ("done", "granted")
    with play.rt.read() as session:
        return sharing.number_of(session.get_one(Case, play.case_id))


def steward(play: Play, role: tuple[str, str] = STEWARD) -> Actor:
    return replace(play.staff("he.tao"), roles=(role,))


def asks(play: Play, number: str, **changes: Any) -> tuple[Outcome, str | None]:
    """One real call under the grant, and the grant that its row in the log names."""
    person = play.users["wang.fang"].person_id
    assert person is not None
    wanted = Wanted(
        case_id="", service="minimum_living_allowance", department="civil_affairs", name="income",
        sources=(("income/1", number),), take=("income.taxable",), purpose="MEANS_TEST",
        subject=SubjectKey("person", WANG_FANG.id), subject_id=person, person_id=person, actor="test",
        trigger="clerk", at=play.now, today=play.rt.today(play.now),
    )  # fmt: skip
    (result,) = play.rt.gateway.ask(play.rt.database, [replace(wanted, **changes)], budget=10)
    return result.outcome, result.calls[-1].grant


def test_from_the_request_to_the_call(asking: Play) -> None:
    sent(asking)
    with asking.rt.read() as session:
        number = sharing.number_of(session.get_one(Case, asking.case_id))
    assert asks(asking, number) == (Outcome.DENIED, None)
    does(asking, DESK, "accept")
    assert asks(asking, number) == (Outcome.DENIED, None), "nobody has given it"
    with pytest.raises(Forbidden):
        does(asking, ("holder_public_security", "guizhou.public_security"), "approve")
    does(asking, HOLDER, "approve")
    asking.deliver()
    assert asks(asking, number) == (Outcome.OK, number)
    assert asks(asking, number, service="open_restaurant")[0] is Outcome.DENIED
    assert asks(asking, number, department="market_reg")[0] is Outcome.DENIED
    assert asks(asking, number, purpose="LICENSE")[0] is Outcome.DENIED
    assert asks(asking, number, take=("income.taxable", "income.year"))[0] is Outcome.DENIED, (
        "no more than was asked for"
    )
    asking.clock.set(asking.now.replace(year=2027, month=1, day=1))
    assert asks(asking, number)[0] is Outcome.DENIED, "its day has passed"


def test_what_the_owner_refuses_is_no_grant(asking: Play) -> None:
    sent(asking)
    does(asking, DESK, "accept")
    with pytest.raises(Missing):
        does(asking, HOLDER, "refuse")
    does(asking, HOLDER, "refuse", reason="该事项办理无需此项数据")
    asking.deliver()
    assert asking.state.outcome == "refused"
    assert grants_in(asking.rt.database) == {}


def test_what_cannot_be_granted_goes_back_to_the_desk(asking: Play) -> None:
    sent(asking, **{"request.until": "2026-03-10"})
    does(asking, DESK, "accept")
    asking.pass_time(days=9)
    does(asking, HOLDER, "approve")
    asking.deliver()
    assert asking.state.main.step == "compliance"
    assert grants_in(asking.rt.database) == {}


def test_an_enterprise_gets_no_grant_whoever_approves(asking: Play) -> None:
    sent(asking, "wang.fang")
    does(asking, DESK, "accept")
    does(asking, HOLDER, "approve")
    asking.deliver()
    assert asking.state.main.step == "compliance"
    assert grants_in(asking.rt.database) == {}


def test_delivered_twice_it_is_one_grant_and_publishing_leaves_it(asking: Play) -> None:
    number = granted(asking)
    before = grants_in(asking.rt.database)
    assert list(before) == [number]
    with asking.rt.write() as session:
        catalogue = replace(
            asking.rt.definitions.catalogue, grants={**asking.rt.definitions.catalogue.grants, **before}
        )
        sync_grants(session, catalogue)
    with asking.rt.read() as session:
        row = session.get_one(Grant, number)
        assert (row.department, row.take, row.case_id) == ("civil_affairs", ["income.taxable"], asking.case_id)
        assert row.valid_to is not None


def test_the_owner_revokes_it_and_a_grant_of_a_file(asking: Play) -> None:
    number = granted(asking)
    with pytest.raises(NotFound):
        sharing.revoke(asking.rt, steward(asking, ("steward", "guizhou.education")), number, "x", now=asking.now)
    with pytest.raises(NotFound):
        sharing.revoke(asking.rt, steward(asking, HOLDER), number, "x", now=asking.now)
    with pytest.raises(Missing):
        sharing.revoke(asking.rt, steward(asking), number, "  ", now=asking.now)
    for _ in range(2):
        sharing.revoke(asking.rt, steward(asking), number, "超出用途使用", now=asking.now)
    assert asks(asking, number)[0] is Outcome.DENIED
    police = steward(asking, ("steward", "guizhou.public_security"))
    filed = {"sources": (("population/2", "GR-2601"),), "take": ("person.name",), "purpose": "IDENTIFY"}
    assert asks(asking, "", **filed)[0] is Outcome.OK
    sharing.revoke(asking.rt, police, "GR-2601", "超出用途使用", now=asking.now)
    assert asks(asking, "", **filed)[0] is Outcome.DENIED
    with pytest.raises(NotAllowed):
        sharing.revoke(asking.rt, replace(police, id="another"), "GR-2601", "x", now=asking.now)


def test_a_definition_may_name_it_once_it_is_given(asking: Play, tmp_path: Path) -> None:
    police = ("holder_public_security", "guizhou.public_security")
    number = granted(
        asking, police, dataset="households", fields=("household_number", "household_size", "household_adults")
    )  # fmt: skip
    copy = shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    path = copy / "services" / "minimum_living_allowance.yaml"
    filed = "GR-2602"
    said = path.read_text(encoding="utf-8")
    assert filed in said
    path.write_text(said.replace(filed, number), encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        load_library(copy)
    assert {f.code for f in refused.value.findings} == {"E-UNKNOWN-GRANT"}
    given = grants_in(asking.rt.database)
    assert "minimum_living_allowance" in load_library(copy, given).codes()
    narrower = {number: given[number].model_copy(update={"take": ()})}
    with pytest.raises(DefinitionError):
        load_library(copy, narrower)


def test_the_request_offers_what_is_shared_on_conditions_and_nothing_else(play: Play) -> None:
    """Options of the form against the files: `sharing` of a dataset decides who must ask."""
    catalogue = play.rt.definitions.catalogue
    fields = play.rt.definitions.current(sharing.SERVICE).service.fields
    offered = set(fields["request.dataset"].options)
    shared = {ref.partition("/")[0]: ref for ref, each in catalogue.datasets.items() if each.sharing == "conditional"}
    owners = {step.removeprefix("answer_") for step in play.rt.definitions.current(sharing.SERVICE).steps}
    for name in offered:
        dataset = catalogue.datasets[shared[name]]
        assert {sharing.option_of(kind) for kind in dataset.fields} == set(fields[f"{name}.fields"].options)
        owner = sharing.owner_of(catalogue, shared[name])
        assert owner is not None
        assert owner.partition(".")[2] in owners
    assert {p.upper() for p in fields["request.purpose"].options} <= set(catalogue.purposes)
    assert set(fields["request.service"].options) <= set(play.rt.definitions.codes())

"""What a fact says of how it is shown and of when it is: `show`, `as_of`, a predicate without a field, the vault.

Real registries over HTTP, both databases; the service is the shipped one with a few lines more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings
from govservice.errors import NotAllowed, Unverified
from govservice.exchange.evidence import FactView, current_facts, hidden_fields
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.exchange.snapshot import latest_snapshot, verify_snapshot
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement, Fact
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.operations import disputing, revalidating
from govservice.operations.mandates import grant_mandate
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import Edits, relying_runtime
from tests.support.sandboxes import Sandbox

SERVICE = "services/open_restaurant.yaml"
USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)
MakePlay = Callable[..., Play]


@pytest.fixture
def make_play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[MakePlay]:
    made = []

    def make(edits: Edits | None = None, **facts: str) -> Play:
        made.append(relying_runtime(settings, database, clock, sandbox, tmp_path, edits or {}, **facts))
        return Play(made[-1], clock)

    yield make
    for rt in made:
        rt.gateway.close()


def facts_of(play: Play) -> dict[str, FactView]:
    with play.rt.read() as session:
        return current_facts(session, play.case_id, play.rt.definitions.catalogue)


def form_of(play: Play) -> Form:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        return read_form(session, case.applicant_id, case.id)


def rows(play: Play, name: str) -> list[Revalidation]:
    with play.rt.read() as session:
        found = select(Revalidation).where(Revalidation.case_id == play.case_id, Revalidation.name == name)
        return list(session.scalars(found.order_by(Revalidation.at)))


def sealed(play: Play) -> dict[str, object]:
    with play.rt.read() as session:
        said: dict[str, object] = json.loads(verify_snapshot(session, latest_snapshot(session, play.case_id)) or b"{}")
        return said


# -- show


def test_readonly_a_posted_value_changes_nothing(make_play: MakePlay) -> None:
    play = make_play()
    play.draft()
    before = form_of(play).answers["premises.area"]
    play.answer("wang.fang", premises={"premises.area": "12.5"})
    assert form_of(play).answers["premises.area"] == before
    assert form_of(play).sources["premises.area"] == "fact:premises"


def test_editable_the_citizens_value_stands_and_the_conflict_is_the_clerks_to_settle(make_play: MakePlay) -> None:
    """The value is then self-declared; both sides are kept, and nobody is decided about before a clerk has looked."""
    play = make_play(premises="show: editable")
    play.draft()
    told = facts_of(play)["premises"].values["premises.area"]
    play.answer("wang.fang", premises={"premises.area": "512.5"})
    form = form_of(play)
    assert (form.answers["premises.area"], form.sources["premises.area"]) == ("512.5", "you")
    assert form.sources["premises.address"] == "fact:premises"
    play.submit()
    (row,) = rows(play, "premises")
    assert (row.result, row.trigger, row.old_exchange_id) == ("material", "submit", None)
    view = facts_of(play)["premises"]
    assert (view.state, view.values["premises.area"]) == ("contradicted", told)
    to_the_decision(play)
    with pytest.raises(Unverified) as stopped:
        play.act("he.tao", "", "refuse", reason="不符合条件")
    assert stopped.value.why == {"premises": "changed"}
    he = play.staff("he.tao")
    revalidating.resolve(play.rt, he, play.case_id, row.id, "verified", "核对过不动产权证原件", now=play.now)
    assert rows(play, "premises")[0].resolution == "verified"
    play.act("he.tao", "", "approve")


def test_editable_what_is_put_back_is_the_registers_again(make_play: MakePlay) -> None:
    play = make_play(premises="show: editable")
    play.draft()
    told = form_of(play).answers["premises.area"]
    play.answer("wang.fang", premises={"premises.area": "512.5"})
    play.answer("wang.fang", premises={"premises.area": told})
    assert form_of(play).sources["premises.area"] == "fact:premises"
    play.submit()
    assert rows(play, "premises") == []
    assert facts_of(play)["premises"].state == "available"


def test_editable_a_change_that_does_not_matter_is_no_conflict(make_play: MakePlay) -> None:
    """By the fact's own rule: less than a square metre."""
    play = make_play(premises="show: editable")
    play.draft()
    told = float(form_of(play).answers["premises.area"])
    play.answer("wang.fang", premises={"premises.area": f"{told + 0.5:.2f}"})
    play.submit()
    assert rows(play, "premises") == []


def to_the_decision(play: Play) -> None:
    play.act("li.na", "", "accept")
    play.review()


HIDES = "  LICENSE:\n    hides: {en: Some law art. 1, zh: 《某法》第一条}\n"
HIDING: Edits = {"purposes.yaml": (("  LICENSE:\n", HIDES),)}


def test_hidden_is_read_by_the_office_and_not_by_the_applicant(make_play: MakePlay) -> None:
    play = make_play(HIDING, premises="show: hidden")
    play.draft()
    with play.rt.read() as session:
        compiled = play.rt.definitions.by_sha(session.get_one(Case, play.case_id).def_sha)
    assert "premises.area" in hidden_fields(compiled, facts_of(play))
    assert form_of(play).answers["premises.area"]
    play.submit()
    assert play.state.status == "open"
    with pytest.raises(NotAllowed):  # whoever may not see it learns nothing by saying that it is wrong
        disputing.dispute(
            play.rt, play.citizen("wang.fang"), play.case_id, "premises.area", "1", "x", now=play.now
        )  # fmt: skip


# -- as_of

PERIODS: Edits = {
    "registries/real_estate.yaml": (("    freshness: 30d\n", "    freshness: 30d\n    periods: [last_month]\n"),)
}


def test_as_of_is_asked_of_the_registry_and_kept_with_the_value(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(PERIODS, premises="as_of: last_month")
    play.draft()
    last = (play.now.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    assert sandbox.admin("asked", {"registry": "real_estate"})["as_of"] == last
    assert sandbox.admin("asked", {"registry": "population"})["as_of"] is None
    assert facts_of(play)["premises"].as_of == last
    assert facts_of(play)["owner"].as_of is None
    play.submit()
    facts = sealed(play)["facts"]
    assert isinstance(facts, dict)
    assert facts["premises"]["as_of"] == last
    assert "as_of" not in facts["owner"]


# -- a predicate without a field of its own

ADULT = (
    "  adult:\n    predicate: person.is_over_18\n    from: {dataset: population/2, grant: GR-2031}\n"
    "    purpose: IDENTIFY\n    fallback: [declare]\n  owner:"
)
ASKING: Edits = {
    SERVICE: (
        ("  owner:", ADULT),
        ('accept:  {to: review, marks: accepted,', 'accept:  {to: review, guard: "adult", marks: accepted,'),
        ("      decline: {to: refused, reason", "      later: {to: acceptance, reason: true, label: {en: a, zh: b}}\n"
         "      decline: {to: refused, reason"),
    ),
    "registries/population.yaml": (
        ("services: [open_restaurant, food_business_licence]\n    take: [person.name",
         "services: [open_restaurant, food_business_licence]\n    take: [person.is_over_18, person.name"),
    ),
}  # fmt: skip
BORN = "1988-03-18"


def test_a_predicate_without_a_field_is_asked_and_guards_read_it(make_play: MakePlay) -> None:
    play = make_play(ASKING)
    play.draft()
    form = form_of(play)
    assert (form.answers["adult"], form.sources["adult"]) == (True, "fact:adult")
    play.submit()
    play.act("li.na", "", "accept")
    assert play.steps[""] == "review"
    with play.rt.read() as session:
        stored = session.scalars(select(Fact).where(Fact.case_id == play.case_id)).all()
        assert {f.fact_type for f in stored} & {"person.birth_date", "person.is_over_18"} == set()
    assert BORN not in json.dumps(sealed(play), ensure_ascii=False), "the base value stands nowhere"


def test_a_predicate_that_does_not_hold_closes_the_guard(make_play: MakePlay, sandbox: Sandbox) -> None:
    number = next(c.person.id for c in CITIZENS if c.login == "wang.fang")
    play = make_play(ASKING)
    sandbox.change("population", number, birth_date="2020-01-01")
    play.draft()
    assert form_of(play).answers["adult"] is False
    play.submit()
    with pytest.raises(NotAllowed):
        play.act("li.na", "", "accept")


def test_a_predicate_is_asked_of_the_citizen_where_the_register_is_silent(
    make_play: MakePlay, sandbox: Sandbox
) -> None:
    play = make_play(ASKING)
    sandbox.fault("population", "status_500")
    play.draft()
    assert "adult" not in form_of(play).answers
    play.answer("wang.fang", register_data={"adult": True})
    assert form_of(play).sources["adult"] == "you"
    play.submit()
    play.act("li.na", "", "accept")


# -- the vault


VAULT: Edits = {
    SERVICE: (
        ("    from: {dataset: real_estate/1, grant: GR-2033}\n",
         "    from: [{dataset: real_estate/1, grant: GR-2033}, {vault: title_deed, max_age: 18mo}]\n"),
    )
}  # fmt: skip
TYPED = {
    "premises.title_no": "黔(2020)第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi",
    "premises.area": "120",
}  # fmt: skip


def granted_on_a_paper(play: Play, sandbox: Sandbox) -> None:
    """An earlier case, on what the applicant typed and proved by the deed."""
    sandbox.fault("real_estate", "empty")
    play.draft()
    play.answer("wang.fang", premises=TYPED)
    play.attach("wang.fang", "title_deed")
    play.submit()


def granted(play: Play, sandbox: Sandbox) -> None:
    """What the applicant typed is compared with the deed; then it is decided."""
    play.act("li.na", "", "accept")
    play.act("zhang.qiang", "review.food", "pass")
    play.act("zhang.qiang", "review.food", "pass", attachments=play.report())
    play.act("wu.gang", "review.food", "pass")
    play.act("sun.min", "review.sign", "pass")
    with pytest.raises(Unverified):
        play.act("he.tao", "", "approve")
    found = rows(play, "premises")[-1]
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, found.id, "verified", "核对原件", now=play.now)
    play.act("he.tao", "", "approve")
    play.deliver()
    assert play.state.outcome == "granted"


def test_the_vault_fills_a_form_and_nothing_is_decided_on_it(make_play: MakePlay, sandbox: Sandbox) -> None:
    """Its value was taken today, and told long ago: the registry is asked, and nobody's look counts but its own."""
    play = make_play(VAULT)
    granted_on_a_paper(play, sandbox)
    granted(play, sandbox)
    sandbox.fault("real_estate", "status_500")
    play.draft()
    assert facts_of(play)["premises"].registry == "vault"
    play.submit()
    for _ in range(2):
        with pytest.raises(Unverified) as stopped:
            play.act("li.na", "", "decline", reason="不属于受理范围")
        assert stopped.value.why == {"premises": "unavailable"}
    revalidating.ask_again(play.rt, play.staff("li.na"), play.case_id, ["premises"], now=play.now, trigger="clerk")
    assert rows(play, "premises")[-1].result == "unavailable", "asking again is asking the registry, not ourselves"


def test_the_vault_gives_what_a_paper_proved_that_an_authority_granted_on(
    make_play: MakePlay, sandbox: Sandbox
) -> None:
    play = make_play(VAULT, premises="dispute: {hold: none}")
    granted_on_a_paper(play, sandbox)
    sandbox.fault("real_estate", "status_500")
    first = play.case_id
    play.draft()
    assert not facts_of(play)["premises"].filled, "nothing was granted on it yet"
    play.case_id = first
    granted(play, sandbox)
    play.draft()
    view = facts_of(play)["premises"]
    assert (view.registry, view.assurance, view.values["premises.area"]) == ("vault", "document", "120")
    with play.rt.read() as session:
        need = select(EvidenceRequirement).where(
            EvidenceRequirement.case_id == play.case_id, EvidenceRequirement.name == "premises"
        )
        assert session.scalars(need).one().state == "available"
        first_case = session.get_one(Case, first)
        enterprise = str(first_case.organisation_id)
    with play.rt.write() as session:
        grant_mandate(
            session, str(play.users["liu.yang"].person_id), enterprise, kind="agent", source="demo",
            valid_from=play.now.date(), now=play.now,
        )  # fmt: skip
    play.draft("liu.yang")
    assert play.citizen("liu.yang").organisation_id == enterprise
    assert not facts_of(play)["premises"].filled, "what a colleague gave is sealed with their key and stays theirs"


def test_the_vault_gives_no_paper_that_is_too_old(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(VAULT, premises="dispute: {hold: none}")
    granted_on_a_paper(play, sandbox)
    granted(play, sandbox)
    sandbox.fault("real_estate", "status_500")
    play.clock.advance(timedelta(days=600))
    play.draft()
    assert not facts_of(play)["premises"].filled

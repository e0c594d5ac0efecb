"""Consent to a question (`consent: explicit`): agreed to per fact, sealed, logged, taken back with one act.

Real registries, both databases; the premises of the shipped service are asked for with consent only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import Settings
from govservice.errors import NotAllowed, NotFound, Unverified
from govservice.exchange import consents
from govservice.exchange.connectors import vault
from govservice.exchange.evidence import FactView, current_facts, prefill
from govservice.exchange.prefill import needs
from govservice.exchange.recording import record
from govservice.exchange.seals import verify
from govservice.exchange.snapshot import latest_snapshot, verify_snapshot
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.exchange import Exchange
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.operations import consenting, filing, revalidating
from govservice.operations.mandates import grant_mandate
from govservice.operations.settling import Settler
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_runtime
from tests.support.sandboxes import Sandbox

TYPED = {
    "premises.title_no": "黔(2020)第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi",
    "premises.area": "120",
}  # fmt: skip


class Consenting(Play):
    """The applicant agrees to what wants consent, unless told otherwise."""

    agreed: tuple[str, ...] = ("premises",)

    def agree(self, login: str, tries: int = 1) -> None:
        filing.agree(self.rt, self.citizen(login), self.case_id, declined=(), agreed=self.agreed, now=self.now)


@pytest.fixture
def play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Consenting]:
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, premises="consent: explicit")
    yield Consenting(rt, clock)
    rt.gateway.close()


def view(play: Play) -> FactView:
    with play.rt.read() as session:
        return current_facts(session, play.case_id, play.rt.definitions.catalogue)["premises"]


def form_of(play: Play) -> Form:
    with play.rt.read() as session:
        return read_form(session, session.get_one(Case, play.case_id).applicant_id, play.case_id)


def given(play: Play) -> list[Consent]:
    with play.rt.read() as session:
        return list(session.scalars(select(Consent).where(Consent.case_id == play.case_id).order_by(Consent.given_at)))


def calls(play: Play) -> list[Exchange]:
    with play.rt.read() as session:
        asked = select(Exchange).where(Exchange.case_id == play.case_id, Exchange.fact == "premises")
        return list(session.scalars(asked.order_by(Exchange.at, Exchange.seq)))


def test_agreed_to_is_asked_and_the_consent_stands_in_the_log_and_in_the_seal(play: Consenting) -> None:
    play.draft()
    (row,) = given(play)
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        compiled = play.rt.definitions.by_sha(case.def_sha)
        assert (row.person_id, row.service, row.def_sha) == (case.applicant_id, case.service, case.def_sha)
    assert row.text_sha == consents.agreement_sha(compiled, play.rt.definitions.catalogue, "premises")
    assert [(c.outcome, c.consent_id) for c in calls(play)] == [("ok", row.id)]
    assert view(play).filled
    play.submit()
    with play.rt.read() as session:
        said = json.loads(verify_snapshot(session, latest_snapshot(session, play.case_id)) or b"{}")
        assert verify(session, play.rt.keyring.signer).faults == ()
    assert said["consents"]["given"]["premises"]["id"] == row.id
    assert said["consents"]["given"]["premises"]["text_sha256"] == row.text_sha


def test_who_does_not_agree_brings_it_themselves_without_a_penalty(play: Consenting, sandbox: Sandbox) -> None:
    play.agreed = ()
    play.draft()
    assert given(play) == []
    assert calls(play) == []
    assert (view(play).state, view(play).filled) == ("refused", False)
    play.answer("wang.fang", premises=TYPED)
    play.attach("wang.fang", "title_deed")
    play.submit()
    assert play.state.status == "open"


def test_nothing_is_asked_before_somebody_has_agreed(play: Consenting) -> None:
    """Neither does an old page that says nothing of consent, nor a call that names no choice."""
    play.agreed = ()
    play.draft()
    filing.fetch_facts(play.rt, play.citizen("wang.fang"), play.case_id, now=play.now, trigger="retry")
    with play.rt.read() as session:
        compiled = play.rt.definitions.by_sha(session.get_one(Case, play.case_id).def_sha)
    prefill(play.rt.database, play.rt.gateway, compiled, play.case_id, actor=play.citizen("wang.fang"), now=play.now)
    assert calls(play) == []


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"title": {"en": "Another name", "zh": "另一个名称"}}, True),
        ({"purpose": "TAX"}, False),
        ({"take": ("premises.title_no", "premises.address", "premises.district", "premises.owner")}, False),
    ],
)
def test_another_version_asks_under_the_old_consent_for_no_more_than_was_agreed_to(
    play: Consenting, change: dict[str, Any], asked: bool
) -> None:
    """A case may be moved to a version that asks for more, or for another purpose: to that nobody has agreed."""
    play.draft()
    rt, actor = play.rt, play.citizen("wang.fang")
    with rt.read() as session:
        old = rt.definitions.by_sha(session.get_one(Case, play.case_id).def_sha)
        facts = {**old.service.facts, "premises": old.service.facts["premises"].model_copy(update=change)}
        new = replace(old, sha="0" * 64, service=old.service.model_copy(update={"facts": facts}))
        wanted, settled = needs(
            session, rt.definitions.catalogue, new, play.case_id, actor, play.now, (), "retry", names=["premises"]
        )
    assert [each.name for each in wanted] == (["premises"] if asked else [])
    assert [each.outcome.value for each in settled] == ([] if asked else ["refused"])


def test_taken_back_in_a_draft_the_values_go(play: Consenting) -> None:
    play.draft()
    assert form_of(play).answers["premises.area"]
    consenting.revoke(play.rt, play.citizen("wang.fang"), given(play)[0].id, now=play.now)
    assert (view(play).state, view(play).filled) == ("refused", False)
    assert "premises.area" not in form_of(play).answers
    before = len(calls(play))
    filing.fetch_facts(play.rt, play.citizen("wang.fang"), play.case_id, now=play.now, trigger="retry")
    assert [c.outcome for c in calls(play)[before:]] == ["refused"], "asked in vain, and that is on the record"
    assert not view(play).filled


def test_what_comes_after_the_consent_was_taken_back_is_not_kept(play: Consenting) -> None:
    """The register is being asked while somebody takes the consent back: the call stands in the log, its answer does
    not stand anywhere."""
    play.agreed = ()
    play.draft()
    rt, actor = play.rt, play.citizen("wang.fang")
    with rt.write() as session:
        case = session.get_one(Case, play.case_id)
        compiled, catalogue = rt.definitions.by_sha(case.def_sha), rt.definitions.catalogue
        consents.note_given(session, case, compiled, catalogue, ["premises"], actor.id, play.now)
    with rt.read() as session:
        wanted, _ = needs(session, catalogue, compiled, play.case_id, actor, play.now, (), "retry", names=["premises"])
    results = rt.gateway.ask(rt.database, wanted, 10.0)
    assert [each.outcome.value for each in results] == ["ok"]
    consenting.revoke(rt, actor, given(play)[0].id, now=play.now)
    with rt.write() as session:
        kept = record(session, catalogue, results)
    assert [(each.outcome.value, dict(each.values)) for each in kept] == [("refused", {})]
    assert not view(play).filled
    assert ("ok", given(play)[0].id) in [(c.outcome, c.consent_id) for c in calls(play)]


def test_what_was_told_under_a_consent_goes_to_no_other_application_once_it_is_taken_back(play: Consenting) -> None:
    play.draft()
    first = given(play)[0]
    play.submit()
    play.draft()
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        compiled, catalogue = play.rt.definitions.by_sha(case.def_sha), play.rt.definitions.catalogue
        (wanted,), _ = needs(
            session, catalogue, compiled, case.id, play.citizen("wang.fang"), play.now, (), "retry", names=["premises"]
        )
        assert vault.look(session, catalogue, wanted, "facts", None).values["premises.area"]
    for row in (first, *given(play)):
        consenting.revoke(play.rt, play.citizen("wang.fang"), row.id, now=play.now)
    with play.rt.read() as session:
        assert vault.look(session, catalogue, wanted, "facts", None) == vault.NOTHING


def _states(play: Play) -> list[str]:
    with play.rt.read() as session:
        return [each.state for each in current_facts(session, play.case_id, play.rt.definitions.catalogue).values()]


def running(play: Consenting) -> Consent:
    """A case on its way whose consent is then taken back. A registry that is late on a busy machine is asked again."""
    play.draft()
    for _ in range(5):
        if all(state != "deferred" for state in _states(play)):
            break
        filing.fetch_facts(play.rt, play.citizen("wang.fang"), play.case_id, now=play.now, trigger="retry")
    play.submit()
    play.pass_time(days=2)
    (row,) = given(play)
    consenting.revoke(play.rt, play.citizen("wang.fang"), row.id, now=play.now)
    return row


def test_taken_back_no_later_call_is_made_and_each_try_is_logged(play: Consenting, sandbox: Sandbox) -> None:
    """Neither by a clerk's look, nor before a decision, nor in the background: refused, logged, nothing changed."""
    row = running(play)
    held, form, at_the_registry = view(play).values, form_of(play).as_json(), sandbox.calls()["real_estate"]
    for trigger in ("clerk", "decision", "retry", "event"):
        found = revalidating.ask_again(
            play.rt, play.staff("he.tao"), play.case_id, ["premises"], now=play.now, trigger=trigger
        )
        assert [f.result for f in found] == ["unverified"]
    assert sandbox.calls()["real_estate"] == at_the_registry
    tried = [(c.trigger, c.outcome, c.consent_id) for c in calls(play)[1:]]
    assert tried == [(t, "refused", row.id) for t in ("clerk", "decision", "retry", "event")]
    assert (view(play).state, view(play).values) == ("available", held)
    assert form_of(play).as_json() == form
    with play.rt.read() as session:
        assert verify(session, play.rt.keyring.signer).faults == ()


def test_taken_back_the_settlement_in_the_background_ends(play: Consenting, sandbox: Sandbox) -> None:
    sandbox.fault("real_estate", "status_500")
    play.draft()
    play.answer("wang.fang", premises=TYPED)
    play.attach("wang.fang", "title_deed")
    play.submit()
    sandbox.fault("real_estate", None)
    consenting.revoke(play.rt, play.citizen("wang.fang"), given(play)[0].id, now=play.now)
    before = sandbox.calls()["real_estate"]
    play.pass_time(seconds=31)
    settler = Settler(play.rt)
    assert settler.settle_due(play.now) == 1
    play.pass_time(hours=2)
    assert settler.settle_due(play.now) == 0
    assert sandbox.calls()["real_estate"] == before
    assert view(play).state == "declared", "what the applicant gave stands"


def test_taken_back_the_case_goes_on_with_the_applicants_own_document(play: Consenting) -> None:
    running(play)
    play.act("li.na", "", "correct", reason="请补充不动产权证", items={"title_deed": "登记库不再查询"})
    play.attach("wang.fang", "title_deed")
    filing.resubmit(play.rt, play.citizen("wang.fang"), play.case_id, expected=None, idem=play.key(), now=play.now)
    assert form_of(play).answers["premises.area"], "what was told under the consent stays with what was sent"
    play.act("li.na", "", "accept")
    play.review()
    with pytest.raises(Unverified) as stopped:
        play.act("he.tao", "", "approve")
    assert stopped.value.why == {"premises": "unverified"}, "the register was not asked"
    with play.rt.read() as session:
        last = select(Revalidation).where(Revalidation.name == "premises").order_by(Revalidation.at.desc())
        row = session.scalars(last.limit(1)).one()
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, row.id, "verified", "核对原件", now=play.now)
    play.act("he.tao", "", "approve")


def test_a_consent_is_its_givers_alone_and_is_taken_back_once(play: Consenting) -> None:
    row = running(play)
    taken = given(play)[0].revoked_at
    for somebody in (play.citizen("chen.wei"), play.staff("he.tao")):
        with pytest.raises(NotFound):
            consenting.revoke(play.rt, somebody, row.id, now=play.now)
    play.pass_time(days=1)
    consenting.revoke(play.rt, play.citizen("wang.fang"), row.id, now=play.now)
    assert given(play)[0].revoked_at == taken


def test_nobody_agrees_for_somebody_else(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A colleague may go on with an application for their enterprise; what a register holds about the applicant as a
    person is not theirs to open."""
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, owner="consent: explicit")
    play = Consenting(rt, clock)
    play.agreed = ()
    try:
        play.draft()
        with play.rt.write() as session:
            case = session.get_one(Case, play.case_id)
            grant_mandate(
                session, str(play.users["liu.yang"].person_id), str(case.organisation_id), kind="agent", source="demo",
                valid_from=play.now.date(), now=play.now,
            )  # fmt: skip
        with pytest.raises(NotAllowed):
            filing.agree(
                rt, play.citizen("liu.yang"), play.case_id, declined=(), agreed=("owner",), now=play.now
            )  # fmt: skip
        with rt.read() as session:
            assert session.scalars(select(Consent)).all() == []
            asked = select(Exchange).where(Exchange.case_id == play.case_id, Exchange.fact == "owner")
            assert session.scalars(asked).all() == []
        play.agreed = ("owner",)
        play.agree("wang.fang")
        with rt.read() as session:
            assert session.scalars(select(Consent)).one().fact == "owner"
    finally:
        rt.gateway.close()


def test_a_consent_ends_after_a_year(play: Consenting, sandbox: Sandbox) -> None:
    play.draft()
    play.submit()
    play.clock.advance(timedelta(days=366))
    before = sandbox.calls()["real_estate"]
    revalidating.ask_again(
        play.rt, play.staff("he.tao"), play.case_id, ["premises"], now=play.now, trigger="clerk"
    )  # fmt: skip
    assert sandbox.calls()["real_estate"] == before
    assert calls(play)[-1].outcome == "refused"

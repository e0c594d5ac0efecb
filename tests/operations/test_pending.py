"""`pending: allowed`: sent while a register is down, settled in the background, asked for once, never refused.

Real registries, both databases. The shipped service, with the floor area as a fact of its own that may come late.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings
from govservice.engine import rebuild
from govservice.errors import Missing, NotAllowed, Unverified
from govservice.exchange.evidence import FactView, current_facts
from govservice.exchange.snapshot import verify_snapshot
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case, CaseEvent
from govservice.models.consents import Consent
from govservice.models.exchange import EvidenceRequirement, RegistryHealth, Snapshot
from govservice.models.papers import Message
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.operations import consenting, filing, owing, revalidating
from govservice.operations.settling import Settler
from govservice.queries.registries import Board, Kinds, boards
from govservice.queries.sight import sent_files, sent_revisions
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import Edits, relying_runtime
from tests.support.sandboxes import Sandbox

SIZE = """  size:
    from: {dataset: real_estate/1, grant: GR-2033}
    take: [premises.area]
    purpose: LICENSE
    fallback: [declare]
    pending: allowed
    pending_within: 3wd
  health:
"""
EDITS: Edits = {
    "services/open_restaurant.yaml": (
        ("    take: [premises.title_no, premises.address, premises.area, premises.district]",
         "    take: [premises.title_no, premises.address, premises.district]"),
        ("abs(new.premises.area - old.premises.area) > 1.0 or ", ""),
        ("  health:\n", SIZE),
        ("fact: premises\n        label: {en: Floor", "fact: size\n        label: {en: Floor"),
    )
}  # fmt: skip
TYPED = {"premises.title_no": "黔(2020)第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi"}


@pytest.fixture
def play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Play]:
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, EDITS)
    yield Play(rt, clock)
    rt.gateway.close()


def sent_while_down(play: Play, sandbox: Sandbox, **more: str) -> None:
    """Land and health registers are down; what may come late is left out."""
    sandbox.fault("real_estate", "status_500")
    sandbox.fault("health_certificates", "status_500")
    play.draft(tries=1)
    play.answer("wang.fang", premises={**TYPED, **more})
    play.attach("wang.fang", "title_deed")
    play.submit()


def need(play: Play, name: str) -> EvidenceRequirement:
    with play.rt.read() as session:
        return session.scalars(
            select(EvidenceRequirement).where(
                EvidenceRequirement.case_id == play.case_id, EvidenceRequirement.name == name
            )
        ).one()


def view(play: Play, name: str) -> FactView:
    with play.rt.read() as session:
        return current_facts(session, play.case_id, play.rt.definitions.catalogue)[name]


def pinned(play: Play) -> Form:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        return read_form(session, case.applicant_id, play.case_id, case.data_rev)


def notices(play: Play, kind: str) -> list[Message]:
    with play.rt.read() as session:
        return list(session.scalars(select(Message).where(Message.case_id == play.case_id, Message.kind == kind)))


def changes(play: Play) -> list[str]:
    with play.rt.read() as session:
        found = select(CaseEvent.data).where(CaseEvent.case_id == play.case_id, CaseEvent.type == "data.changed")
        return [json.loads(data)["why"] for data in session.scalars(found.order_by(CaseEvent.seq))]


def back(play: Play, sandbox: Sandbox) -> None:
    """The registries answer again, and everything that was due is asked for."""
    sandbox.reset()
    with play.rt.write() as session:
        for row in session.scalars(select(RegistryHealth)):
            session.delete(row)
    play.pass_time(hours=2)
    Settler(play.rt).settle_due(play.now)


def replayed(play: Play) -> bool:
    with play.rt.read() as session:
        return rebuild(session, play.case_id) == play.state


def test_a_case_may_be_sent_while_the_register_is_down(play: Play, sandbox: Sandbox) -> None:
    sent_while_down(play, sandbox)
    assert play.state.status == "open"
    for name in ("size", "health"):
        row = need(play, name)
        assert (row.state, row.asked_at) == ("deferred", None)
        assert row.next_try_at is not None
        assert row.ask_at is not None
    assert "premises.area" not in pinned(play).answers


def test_what_may_not_come_late_blocks_the_sending_and_is_named(play: Play, sandbox: Sandbox) -> None:
    """`premises` says nothing of `pending`: without an answer of the register or of the applicant nothing is sent."""
    sandbox.fault("real_estate", "status_500")
    play.draft(tries=1)
    with pytest.raises(Missing) as missing:
        play.submit()
    assert "premises.address" in missing.value.fields
    assert "premises.area" not in missing.value.fields


def test_settled_late_the_value_is_taken_over_and_what_rests_on_it_is_weighed_again(
    play: Play, sandbox: Sandbox
) -> None:
    """The fire brigade is called only where the floor area says so: it is, once the register has told it."""
    sent_while_down(play, sandbox)
    play.act("li.na", "", "accept")
    assert "review.fire" not in play.steps
    back(play, sandbox)
    form = pinned(play)
    assert view(play, "size").state == "available"
    assert form.sources["premises.area"] == "fact:size"
    assert form.answers["premises.address"] == TYPED["premises.address"], "what was given stands"
    assert "settled" in changes(play)
    assert "review.fire" in play.steps
    assert replayed(play)
    with play.rt.read() as session:
        sealed = session.scalars(select(Snapshot).where(Snapshot.case_id == play.case_id).order_by(Snapshot.n)).all()
        assert {s.reason for s in sealed[1:]} == {"supplement"}
        assert all(verify_snapshot(session, each) for each in sealed)
        found = session.scalars(select(Revalidation).where(Revalidation.name == "size")).one()
        assert found.result == "same", "nobody had said anything else"
    assert need(play, "size").ask_at is None
    play.pass_time(days=30)
    owing.ask_due(play.rt, play.now)
    assert notices(play, "owed") == [], "nothing is owed any more"


def test_the_applicant_is_asked_once_for_everything_that_is_owed(play: Play, sandbox: Sandbox) -> None:
    sent_while_down(play, sandbox)
    assert owing.ask_due(play.rt, play.now) == 0
    play.clock.set(need(play, "size").ask_at or play.now)
    assert owing.ask_due(play.rt, play.now) == 1
    assert len(notices(play, "owed")) == 1
    assert {need(play, n).asked_at for n in ("size", "health")} == {play.now}, "one request names both"
    play.pass_time(days=30)
    assert owing.ask_due(play.rt, play.now) == 0
    assert len(notices(play, "owed")) == 1


def test_the_applicant_gives_what_is_owed_and_nothing_else(play: Play, sandbox: Sandbox) -> None:
    sent_while_down(play, sandbox)
    wang = play.citizen("wang.fang")
    with pytest.raises(NotAllowed):
        owing.give(play.rt, wang, play.case_id, idem=play.key(), now=play.now)
    play.clock.set(need(play, "size").ask_at or play.now)
    owing.ask_due(play.rt, play.now)
    with pytest.raises(Missing) as missing:
        owing.give(play.rt, wang, play.case_id, idem=play.key(), now=play.now)
    assert set(missing.value.fields) == {"premises.area", "health_certificates"}
    play.answer("wang.fang", premises={"premises.area": "512", "premises.address": "别的地方"})
    play.attach("wang.fang", "health_certificates")
    for _ in range(2):  # sent twice by the same press
        owing.give(play.rt, wang, play.case_id, idem="press", now=play.now)
    form = pinned(play)
    assert (form.answers["premises.area"], form.sources["premises.area"]) == ("512", "you")
    assert form.answers["premises.address"] == TYPED["premises.address"], "only what is owed is open"
    assert (need(play, "size").state, need(play, "health").state) == ("declared", "uploaded")
    assert changes(play) == ["given"]
    assert replayed(play)
    with pytest.raises(NotAllowed):
        owing.give(play.rt, wang, play.case_id, idem=play.key(), now=play.now)


def test_nobody_is_refused_while_a_register_owes_what_the_decision_rests_on(play: Play, sandbox: Sandbox) -> None:
    sent_while_down(play, sandbox)
    version = play.state.version
    with pytest.raises(Unverified) as stopped:
        play.act("li.na", "", "decline", reason="不符合条件")
    assert stopped.value.why["size"] == "unavailable", "though the definition does not have it asked again"
    assert play.state.version == version
    assert play.state.status == "open"


def waited_for(play: Play) -> dict[str, Board]:
    kinds = Kinds(frozenset(), frozenset(), frozenset())
    with play.rt.read() as session:
        return {b.code: b for b in boards(session, play.rt.definitions.catalogue, kinds, play.now)}


def test_the_wait_is_the_registers_in_supervision(play: Play, sandbox: Sandbox) -> None:
    sent_while_down(play, sandbox)
    since = play.now
    play.pass_time(days=2)
    found = waited_for(play)
    assert (found["real_estate"].waiting_cases, found["health_certificates"].waiting_cases) == (1, 1)
    assert found["real_estate"].waiting_since == since
    assert found["population"].waiting_since is None


def test_an_answer_that_the_applicant_gave_is_not_taken_over(play: Play, sandbox: Sandbox) -> None:
    """Then the register's late word is a difference for the clerk, as ever."""
    sent_while_down(play, sandbox, **{"premises.area": "12"})
    assert (need(play, "size").state, need(play, "size").ask_at) == ("declared", None)
    assert waited_for(play)["real_estate"].waiting_cases == 1, "it is asked on, and the clerk reads so"
    back(play, sandbox)
    assert waited_for(play)["real_estate"].waiting_cases == 0
    assert pinned(play).answers["premises.area"] == "12"
    assert need(play, "size").state == "contradicted"


def test_a_paper_that_is_given_late_is_seen_by_the_office(play: Play, sandbox: Sandbox) -> None:
    sent_while_down(play, sandbox)
    play.clock.set(need(play, "size").ask_at or play.now)
    owing.ask_due(play.rt, play.now)
    play.answer("wang.fang", premises={"premises.area": "512"})
    given = play.attach("wang.fang", "health_certificates")
    with play.rt.read() as session:
        assert given not in sent_files(session, session.get_one(Case, play.case_id)), "it is prepared, not sent"
    owing.give(play.rt, play.citizen("wang.fang"), play.case_id, idem=play.key(), now=play.now)
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        assert given in sent_files(session, case)
        assert [rev for _at, rev in sent_revisions(session, case)][1:] == [case.data_rev]


def not_there(play: Play, sandbox: Sandbox) -> None:
    """The register answers again and has no record."""
    sandbox.reset()
    sandbox.fault("real_estate", "empty")
    with play.rt.write() as session:
        for row in session.scalars(select(RegistryHealth)):
            session.delete(row)
    play.pass_time(hours=2)
    Settler(play.rt).settle_due(play.now)


def test_nobody_is_refused_while_they_are_asked_for_what_the_register_does_not_hold(
    play: Play, sandbox: Sandbox
) -> None:
    """Nor for not answering: a clerk looks at it, and says so, before anything is decided against the applicant."""
    sent_while_down(play, sandbox)
    not_there(play, sandbox)
    assert need(play, "size").state == "no_record"
    for _ in range(2):  # before the applicant is asked, and while they do not answer
        with pytest.raises(Unverified) as stopped:
            play.act("li.na", "", "decline", reason="不符合条件")
        assert stopped.value.why["size"] == "unverified"
        owing.ask_due(play.rt, play.now)
    assert len(notices(play, "owed")) == 1
    with play.rt.read() as session:
        last = select(Revalidation).where(Revalidation.name == "size").order_by(Revalidation.at.desc())
        row = session.scalars(last.limit(1)).one()
    revalidating.resolve(play.rt, play.staff("li.na"), play.case_id, row.id, "waived", "与本决定无关", now=play.now)
    with pytest.raises(Unverified) as stopped:
        play.act("li.na", "", "decline", reason="不符合条件")
    assert "size" not in stopped.value.why, "there is a way out"


class Agreeing(Play):
    """The applicant agrees to be looked up."""

    def agree(self, login: str, tries: int = 1) -> None:
        filing.agree(self.rt, self.citizen(login), self.case_id, declined=(), agreed=("size",), now=self.now)


@pytest.fixture
def agreeing(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Agreeing]:
    explicit = "    purpose: LICENSE\n    consent: explicit"
    edits = {f: tuple((a, b.replace("    purpose: LICENSE", explicit)) for a, b in e) for f, e in EDITS.items()}
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, edits)
    yield Agreeing(rt, clock)
    rt.gateway.close()


def test_a_consent_taken_back_before_the_register_answered_leaves_it_owed(agreeing: Agreeing, sandbox: Sandbox) -> None:
    play = agreeing
    sent_while_down(play, sandbox)
    with play.rt.read() as session:
        given = session.scalars(select(Consent).where(Consent.case_id == play.case_id)).one()
    consenting.revoke(play.rt, play.citizen("wang.fang"), given.id, now=play.now)
    not_there(play, sandbox)
    assert need(play, "size").state == "refused"
    with pytest.raises(Unverified) as stopped:
        play.act("li.na", "", "decline", reason="不符合条件")
    assert stopped.value.why["size"] == "unverified"
    assert owing.ask_due(play.rt, play.now) == 1, "the register is not asked any more: the applicant is"
    assert need(play, "size").asked_at == play.now


@pytest.fixture
def whole(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Play]:
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, premises="pending: allowed")
    yield Play(rt, clock)
    rt.gateway.close()


def test_where_the_case_goes_must_be_known_whatever_a_register_owes(whole: Play, sandbox: Sandbox) -> None:
    sandbox.fault("real_estate", "status_500")
    whole.draft(tries=1)
    with pytest.raises(Missing) as missing:
        whole.submit()
    assert list(missing.value.fields) == ["premises.district"]
    whole.answer("wang.fang", premises={"premises.district": "huaxi"})
    whole.submit()
    assert (whole.state.status, whole.state.area) == ("open", "huaxi")
    assert need(whole, "premises").ask_at is not None, "the rest of it is owed still"


def test_what_is_owed_is_not_given_past_a_correction_that_is_out(play: Play, sandbox: Sandbox) -> None:
    """What the applicant prepares as their answer is not pinned before they send it as that."""
    sent_while_down(play, sandbox)
    play.clock.set(need(play, "size").ask_at or play.now)
    owing.ask_due(play.rt, play.now)
    play.answer("wang.fang", premises={"premises.area": "512"})
    play.attach("wang.fang", "health_certificates")
    rev = pinned(play).rev
    play.act("li.na", "", "correct", reason="请更正", items={"menu.seats": "图纸为 86 个"})
    with pytest.raises(NotAllowed):
        owing.give(play.rt, play.citizen("wang.fang"), play.case_id, idem=play.key(), now=play.now)
    assert pinned(play).rev == rev

"""Forgetting: values go when their purpose is over, people when they ask for it; the record stays whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from govservice.errors import NotAllowed, NotFound
from govservice.exchange.evidence import current_facts
from govservice.models.accounts import User
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.exchange import Fact
from govservice.models.people import Person
from govservice.models.personal import read_person
from govservice.models.session import box_of
from govservice.operations import filing
from govservice.operations.auditing import verify_records
from govservice.operations.erasing import KEEP, erase_person, forget_values
from govservice.operations.exchange_log import verify_log
from govservice.operations.people import find_person, identity_of
from govservice.operations.runtime import Runtime
from tests.operations.conftest import Play
from tests.operations.test_living_allowance import apply


def readable(rt: Runtime) -> int:
    with rt.read() as session:
        return session.scalar(select(func.count()).select_from(Fact).where(Fact.value_enc.is_not(None))) or 0


def test_what_registries_told_is_dropped_a_year_after_the_end(play: Play) -> None:
    play.draft()
    play.submit()
    play.pass_time(days=800)
    assert forget_values(play.rt, play.now) == 0, "a case that is not over keeps what it rests on"
    filing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, reason=None, idem=play.key(), now=play.now)
    before = readable(play.rt)
    assert before > 3
    play.pass_time(days=KEEP.days - 1)
    assert forget_values(play.rt, play.now) == 0
    play.pass_time(days=2)
    assert forget_values(play.rt, play.now) == before
    assert (readable(play.rt), forget_values(play.rt, play.now)) == (0, 0)
    with play.rt.read() as session:
        views = current_facts(session, play.case_id, play.rt.definitions.catalogue)
        assert {view.registry for view in views.values()} >= {"population", "enterprises"}, "where it came from stays"
        assert not any(view.values for view in views.values())
    assert verify_records(play.rt).faults == ()
    assert verify_log(play.rt).faults == ()


def test_what_was_told_for_a_purpose_that_there_is_not_any_more_is_dropped_too(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.draft()
    play.submit()
    filing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, reason=None, idem=play.key(), now=play.now)
    before = readable(play.rt)
    catalogue = play.rt.definitions.catalogue
    monkeypatch.setattr(play.rt.definitions, "catalogue", replace(catalogue, purposes={}))
    play.pass_time(days=KEEP.days - 1)
    assert forget_values(play.rt, play.now) == 0
    play.pass_time(days=2)
    assert (forget_values(play.rt, play.now), readable(play.rt)) == (before, 0)


def test_with_a_persons_key_go_the_values_that_registers_told_about_them(play: Play) -> None:
    """The rows stay, with what was asked, why and when; nobody reads what was answered or written."""
    apply(play)
    filing.withdraw(play.rt, play.citizen("liu.yang"), play.case_id, reason="x", idem=play.key(), now=play.now)
    play.pass_time(days=KEEP.days + 1)
    catalogue, kept = play.rt.definitions.catalogue, readable(play.rt)
    with play.rt.read() as session:
        assert any(view.values for view in current_facts(session, play.case_id, catalogue).values())
    person_id = erase_person(play.rt, "liu.yang", now=play.now)
    assert readable(play.rt) == kept > 3, "nothing was dropped: it cannot be opened"
    with play.rt.read() as session:
        assert box_of(session, person_id) is None
        assert not any(view.values for view in current_facts(session, play.case_id, catalogue).values())
        with pytest.raises(NotFound):
            read_form(session, person_id, play.case_id)
    assert verify_records(play.rt).faults == ()
    assert verify_log(play.rt).faults == ()


def test_a_person_who_is_erased_can_be_read_and_found_by_nobody(play: Play) -> None:
    person_id = play.users["liu.yang"].person_id
    assert person_id is not None
    with play.rt.read() as session:
        known = identity_of(session, person_id)
    assert known is not None
    assert erase_person(play.rt, "liu.yang", now=play.now) == person_id
    with play.rt.read() as session:
        assert read_person(session, person_id) is None
        assert find_person(session, play.rt.keyring, known.id_type, known.number) is None
        person = session.get_one(Person, person_id)
        assert (person.key_wrapped, person.name_enc, person.id_enc, person.erased_at) == (None, None, None, play.now)
        user = session.scalars(select(User).where(User.person_id == person_id)).one()
        assert user.disabled_at is not None
        assert "liu" not in user.login
    with pytest.raises(NotFound):
        erase_person(play.rt, "liu.yang", now=play.now)


def test_whoever_has_a_case_that_is_not_over_is_not_erased(play: Play) -> None:
    play.draft()
    with pytest.raises(NotAllowed, match="not over"):
        erase_person(play.rt, "wang.fang", now=play.now)
    play.submit()
    filing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, reason=None, idem=play.key(), now=play.now)
    with pytest.raises(NotAllowed, match="kept for a year"):
        erase_person(play.rt, "wang.fang", now=play.now)
    play.pass_time(days=KEEP.days + 1)
    with pytest.raises(NotAllowed, match="enterprise"):
        erase_person(play.rt, "wang.fang", now=play.now)
    with play.rt.read() as session:
        applicant = session.get_one(Case, play.case_id).applicant_id
        assert read_person(session, applicant) is not None


def test_staff_are_no_citizens(play: Play) -> None:
    for login in ("li.na", "nobody"):
        with pytest.raises(NotFound):
            erase_person(play.rt, login, now=play.now)

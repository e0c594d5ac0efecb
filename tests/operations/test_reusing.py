"""Issue clause "nobody answers twice": what somebody said and brought once is offered in their next application."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.compiled import Compiled
from govservice.errors import NotAllowed, NotFound, TooLarge
from govservice.exchange.evidence import current_facts
from govservice.models.base import new_id
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.exchange import Burden
from govservice.models.papers import File
from govservice.models.people import Mandate
from govservice.operations import filing, reusing
from govservice.operations.completeness import open_slots
from govservice.operations.files import MAX_FILES_PER_SLOT, content_of
from govservice.operations.mandates import add_organisation, grant_mandate
from govservice.operations.promising import give_pledge
from govservice.operations.proposing import approve, propose
from tests.operations.conftest import PDF, Play


def _begun(play: Play, login: str = "wang.fang") -> str:
    """A draft to which the registries were asked; returns its number."""
    number = filing.start(play.rt, play.citizen(login), "open_restaurant", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree(login)
    return number


def _form(play: Play) -> Form:
    with play.rt.read() as session:
        return read_form(session, session.get_one(Case, play.case_id).applicant_id, play.case_id)


def _offered(play: Play, login: str = "wang.fang") -> reusing.Earlier | None:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        compiled: Compiled = play.rt.definitions.by_sha(case.def_sha)
        facts = current_facts(session, case.id, play.rt.definitions.catalogue)
        slots = open_slots(session, case, compiled, facts)
        form = read_form(session, case.applicant_id, case.id)
        return reusing.offered(play.rt, session, play.citizen(login), case, form, slots, play.now)


def test_the_second_application_is_filled_in_one_go_and_sent_without_typing(play: Play) -> None:
    first = play.draft()
    play.submit()
    sent_on = play.now
    play.pass_time(days=40)
    second = _begun(play)
    found = _offered(play)
    assert found is not None
    assert (found.number, set(found.answers), set(found.files)) == (
        first, {"menu.kind", "menu.seats", "signage.text"}, {"layout", "rules"},
    )  # fmt: skip
    assert reusing.take_over(play.rt, play.citizen("wang.fang"), play.case_id, first, now=play.now) == 5
    form = _form(play)
    assert form.answers["menu.seats"] == 68
    assert form.sources["signage.text"] == f"again:{first}", "where it came from is kept beside it"
    assert form.again == {"layout": first, "rules": first}
    with play.rt.read() as session:
        file = session.get_one(File, form.materials["layout"][0])
        assert (file.case_id, file.uploaded_at) == (play.case_id, sent_on), "its own copy, dated as it was given"
        assert content_of(session, play.rt.storage, file) == ("layout.pdf", PDF)
    assert play.submit().number == second
    with play.rt.read() as session:
        row = session.scalars(select(Burden).where(Burden.case_id == play.case_id)).one()
    assert (row.fields_typed, row.documents_brought, row.characters) == (0, 0, 0)
    assert (row.fields, row.documents) == (12, 6), "of so many that the service needs"


def test_what_is_changed_is_the_applicants_word_of_today_and_the_rest_stays(play: Play) -> None:
    first = play.draft()
    play.submit()
    _begun(play)
    reusing.take_over(play.rt, play.citizen("wang.fang"), play.case_id, first, now=play.now)
    play.answer("wang.fang", menu={"menu.kind": ["hot"], "menu.seats": 40})
    play.attach("wang.fang", "layout", PDF + b"\nanother")
    form = _form(play)
    assert (form.sources["menu.seats"], form.sources["menu.kind"]) == ("you", f"again:{first}")
    assert form.again == {"rules": first}, "the plan was brought anew"
    play.submit()
    with play.rt.read() as session:
        row = session.scalars(select(Burden).where(Burden.case_id == play.case_id)).one()
    assert (row.fields_typed, row.documents_brought) == (1, 1)


def test_the_same_request_again_changes_nothing_and_nothing_given_is_replaced(play: Play) -> None:
    first = play.draft()
    play.submit()
    _begun(play)
    play.answer("wang.fang", menu={"menu.kind": ["cold"], "menu.seats": 12})
    actor = play.citizen("wang.fang")
    assert reusing.take_over(play.rt, actor, play.case_id, first, now=play.now) == 3
    assert _form(play).answers["menu.seats"] == 12, "what was typed today stands"
    rev = _form(play).rev
    assert reusing.take_over(play.rt, actor, play.case_id, first, now=play.now) == 0
    assert _form(play).rev == rev
    assert _offered(play) is None


def test_nothing_of_somebody_else_of_long_ago_or_of_a_draft_is_offered(play: Play) -> None:
    first = play.draft()
    _begun(play)
    assert _offered(play) is None, "the first one was not sent"
    play.draft()
    play.submit()
    _begun(play)
    assert _offered(play) is not None
    assert _offered(play, "liu.yang") is None
    with pytest.raises(NotFound):
        reusing.take_over(play.rt, play.citizen("liu.yang"), play.case_id, first, now=play.now)
    play.pass_time(days=731)
    assert _offered(play) is None


def test_another_application_than_the_one_shown_is_not_taken_and_a_sent_one_does_not_change(play: Play) -> None:
    first = play.draft()
    play.submit()
    _begun(play)
    actor, mine = play.citizen("wang.fang"), play.case_id
    with pytest.raises(NotAllowed):
        reusing.take_over(play.rt, actor, mine, "no-such-number", now=play.now)
    assert _form(play).answers.keys().isdisjoint({"menu.seats"})
    reusing.take_over(play.rt, actor, mine, first, now=play.now)
    play.submit()
    with pytest.raises(NotAllowed):
        reusing.take_over(play.rt, actor, mine, first, now=play.now)


def test_a_paper_given_for_another_service_is_offered_for_a_document_of_the_same_name(play: Play) -> None:
    play.draft()
    play.submit()
    given = _form(play).materials["layout"][0]
    _begun(play)
    play.attach("wang.fang", "layout", PDF + b"\nanother")
    actor, mine = play.citizen("wang.fang"), play.case_id
    with play.rt.read() as session:
        case = session.get_one(Case, mine)
        found = reusing.papers_for(play.rt, session, actor, case, "layout", _form(play), play.now)
    assert [paper.id for paper in found] == [given]
    for _ in range(2):  # the same request again changes nothing
        reusing.take_paper(play.rt, actor, mine, "layout", given, now=play.now)
        assert len(_form(play).materials["layout"]) == 2
    with pytest.raises(NotFound):
        reusing.take_paper(play.rt, actor, mine, "rules", given, now=play.now)
    with pytest.raises(NotFound):
        reusing.take_paper(play.rt, play.citizen("liu.yang"), mine, "layout", given, now=play.now)


def test_a_pledge_falls_where_the_paper_is_taken_over(play: Play) -> None:
    first = play.draft()
    play.submit()
    _begun(play)
    give_pledge(play.rt, play.citizen("wang.fang"), play.case_id, "rules", version=1, now=play.now)
    assert set(_form(play).pledges) == {"rules"}
    reusing.take_over(play.rt, play.citizen("wang.fang"), play.case_id, first, now=play.now)
    form = _form(play)
    assert form.materials["rules"]
    assert form.pledges == {}, "whoever brings the proof has promised nothing"


def test_a_paper_that_would_not_be_taken_today_is_neither_offered_nor_noted(play: Play) -> None:
    play.draft()
    play.submit()
    given = _form(play).materials["layout"][0]
    _begun(play)
    actor = play.citizen("wang.fang")

    def found() -> list[str]:
        with play.rt.read() as session:
            case = session.get_one(Case, play.case_id)
            return [p.id for p in reusing.papers_for(play.rt, session, actor, case, "layout", _form(play), play.now)]

    assert found() == [given]
    with play.rt.write() as session:
        file = session.get_one(File, given)
        kept, file.mime = file.mime, "application/zip"
    assert found() == []
    with play.rt.write() as session:
        session.get_one(File, given).mime = kept
        (play.rt.storage / file.stored_name[:2] / file.stored_name).unlink()
    before = _form(play)
    with pytest.raises(NotFound):
        reusing.take_paper(play.rt, actor, play.case_id, "layout", given, now=play.now)
    assert _form(play) == before, "nothing is noted as used again that is not there"


def test_nothing_that_a_colleague_filed_for_the_same_enterprise_is_offered(play: Play) -> None:
    """Both act for it; what one of them said and brought is not put into the other's application."""
    play.draft()
    play.submit()
    given, first = _form(play).materials["layout"][0], play.case_id
    with play.rt.write() as session:
        mandate = session.scalars(select(Mandate).where(Mandate.person_id == play.users["wang.fang"].person_id)).one()
        grant_mandate(
            session, str(play.users["liu.yang"].person_id), mandate.organisation_id, kind="agent", source="demo",
            valid_from=mandate.valid_from, now=play.now,
        )  # fmt: skip
    _begun(play, "liu.yang")
    assert play.citizen("liu.yang").organisation_id == play.citizen("wang.fang").organisation_id
    assert play.case_id != first
    assert _offered(play, "liu.yang") is None
    with pytest.raises(NotFound):
        reusing.take_paper(play.rt, play.citizen("liu.yang"), play.case_id, "layout", given, now=play.now)


def test_nothing_that_was_filed_for_another_enterprise_is_offered(play: Play) -> None:
    play.draft()
    play.submit()
    given = _form(play).materials["layout"][0]
    wang = play.citizen("wang.fang")
    with play.rt.write() as session:
        other = add_organisation(session, "91520102MA6HT5PN3K", "另一家", area=None, now=play.now)
        held = grant_mandate(
            session, str(wang.person_id), other.id, kind="agent", source="demo", valid_from=play.now.date(),
            now=play.now,
        )  # fmt: skip
        wang = replace(wang, organisation_id=other.id, mandate_id=held.id)
    number = filing.start(play.rt, wang, "open_restaurant", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        compiled = play.rt.definitions.by_sha(case.def_sha)
        slots = open_slots(session, case, compiled, {})
        assert "layout" in slots.materials
        assert reusing.offered(play.rt, session, wang, case, Form(), slots, play.now) is None
        assert reusing.papers_for(play.rt, session, wang, case, "layout", Form(), play.now) == []
        columns = {column.name: getattr(case, column.name) for column in Case.__table__.columns}
        own = Case(**{**columns, "id": new_id(), "number": new_id(), "organisation_id": None, "mandate_id": None})
        himself = replace(wang, organisation_id=None, mandate_id=None)
        found = reusing.papers_for(play.rt, session, himself, own, "layout", Form(), play.now)
        assert found == [], "nor in an application for oneself"
    with pytest.raises(NotFound):
        reusing.take_paper(play.rt, wang, case.id, "layout", given, now=play.now)


def test_a_document_has_no_more_files_by_using_old_ones_than_by_bringing_them(play: Play) -> None:
    play.draft()
    play.submit()
    given = _form(play).materials["layout"][0]
    _begun(play)
    for n in range(MAX_FILES_PER_SLOT):
        play.attach("wang.fang", "layout", PDF + bytes([n]))
    with pytest.raises(TooLarge):
        reusing.take_paper(play.rt, play.citizen("wang.fang"), play.case_id, "layout", given, now=play.now)
    assert len(_form(play).materials["layout"]) == MAX_FILES_PER_SLOT


def test_a_question_that_has_changed_since_is_asked_again(play: Play) -> None:
    """Another version of the service asks for the seats as its officers count them now: the old number answers
    something else."""
    play.draft()
    play.submit()
    text = (ROOT / "workflows" / "services" / "open_restaurant.yaml").read_text("utf-8")
    before, _, after = text.partition("      menu.seats:\n")
    changed = before + "      menu.seats:\n" + after.replace("max: 5000", "max: 400", 1)
    proposal = propose(play.rt, play.staff("qian.yu"), changed, "seats", now=play.now)
    approve(play.rt, play.staff("zhao.lei"), proposal, now=play.now)
    play.pass_time(days=1)
    _begun(play)
    found = _offered(play)
    assert found is not None
    assert set(found.answers) == {"menu.kind", "signage.text"}

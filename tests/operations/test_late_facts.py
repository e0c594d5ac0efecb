"""Facts that come after the draft was sent: what was sent is sealed and stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.operations import filing
from tests.operations.conftest import Play


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The status is looked at under the lock of the row, which other tests hold against on both kinds."""
    return sqlite_url


def test_facts_that_come_after_the_draft_was_sent_change_nothing(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fetch_facts` asks the registries outside any transaction; meanwhile the same person may send."""
    play.draft()
    asked = filing.evidence.prefill

    def slowly(*given: Any, **more: Any) -> Any:
        found = asked(*given, **more)
        play.submit()
        monkeypatch.setattr(filing.evidence, "merge_answers", newer)  # what the registries say now
        return found

    def newer(_compiled: Any, _facts: Any, form: Any) -> Any:
        return form.with_answers({"menu.seats": 4711}, "fact:late")

    monkeypatch.setattr(filing.evidence, "prefill", slowly)
    filing.fetch_facts(play.rt, play.citizen("wang.fang"), play.case_id, now=play.now, trigger="retry")
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        assert case.status == "open"
        assert read_form(session, case.applicant_id, case.id).rev == case.data_rev, "nothing newer than what was sent"

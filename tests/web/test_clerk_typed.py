"""What staff typed and did not send survives a switch of language, a claim, a note, a refusal; without JavaScript."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import select

from govservice.models.versions import Proposal
from govservice.models.work import CaseNote
from govservice.operations import proposing
from tests.web.conftest import Browser, Stage
from tests.web.desks import Desks, inputs, words

OPINION, NOTE = "图纸与现场一致，同意。", "已电话核实。"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is shown again does not depend on the kind of database."""
    return sqlite_url


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


class _Texts(HTMLParser):
    """Text areas and inputs of a page by name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.name: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "textarea":
            self.name = given["name"] or ""
            self.found[self.name] = ""
        elif tag == "input" and given.get("type") == "text":
            self.found[given["name"] or ""] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.name is not None:
            self.found[self.name] += data

    def handle_endtag(self, tag: str) -> None:
        self.name = None if tag == "textarea" else self.name


def typed(page: str) -> dict[str, str]:
    return {name: value.removeprefix("\n") for name, value in _Texts(page).found.items()}


def switch(browser: Browser, page: str, given: dict[str, str], code: str = "zh") -> str:
    """Presses the language button of a page: sends its form to the address that the button names."""
    button = re.search(rf'formaction="([^"]+)"[^>]*name="_language" value="{code}"', page)
    assert button, "the language is a link: what was typed would be lost"
    answer = browser.post(button.group(1), data={**given, "_language": code})
    assert answer.status_code == 200
    return words(answer)


def test_an_opinion_and_a_note_survive_language_claim_and_note(desks: Desks) -> None:
    """Nothing that somebody typed is lost: not by another language, not by taking the task, not by keeping a note."""
    number = desks.reviewed()
    token = desks.token(number, "review.food")
    zhang, home = desks.at("zhang.qiang"), f"/clerk/cases/{number}"
    page, claim = words(zhang.get(home)), f"{home}/{token}/claim"
    opinion = f"opinion-{token}"
    given = {**inputs(page, claim), opinion: OPINION, "text": NOTE}
    chinese = switch(zhang, page, given)
    assert (typed(chinese)[opinion], typed(chinese)["text"]) == (OPINION, NOTE)
    assert 'lang="zh-CN"' in chinese
    page = switch(zhang, chinese, {**inputs(chinese, claim), opinion: OPINION, "text": NOTE}, "en")
    assert not any(task.assignee_id for task in desks.tasks(number)), "a switch changes nothing"

    given = {**inputs(page, claim), opinion: OPINION, "text": NOTE}
    claimed = zhang.post(claim, data=given)
    assert claimed.status_code == 200
    assert (typed(words(claimed))[opinion], typed(words(claimed))["text"]) == (OPINION, NOTE)
    events = desks.state(number).seq
    assert zhang.post(claim, data=given).status_code == 200
    assert desks.state(number).seq == events, "the same form again does nothing twice"

    page = words(claimed)
    given = {**inputs(page, f"{home}/notes"), opinion: OPINION, "text": NOTE}
    kept = zhang.post(f"{home}/notes", data=given)
    assert typed(words(kept)) == {opinion: OPINION, "text": ""}
    assert NOTE in words(kept), "among the notes"
    assert typed(words(zhang.post(f"{home}/notes", data=given)))[opinion] == OPINION
    with desks.database.read() as session:
        assert len(session.scalars(select(CaseNote)).all()) == 1, "the same form again does nothing twice"

    chinese = switch(zhang, words(kept), {**inputs(words(kept), claim.replace("claim", "release")), opinion: OPINION})
    assert typed(chinese)[opinion] == OPINION, "the answer to a form has the page's own address, too"
    too_long = {**inputs(words(kept), f"{home}/notes"), opinion: OPINION, "text": "字" * 4001}
    refused = zhang.post(f"{home}/notes", data=too_long)
    assert refused.status_code == 422
    assert typed(words(refused)) == {opinion: OPINION, "text": "字" * 4001}
    assert 'href="#note"' in words(refused)

    passed = zhang.post(f"{home}/{token}/pass", data={**inputs(words(refused), f"{home}/{token}/pass"),
                                                      opinion: OPINION, "text": NOTE})  # fmt: skip
    assert passed.status_code == 200, "the note was not kept yet: it stands in its box"
    assert typed(words(passed))["text"] == NOTE
    assert OPINION in words(desks.at("wu.gang").get(home))


def test_who_was_not_the_first_reads_what_they_wanted_and_all_they_typed(desks: Desks) -> None:
    """The page of a conflict names the action that the person tried, not that of the step where the case is now."""
    number = desks.reviewed()
    token, home = desks.token(number, "review.food"), f"/clerk/cases/{number}"
    zhang, action = desks.at("zhang.qiang"), f"{home}/{token}/pass"
    given = {**inputs(words(zhang.get(home)), action), f"opinion-{token}": OPINION, "text": NOTE}
    desks.do("wu.gang", number, "pass", token)
    late = zhang.post(action, data=given)
    assert late.status_code == 409
    assert "You wanted: Papers in order (Papers on food safety)." in words(late)
    assert "Opinion (optional)" not in words(late)
    for said in (OPINION, NOTE):
        assert said in words(late)
    desks.do("wu.gang", number, "@claim", token)
    late = zhang.post(f"{home}/{token}/claim", data=given)
    assert late.status_code == 409
    assert "You wanted: Claim this task." in words(late)
    assert NOTE in words(late)


def test_a_search_and_a_reason_survive_the_language(desks: Desks) -> None:
    li, stage = desks.at("li.na"), desks.stage
    found = switch(li, words(li.get("/clerk/search")), {"q": "清味"})
    assert typed(found)["q"] == "清味"
    qian = desks.at("qian.yu")
    source = stage.runtime.definitions.source_of("open_restaurant")
    proposing.propose(
        stage.runtime,
        desks.actor("qian.yu"),
        source.replace("Open a restaurant", "Open an eatery", 1),
        "d.yaml",
        now=stage.wall.now(),
    )
    with desks.database.read() as session:
        id = session.scalars(select(Proposal.id)).one()
    page = words(qian.get(f"/designer/proposals/{id}"))
    refuse = f"/designer/proposals/{id}/refuse"
    assert typed(switch(qian, page, {**inputs(page, refuse), "reason": NOTE}))["reason"] == NOTE
    empty = qian.post(refuse, data={**inputs(page, refuse), "reason": " "})
    assert empty.status_code == 422
    assert "govuk-error-summary" in words(empty)


def test_an_opinion_comes_along_to_the_page_of_another_action(desks: Desks) -> None:
    """The buttons under "Other actions" only open a page; what was typed before is there, and nothing has happened."""
    number = desks.reviewed()
    token = desks.token(number, "review.fire")
    address = f"/clerk/cases/{number}/{token}/ask"
    page = desks.at("zhou.jie").get(f"/clerk/cases/{number}").get_data(as_text=True)
    assert f'formaction="{address}"' in page
    before = desks.fingerprint()
    opened = desks.at("zhou.jie").send(
        address, {f"opinion-{token}": OPINION, "_open": "1", "idem": "of-the-case-page"}, page=f"/clerk/cases/{number}"
    )
    assert opened.status_code == 200
    assert desks.fingerprint() == before
    sent = inputs(opened.get_data(as_text=True), "page-form")
    assert sent["idem"] != "of-the-case-page", "the act has a key of its own"
    assert typed(opened.get_data(as_text=True))["opinion"] == OPINION
    plain = desks.at("zhou.jie").get(address).get_data(as_text=True)
    assert "opinion" not in typed(plain), "a page that asks for a reason asks for an opinion only where one was begun"


def test_a_filter_that_was_chosen_and_not_applied_survives_the_language(desks: Desks) -> None:
    page = desks.at("li.na").get("/clerk/?whose=me").get_data(as_text=True)
    assert 'form="filter" formaction="/language/zh"' in page
    answer = desks.at("li.na").get("/language/zh?service=open_restaurant&step=&whose=nobody&back=/clerk/?whose=me")
    assert answer.headers["Location"] == "/clerk/?service=open_restaurant&whose=nobody"
    assert "/evil" not in desks.at("li.na").get("/language/en?x=1&back=//evil.example/evil").headers["Location"]

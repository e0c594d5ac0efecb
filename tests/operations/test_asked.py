"""Clause "Parallel": a task for a second citizen (the other parent confirms), from the invitation to the expiry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.check import check_bytes
from govservice.definitions.compile import compile_service
from govservice.definitions.library import Definitions
from govservice.definitions.loader import Rules, load_text
from govservice.engine import Actor, Expected
from govservice.engine.explore_findings import second_opinion
from govservice.errors import Forbidden, Invalid
from govservice.models.casedata import Form, write_form
from govservice.models.cases import Case, Token
from govservice.models.exchange import DataAccess
from govservice.models.papers import Message
from govservice.models.people import Person
from govservice.operations import accounts, deciding, filing
from govservice.operations.clock import fire_due
from govservice.operations.effects import deliver_due
from govservice.operations.people import Identity, add_person, identity_of
from tests.engine.texts import branch, definition, review
from tests.engine.world import LI
from tests.web.conftest import Stage, make_stage
from tests.web.test_accounts import cn_id

__all__ = ["make_stage"]

FORM = """\
form:
  - page: one
    title: {en: The child, zh: 新生儿}
    fields:
      child.name:   {type: text, label: {en: Name of the child, zh: 姓名}}
      father.id:    {type: text, required: true, label: {en: Number of the other parent, zh: 另一方号码}}
      secret.words: {type: text, label: {en: Not for the other, zh: 不相关}}
"""
CONSENT = """\
consent:
  title: {en: The other parent confirms, zh: 另一方确认}
  owner: window
  person: father.id
  reads: [child]
  start: answer
  steps:
    answer:
      title: {en: Confirmation, zh: 确认}
      kind: applicant
      limit: 3d
      actions:
        confirm: {end: approved, label: {en: I confirm, zh: 本人同意}}
        decline: {end: rejected, reason: true, label: {en: I decline, zh: 本人不同意}}
        expire:  {end: expired, by: system, label: {en: Not answered, zh: 逾期未答复}}
      timers:
        - {at: 2d, do: warn}
        - {at: 100%limit, do: expire}
"""
JOINS = """\
- {if: "any(rejected, expired)", to: refused, siblings: cancel, marks: decided}
- {if: "all(approved, not_needed)", to: decision}
"""
TEXT = definition(review(CONSENT + branch("papers", "food", ask=False), JOINS), first="review", form=FORM)


class Birth:
    """One mother, one father, one case between them."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.rt, self.count = stage, stage.runtime, 0
        with self.rt.write() as session:
            self.mother = self._applicant(session, "王芳", cn_id(11))
            self.father = self._applicant(session, "李明", cn_id(12))
        self.number = self.case_id = ""

    def _applicant(self, session: Any, name: str, number: str) -> Actor:
        now = self.stage.wall.now()
        person = add_person(session, self.rt.keyring, Identity(name, "cn_id", number), now=now)
        session.flush()
        login = "mother" if number == cn_id(11) else "father"
        hashed = accounts.passwords.hash_password("guiyang-demo")
        accounts.add_user(session, login, hashed, kind="citizen", person_id=person.id, now=now)
        return Actor(f"applicant:{person.id}", "applicant", (), person.id, name=name)

    def submit(self, father: str = cn_id(12)) -> None:
        now = self.stage.wall.now()
        self.count += 1
        self.number = filing.start(self.rt, self.mother, "small", idem=f"open-{self.count}-of-this-test", now=now)
        with self.rt.write() as session:
            case = session.scalars(select(Case).where(Case.number == self.number)).one()
            self.case_id = case.id
            answers = {"child.name": "小宝", "father.id": father, "secret.words": "CANARY"}
            form = Form(answers=answers, sources=dict.fromkeys(answers, "you"), materials={"plan": ()})
            write_form(session, case.applicant_id, case.id, form, self.mother.id, now)
        idem = f"send-{self.count}-of-this-test"
        filing.submit(self.rt, self.mother, self.case_id, expected=None, idem=idem, now=now)

    def work(self) -> None:
        """The worker's rounds until nothing is due."""
        now = self.stage.wall.now()
        while fire_due(self.rt, now) + deliver_due(self.rt, "w", now):
            pass

    def token(self) -> Token:
        with self.rt.read() as session:
            return session.scalars(
                select(Token).where(Token.case_id == self.case_id, Token.scope == "review.consent")
            ).one()

    def messages(self, actor: Actor) -> list[str]:
        with self.rt.read() as session:
            rows = select(Message.kind).where(Message.person_id == actor.person_id).order_by(Message.created_at)
            return [kind for kind in session.scalars(rows) if kind in ("invite", "remind")]


@pytest.fixture
def definitions() -> Definitions:
    """The portal with this one service."""
    catalogue = load_catalogue(ROOT / "workflows")
    return Definitions(catalogue, [load_text(TEXT, rules=Rules(catalogue))])


@pytest.fixture
def birth(make_stage: Callable[..., Stage]) -> Birth:
    return Birth(make_stage())


def test_the_other_parent_is_found_invited_and_confirms_on_their_own_desk(birth: Birth) -> None:
    birth.submit()
    assert birth.token().person_id is None  # nobody before the outbox has found them
    birth.work()
    assert birth.token().person_id == birth.father.person_id
    assert birth.messages(birth.father) == ["invite"]
    assert birth.messages(birth.mother) == []
    mother, father = birth.stage.client_as("mother"), birth.stage.client_as("father")
    assert father.get(f"/my/cases/{birth.number}").status_code == 404  # the case is not theirs, only their part is
    assert mother.get(f"/my/requests/{birth.number}").status_code == 404
    assert f"/my/requests/{birth.number}" in father.get("/my/cases").get_data(as_text=True)
    assert f"/my/requests/{birth.number}" in father.get("/my/messages").get_data(as_text=True)
    page = father.get(f"/my/requests/{birth.number}").get_data(as_text=True)
    assert "小宝" in page and "王芳" in page  # noqa: PT018 - one page
    assert "CANARY" not in page and cn_id(12) not in page  # noqa: PT018 - only what concerns them
    with birth.rt.read() as session:
        reads = session.scalars(select(DataAccess).where(DataAccess.actor == birth.father.id)).all()
        assert [(r.subject_id, r.what) for r in reads] == [(birth.mother.person_id, ["person.name", "child.name"])]
    waiting = mother.get(f"/my/cases/{birth.number}").get_data(as_text=True)
    assert "the person was asked" in waiting
    assert "needs your answer" in page
    token = birth.token()
    form = {"action": "confirm", "token_version": str(token.version), "idem": "one-key-of-the-father"}
    assert father.send(f"/my/requests/{birth.number}", form).status_code == 303
    assert birth.token().outcome == "approved"
    assert father.send("/my/messages", page="/my/messages").status_code == 303
    answered = father.get(f"/my/requests/{birth.number}").get_data(as_text=True)
    assert "I confirm" in answered
    assert "needs your answer" not in answered
    told = mother.get(f"/my/cases/{birth.number}").get_data(as_text=True)
    assert "the person asked" in told


def test_declining_needs_a_reason_and_ends_the_case(birth: Birth) -> None:
    birth.submit()
    birth.work()
    father = birth.stage.client_as("father")
    address, form = f"/my/requests/{birth.number}", {"action": "decline", "token_version": str(birth.token().version)}
    assert father.send(address, form).status_code == 422
    assert birth.token().outcome is None
    assert father.send(address, {**form, "reason": "Not mine"}).status_code == 303
    with birth.rt.read() as session:
        assert session.get_one(Case, birth.case_id).outcome == "refused"
    confirm = {"action": "confirm", "token_version": str(birth.token().version)}
    with father.session_transaction():
        pass
    assert father.send(address, confirm, page="/my/messages").status_code == 409


def test_not_answered_it_reminds_and_expires_by_a_timer(birth: Birth) -> None:
    birth.submit()
    birth.work()
    birth.stage.wall.advance(timedelta(days=2, hours=20))
    birth.work()
    assert birth.messages(birth.father) == ["invite", "remind"]
    assert birth.token().status == "active"
    birth.stage.wall.advance(timedelta(days=3))
    birth.work()
    assert (birth.token().status, birth.token().outcome) == ("ended", "expired")
    with birth.rt.read() as session:
        assert session.get_one(Case, birth.case_id).outcome == "refused"


def test_nobody_else_may_answer_for_them(birth: Birth) -> None:
    """Neither the applicant, nor staff, nor a third citizen; no action that only a timer takes."""

    birth.submit()
    birth.work()
    token, now = birth.token(), birth.stage.wall.now()
    for actor, action in ((birth.mother, "confirm"), (LI, "confirm"), (birth.father, "expire")):
        with pytest.raises(Forbidden):
            deciding.act(
                birth.rt, actor, birth.case_id, token.id, action,
                expected=Expected(token.version), idem=f"wrong-{actor.id}-{action}", now=now,
            )  # fmt: skip
    assert birth.token().status == "active"


def test_somebody_without_an_account_finds_the_request_after_registering(birth: Birth) -> None:
    birth.submit(father=cn_id(13))
    birth.work()
    person_id = birth.token().person_id
    assert person_id is not None
    client = birth.stage.client()
    words = "one two three four"
    fields = {"name": "赵新", "id_type": "cn_id", "id_number": cn_id(13), "login": "zhao.xin", "password": words}
    assert client.send("/register", fields).status_code == 303
    with birth.rt.read() as session:
        found = identity_of(session, person_id)
        assert found is not None and found.name == "赵新"  # noqa: PT018 - one fact
        assert session.scalar(select(Person.id).where(Person.id == person_id)) == person_id
    client.sign_in("zhao.xin", words)
    assert client.get(f"/my/requests/{birth.number}").status_code == 200


def test_the_number_must_be_one_and_another_persons(birth: Birth) -> None:
    with pytest.raises(Invalid):
        birth.submit(father="123")
    with pytest.raises(Invalid):
        birth.submit(father=cn_id(11))


def test_a_withdrawn_case_takes_the_request_along(birth: Birth) -> None:
    birth.submit()
    birth.work()
    filing.withdraw(birth.rt, birth.mother, birth.case_id, reason=None, idem="away", now=birth.stage.wall.now())
    page = birth.stage.client_as("father").get(f"/my/requests/{birth.number}").get_data(as_text=True)
    assert "ended without an answer" in page


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("{at: 100%limit, do: expire}", "{at: 90%limit, do: warn}", "E-MISSING"),  # the other may never answer
        ("kind: applicant", "kind: human", "E-KEY"),
        ("person: father.id", "person: no.such", "E-UNKNOWN-FIELD"),
        ("do: expire}", "do: confirm}", "E-TIMER"),  # nobody and nothing does what only the system may do
    ],
)
def test_the_check_tells_what_a_persons_branch_lacks(old: str, new: str, code: str) -> None:
    assert TEXT.count(old) >= 1
    checked = check_bytes(TEXT.replace(old, new).encode(), Rules(load_catalogue(ROOT / "workflows")), "x.yaml")
    assert code in {f.code for f in checked.findings}


def test_the_exploration_lets_the_other_person_answer() -> None:
    catalogue = load_catalogue(ROOT / "workflows")
    loaded = load_text(TEXT, rules=Rules(catalogue))
    compiled = compile_service(loaded.service, catalogue=catalogue)
    assert second_opinion(compiled, loaded, []) == []

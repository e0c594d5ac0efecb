"""Clause "Bundles": one life event, one form, many cases, played through the operations with real registries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from config import Settings
from govservice.engine import MAIN, Actor, load_state, recount
from govservice.errors import NotAllowed
from govservice.exchange.evidence import current_facts
from govservice.models.accounts import Role, User
from govservice.models.casedata import read_form
from govservice.models.cases import Case, CaseEvent, Outbox, Task
from govservice.models.exchange import Fact
from govservice.models.papers import File, IssuedDocument
from govservice.models.people import Mandate, Organisation
from govservice.models.session import Database
from govservice.operations import bundles, deciding, effects, filing, promising
from govservice.queries.bundles import saving
from tests.operations.conftest import PDF, Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_runtime
from tests.support.sandboxes import Sandbox

COMPANY = {
    "company": {"company.name": "贵阳云岭商贸有限公司", "company.capital": "500000", "company.scope": "日用百货零售"},
    "seat": {"company.address": "花溪区民主路 9 号", "company.district": "huaxi"},
    "contact": {"contact.name": "刘洋", "contact.phone": "0851-0000-3301"},
    "seals": {"seal.kinds": ["company", "finance"], "seal.count": 2},
    "tax": {"tax.kind": "small", "tax.invoices": 25, "tax.accounts": "own"},
    "staff": {"staff.count": 6, "staff.wages": "30000"},
    "fund": {"fund.rate": 8},
    "account": {"account.bank": "贵阳银行花溪支行", "account.number": "6222000000000003301"},
}


class Life(Play):
    """A bundle at work: its children by their service, the departments' clerks by their role."""

    def start(self, service: str, pages: Mapping[str, Mapping[str, Any]], *slots: str, login: str = "liu.yang") -> str:
        actor = self.citizen(login)
        number = self.new_case(actor, service)
        filing.agree(self.rt, actor, self.case_id, declined=(), now=self.now)
        for _ in range(4):
            with self.rt.read() as session:
                facts = current_facts(session, self.case_id, self.rt.definitions.catalogue)
            if all(view.filled for view in facts.values()):
                break
            filing.fetch_facts(self.rt, actor, self.case_id, now=self.now, trigger="retry")
        self.answer(login, **pages)
        for slot in slots:
            self.attach(login, slot)
        return number

    def children(self) -> dict[str, str]:
        return {c.service: c.outcome or c.status for c in self.state.children.values()}

    def child(self, service: str) -> Case:
        with self.rt.read() as session:
            rows = select(Case).where(Case.parent_case_id == self.case_id, Case.service == service)
            return list(session.scalars(rows.order_by(Case.opened_at, Case.id)))[-1]

    def clerk(self, role: str, area: str = "huaxi") -> Actor:
        with self.rt.read() as session:
            held = select(User).join(Role, Role.user_id == User.id)
            user = session.scalars(
                held.where(Role.role == role, Role.department_id.like(f"{area}.%")).order_by(User.login)
            ).first()
            assert user is not None, role
            roles = tuple((r.role, r.department_id) for r in user.roles)
            return Actor(user.id, "user", roles, user.person_id, name=user.login)

    def decide(self, service: str, role: str, action: str, **words: Any) -> None:
        """A clerk decides a child; the outboxes carry the news."""
        case = self.child(service)
        deciding.act(
            self.rt, self.clerk(role), case.id, MAIN, action, expected=None, idem=self.key(), now=self.now, **words
        )
        self.deliver()

    def answers(self, service: str) -> Mapping[str, Any]:
        case = self.child(service)
        with self.rt.read() as session:
            return read_form(session, case.applicant_id, case.id, case.data_rev).answers

    def check(self) -> None:
        """The parent's and every child's tables equal the fold of their events."""
        with self.rt.read() as session:
            ids = [self.case_id, *session.scalars(select(Case.id).where(Case.parent_case_id == self.case_id))]
            for id in ids:
                assert recount(session, id, self.rt.definitions, self.rt.calendars) == []


@pytest.fixture
def life(play: Play) -> Life:
    return Life(play.rt, play.clock)


def opened(life: Life, staff: bool = True, fund: bool = True) -> None:
    pages = {"parts": {"needs.staff": staff, "needs.fund": fund}, **COMPANY}
    if not staff and not fund:  # a page that two parts share is asked where either is wanted
        pages.pop("staff")
    if not fund:
        pages.pop("fund")
    life.start("open_business", pages, "articles", "premises_proof")
    life.submit("liu.yang")
    life.deliver()


def test_a_fact_goes_to_a_child_with_all_that_is_known_of_it(life: Life) -> None:
    """Source, record, dates, and of which time it was asked."""
    apart = ("staff", "fund")  # pages of parts that are not wanted
    pages = {"parts": {"needs.staff": False, "needs.fund": False}, **COMPANY}
    pages = {page: values for page, values in pages.items() if page not in apart}
    life.start("open_business", pages, "articles", "premises_proof")
    with life.rt.write() as session:
        session.execute(update(Fact).where(Fact.case_id == life.case_id).values(as_of="2026-02"))
    life.submit("liu.yang")
    life.deliver()
    own = {"id", "case_id", "value_enc"}
    columns = [column.name for column in Fact.__table__.columns if column.name not in own]
    with life.rt.read() as session:
        there, here = (
            {(f.name, f.fact_type): [getattr(f, column) for column in columns]
             for f in session.scalars(select(Fact).where(Fact.case_id == id))}
            for id in (life.case_id, life.child("enterprise_registration").id)
        )  # fmt: skip
    assert here
    assert {key: there[key] for key in here} == here


REST = {
    "seal_filing": "seals", "tax_information": "tax_clerk", "social_insurance_account": "social",
    "medical_insurance_account": "medical", "housing_fund_account": "fund",
}  # fmt: skip


def test_open_business_from_one_form_to_six_registrations(life: Life) -> None:
    opened(life)
    waiting = dict.fromkeys(REST, "waiting")
    assert life.children() == {"enterprise_registration": "open", **waiting}
    company = life.child("enterprise_registration")
    assert (company.status, company.area, company.parent_case_id) == ("open", "huaxi", life.case_id)
    with life.rt.read() as session:  # what was given once is with the child: answers, registry values, files
        facts = current_facts(session, company.id, life.rt.definitions.catalogue)
        assert facts["owner"].filled
        slots = set(session.scalars(select(File.slot).where(File.case_id == company.id)))
        assert slots == {"articles", "premises_proof"}
    assert life.answers("enterprise_registration")["company.name"] == COMPANY["company"]["company.name"]

    life.decide("enterprise_registration", "registrar", "register")
    code = life.answers("enterprise_registration")["org.uscc"]
    assert life.children() == {"enterprise_registration": "granted", **dict.fromkeys(REST, "open")}
    for service in REST:  # the code that the first one brought forth feeds all the others
        answers = life.answers(service)
        assert (answers["org.uscc"], answers["org.name"]) == (code, COMPANY["company"]["company.name"])
        assert answers["org.legal_person"] == "刘洋"
    with life.rt.read() as session:  # whoever registered the company may act for it from now on
        organisation = session.scalars(select(Organisation).where(Organisation.uscc == code)).one()
        held = session.scalars(select(Mandate).where(Mandate.organisation_id == organisation.id)).one()
        assert (held.person_id, held.kind) == (company.applicant_id, "legal_representative")

    for service, role in REST.items():
        life.decide(service, role, "register")
    assert (life.state.status, life.state.outcome) == ("closed", "granted")
    with life.rt.read() as session:
        cases = [company.id, *(life.child(s).id for s in REST)]
        kinds = set(session.scalars(select(IssuedDocument.kind).where(IssuedDocument.case_id.in_(cases))))
    assert kinds == {
        "business_licence", "seal_record", "tax_notice", "social_account", "medical_account", "fund_account",
    }  # fmt: skip
    life.check()


def test_only_what_was_wanted_is_asked_and_opened(life: Life) -> None:
    opened(life, staff=False, fund=False)
    assert life.children() == {
        "enterprise_registration": "open", "seal_filing": "waiting", "tax_information": "waiting",
        "social_insurance_account": "not_needed", "medical_insurance_account": "not_needed",
        "housing_fund_account": "not_needed",
    }  # fmt: skip


def test_one_refused_does_not_undo_the_others_and_is_tried_again(life: Life) -> None:
    opened(life, staff=False)
    life.decide("enterprise_registration", "registrar", "register")
    life.decide("housing_fund_account", "fund", "refuse", reason="账户信息不符")
    life.decide("seal_filing", "seals", "register")
    assert life.children()["housing_fund_account"] == "refused"
    liu = life.citizen("liu.yang")
    with pytest.raises(NotAllowed):  # it was granted
        bundles.restart(life.rt, liu, life.case_id, "seal_filing", idem=life.key(), now=life.now)
    first = life.child("housing_fund_account").id
    bundles.restart(life.rt, liu, life.case_id, "housing_fund_account", idem=life.key(), now=life.now)
    life.pass_time(minutes=1)
    life.deliver()
    assert life.child("housing_fund_account").id != first
    life.decide("housing_fund_account", "fund", "register")
    life.decide("tax_information", "tax_clerk", "register")
    assert life.state.outcome == "granted"
    life.check()


def test_partial_outcome_ends_as_the_applicant_wants(life: Life) -> None:
    opened(life, staff=False, fund=False)
    life.decide("enterprise_registration", "registrar", "register")
    life.decide("seal_filing", "seals", "register")
    life.decide("tax_information", "tax_clerk", "refuse", reason="资料不符")
    assert life.steps == {"": "partly"}
    liu = life.citizen("liu.yang")
    deciding.act(life.rt, liu, life.case_id, MAIN, "again", expected=None, idem=life.key(), now=life.now)
    life.deliver()
    assert life.children()["seal_filing"] == "granted"  # what succeeded stays
    assert life.children()["tax_information"] == "open"
    life.decide("tax_information", "tax_clerk", "refuse", reason="资料不符")
    deciding.act(life.rt, liu, life.case_id, MAIN, "finish", expected=None, idem=life.key(), now=life.now)
    assert life.state.outcome == "granted"


def test_what_was_pledged_with_the_bundle_is_pledged_for_the_part_that_asks_and_is_checked_there(life: Life) -> None:
    """Clause 7 in a bundle: a pledge instead of a proof creates a post-check task, in the case that it was for."""
    life.start("open_business", {"parts": {"needs.staff": False, "needs.fund": False}, **COMPANY}, "articles")
    liu = life.citizen("liu.yang")
    promising.give_pledge(life.rt, liu, life.case_id, "premises_proof", version=1, now=life.now)
    life.submit("liu.yang")
    life.deliver()
    company = life.child("enterprise_registration")
    with life.rt.read() as session:
        assert set(load_state(session, company.id).pledges) == {"premises_proof"}
        form = read_form(session, company.applicant_id, company.id, company.data_rev)
    assert form.pledges["premises_proof"]["title"]["zh"] == "住所（经营场所）告知承诺书"
    for service, role in {"enterprise_registration": "registrar", **REST}.items():
        if life.children()[service] != "not_needed":
            life.decide(service, role, "register")
    assert life.state.outcome == "granted"
    with life.rt.read() as session:
        task = session.scalars(select(Task).where(Task.case_id == company.id, Task.status == "open")).one()
        assert (task.step, session.get_one(Case, company.id).outcome) == ("premises_check", "granted")
        assert session.scalars(select(Task).where(Task.case_id == life.case_id, Task.status == "open")).all() == []
    life.check()


ACCEPTS, ISSUES = "    accept: [pdf, docx]\n", "    kind: auto\n    do: {call: document.issue"
LATER = ACCEPTS, f"{ACCEPTS}    deferrable: {{until: issue, within: 1wd, to: withdrawn}}\n"
WAITS = ISSUES, ISSUES.replace("do:", "requires: {gaps: closed}\n    do:")


@pytest.fixture
def later(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Life]:
    """The same bundle, where the articles of association may come later."""
    edits = {"services/enterprise_registration.yaml": (LATER, WAITS)}
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, edits)
    yield Life(rt, clock)
    rt.gateway.close()


def test_what_was_put_off_with_the_bundle_is_put_off_in_the_part_that_waits_for_it(later: Life) -> None:
    """Clause 7 in a bundle: accepted with gaps closes only when they are filled, in the case that they are in."""
    life = later
    life.start("open_business", {"parts": {"needs.staff": False, "needs.fund": False}, **COMPANY}, "premises_proof")
    liu = life.citizen("liu.yang")
    promising.put_off(life.rt, liu, life.case_id, "articles", now=life.now)
    life.submit("liu.yang")
    life.deliver()
    assert life.state.gaps == {}, "the bundle itself waits for nothing"
    company = life.child("enterprise_registration")
    life.decide("enterprise_registration", "registrar", "register")
    assert life.children()["enterprise_registration"] == "open"
    with life.rt.read() as session:
        state = load_state(session, company.id)
    assert (state.main.step, [gap.material for gap in state.open_gaps]) == ("issue", ["articles"])
    promising.supply(life.rt, liu, company.id, "articles", [("a.pdf", PDF)], idem=life.key(), now=life.now)
    life.deliver()
    assert life.children()["enterprise_registration"] == "granted"
    life.check()


def test_the_first_refused_prevents_the_rest(life: Life) -> None:
    opened(life)
    life.decide("enterprise_registration", "registrar", "refuse", reason="名称不合规")
    assert set(life.children().values()) == {"refused", "prevented"}
    assert life.state.outcome == "refused"


def test_children_and_parent_are_never_changed_in_one_transaction(life: Life) -> None:
    """Clause: children reach the parent through the outbox, never in one transaction. After each single delivery at
    most one case has moved."""
    opened(life, staff=False, fund=False)
    life_now = life.now
    company = life.child("enterprise_registration")
    deciding.act(
        life.rt, life.clerk("registrar"), company.id, MAIN, "register", expected=None, idem=life.key(), now=life_now
    )
    while True:
        with life.rt.read() as session:
            before = {row.id: row.version for row in session.execute(select(Case.id, Case.version))}
        with life.rt.write() as session:
            some = effects.claim(session, "one", life_now, limit=1, wall=life.rt.wall.now())
        if not some:
            break
        assert effects.deliver(life.rt, some[0], life_now, "one")
        with life.rt.read() as session:
            after = {row.id: row.version for row in session.execute(select(Case.id, Case.version))}
        assert sum(before.get(id) != version for id, version in after.items()) <= 1, some[0].topic
    assert life.children()["seal_filing"] == "open"


def test_a_child_that_cannot_be_opened_fails_alone(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("no")

    opened(life, staff=False)
    monkeypatch.setattr(bundles, "_copy_facts", broken)
    monkeypatch.setattr(effects, "HANDLERS", {**effects.HANDLERS, "bundle.spawn": bundles.spawn})
    life.decide("enterprise_registration", "registrar", "register")
    for _ in range(10):
        life.pass_time(hours=7)
        life.deliver()
    assert set(life.children().values()) == {"granted", "failed", "not_needed"}
    assert life.steps == {"": "partly"}
    monkeypatch.undo()
    liu = life.citizen("liu.yang")
    deciding.act(life.rt, liu, life.case_id, MAIN, "again", expected=None, idem=life.key(), now=life.now)
    life.deliver()
    assert life.children()["seal_filing"] == "open"


def test_withdrawing_the_bundle_withdraws_its_children(life: Life) -> None:
    opened(life)
    liu = life.citizen("liu.yang")
    filing.withdraw(life.rt, liu, life.case_id, reason=None, idem=life.key(), now=life.now)
    life.deliver()
    assert life.child("enterprise_registration").outcome == "withdrawn"
    with life.rt.read() as session:
        assert session.scalars(select(Outbox).where(Outbox.done_at.is_(None))).all() == []
        acts = select(CaseEvent.actor).where(CaseEvent.case_id == life.child("enterprise_registration").id)
        assert set(session.scalars(acts)) == {"system"}  # it was opened, sent and withdrawn for the applicant
        assert load_state(session, life.case_id).outcome == "withdrawn"


def test_the_merged_form_asks_each_thing_once(life: Life) -> None:
    """Of the fields of the six forms at least 60 per cent vanish."""
    found = saving(life.rt.definitions, life.rt.definitions.current("open_business"))
    assert found is not None
    assert (found.forms, found.fields_apart, found.fields_together) == (6, 54, 21)
    assert found.fields_together <= 0.4 * found.fields_apart

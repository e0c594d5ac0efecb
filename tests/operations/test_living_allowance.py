"""Clause 3.4 "Minimum living allowance", whole, with the registries as real processes over HTTP: urgent aid is paid
first, each source is asked for its own part, and the amount of the letter is what the household falls short of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from govservice.engine import recount
from govservice.errors import Forbidden
from govservice.messaging.outbox import Effect
from govservice.models.base import to_iso
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case, Outbox
from govservice.models.exchange import Exchange
from govservice.models.papers import IssuedDocument
from govservice.models.signing import Signer
from govservice.operations import deciding, filing, register_acts
from govservice.operations.clock import fire_due
from govservice.operations.promising import give_pledge
from govservice.operations.registry_events import follow_due, hear
from govservice.operations.runtime import Runtime
from tests.operations.conftest import Play

SEED = b"r" * 32
OFFICER, WINDOW = "township_officer.township", "township_window.township"


def act(play: Play, role: str, scope: str, action: str, which: int = 0, **words: Any) -> None:
    name, _, kind = role.partition(".")
    held = [
        u.login for u in play.users.values() if (name, f"huaxi.{kind}") in {(r.role, r.department_id) for r in u.roles}
    ]
    play.act(held[which], scope, action, **words)


def apply(play: Play, **need: Any) -> None:
    liu = play.citizen("liu.yang")
    number = filing.start(play.rt, liu, "minimum_living_allowance", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree("liu.yang")
    play.answer(
        "liu.yang", means={"health.costs": "8200.00"},
        need={"need.reason": "illness", "need.urgent": True, **need},
    )  # fmt: skip
    give_pledge(play.rt, liu, play.case_id, "tenancy", version=1, now=play.now)
    play.attach("liu.yang", "medical_bills")
    play.submit("liu.yang")


def told(play: Play) -> list[tuple[str, str]]:
    with play.rt.read() as session:
        rows = session.scalars(select(Exchange).where(Exchange.case_id == play.case_id, Exchange.trigger == "act"))
        return [(row.dataset, row.outcome) for row in sorted(rows, key=lambda row: row.id)]


def test_from_urgent_aid_to_the_amount(play: Play) -> None:
    granted(play)
    the_letter_says_the_amount(play)


def granted(play: Play) -> None:
    apply(play)
    act(play, WINDOW, "", "accept")
    act(play, OFFICER, "", "help", attachments=play.report("urgent_record"))
    play.deliver()
    assert told(play) == [("allowance.aid", "ok")], "paid before anybody examined anything"
    act(play, OFFICER, "consent.standing", "pass")
    play.deliver()
    token = play.state.token_of("consent.members/0")
    assert token is not None
    mother = play.citizen("huang.xiuying")
    deciding.act(play.rt, mother, play.case_id, token.id, "agree", expected=None, idem=play.key(), now=play.now)
    sources = each_is_asked_for_its_own(play)
    play.deliver()
    assert told(play)[1:] == [("means.check", "ok")] * len(sources)
    for which in (0, 1):
        more = {} if which else {"attachments": play.report("visit_report")}
        act(play, OFFICER, "enquiry.visit", "pass", which, **more)
    act(play, "community_worker.township", "enquiry.neighbours", "heard")
    act(play, "verifier.civil_affairs", "", "pass")
    act(play, OFFICER, "", "propose")
    act(play, OFFICER, "", "object", reason="有邻居反映其子女在外务工，已核实不影响认定。")
    act(play, "relief_head.civil_affairs", "", "approve")
    play.deliver()
    assert (play.state.status, play.state.outcome) == ("closed", "granted")


def each_is_asked_for_its_own(play: Play) -> list[str]:
    """The message to a source names that source and none of the others."""
    with play.rt.read() as session:
        rows = session.scalars(
            select(Outbox).where(Outbox.case_id == play.case_id, Outbox.topic == "means.check")
        ).all()
        effects = [Effect(r.id, r.case_id, r.seq, r.topic, json.loads(r.payload), 1) for r in rows]
        orders = [register_acts.order_of(play.rt, session, effect, play.now) for effect in effects]
        case = session.get_one(Case, play.case_id)
        sources: str = read_form(session, case.applicant_id, case.id, case.data_rev).answers["means.sources"]
    asked = sorted(str(order.values["source"]) for order in orders if order is not None)
    assert asked == sorted(sources.split("、"))
    assert len(asked) >= 2
    return asked


def the_letter_says_the_amount(play: Play) -> None:
    """Two people at 785.00 yuan each, less the 640.00 that they have."""
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        form = read_form(session, case.applicant_id, case.id, case.data_rev)
        letter = session.scalars(select(IssuedDocument).where(IssuedDocument.case_id == play.case_id)).one()
    assert (form.answers["allowance.amount"], form.sources["allowance.amount"]) == ("930.00", "issued")
    rows = {row["name"]: row["value"]["zh"] for row in letter.content["rows"]}
    assert rows["allowance.amount"].startswith("930.00")


def test_account_and_earners_come_from_the_registers_and_may_be_changed(play: Play) -> None:
    """The account of the social security card and the number of those who are insured stand there; whoever is paid
    elsewhere, or earns without being insured, says so."""
    liu = play.citizen("liu.yang")
    number = filing.start(play.rt, liu, "minimum_living_allowance", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree("liu.yang")
    names = {"payment.bank": "fact:card", "payment.account": "fact:card", "household.earners": "fact:earners"}
    form = form_of(play)
    assert {name: form.sources[name] for name in names} == names
    assert form.answers["payment.account"].startswith("62")
    play.answer("liu.yang", payment={"payment.account": "6222000000000003301"})
    form = form_of(play)
    assert (form.answers["payment.account"], form.sources["payment.account"]) == ("6222000000000003301", "you")
    assert form.sources["payment.bank"] == "fact:card"


def form_of(play: Play) -> Form:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        return read_form(session, case.applicant_id, case.id)


# -- "data-change event from any source = persistent trigger that opens a review case"


def listening(play: Play, tmp_path: Path) -> Runtime:
    """A portal that knows by which key the two registers sign."""
    key = tmp_path / "register.pem"
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    keys = {"civil_affairs_events": key, "population_events": key}
    return replace(play.rt, settings=replace(play.rt.settings, registry_keys=keys))


def tells(play: Play, rt: Runtime, registry: str, kind: str, number: str) -> int:
    """A register says by itself that something has happened to Liu Yang; the worker follows it."""
    words = {"id": number, "type": kind, "subject": "990111199502280415", "occurred_at": to_iso(play.now)}
    assert hear(rt, registry, Signer(SEED).sign(json.dumps(words).encode()).encode(), play.now) == "heard"
    return follow_due(rt, play.now)


def letters(play: Play) -> list[bool]:
    """Whether each letter is revoked."""
    with play.rt.read() as session:
        rows = session.scalars(select(IssuedDocument).where(IssuedDocument.case_id == play.case_id))
        return [row.revoked_at is not None for row in rows]


def test_a_change_after_the_grant_opens_a_review_and_takes_nothing_away(play: Play, tmp_path: Path) -> None:
    """One review however much is told; the recipient is heard before the allowance ends, by somebody else than who
    proposed it; and what has ended is not reviewed again."""
    granted(play)
    rt = listening(play, tmp_path)
    before = set(play.steps.values())
    assert tells(play, rt, "civil_affairs", "means.changed", "M-1") == 1
    assert set(play.steps.values()) - before == {"change_review"}
    assert (play.state.status, play.state.outcome) == ("closed", "granted")
    assert letters(play) == [False]
    tells(play, rt, "population", "person.moved", "P-1")
    assert set(play.steps.values()) - before == {"change_review"}, "somebody looks already"
    act(play, OFFICER, "change_review", "object", reason="已就业", attachments=play.report("visit_report"))
    act(play, "relief_examiner.civil_affairs", "change_review", "tell")
    play.deliver()
    assert letters(play) == [False], "it goes on until it is decided"
    act(play, "relief_examiner.civil_affairs", "change_review", "heard")
    record = play.report("statement_record")
    act(play, "relief_examiner.civil_affairs", "change_review", "ends", reason="收入已超过标准", attachments=record)
    play.deliver()
    assert letters(play) == [True]
    assert set(play.steps.values()) == before
    tells(play, rt, "civil_affairs", "means.changed", "M-2")
    assert set(play.steps.values()) == before


def test_a_change_opens_a_review_of_each_grant_that_it_concerns(play: Play, tmp_path: Path) -> None:
    """Whoever was granted it twice, the second time before the first letter had run out, is looked at twice."""
    cases = []
    for _ in range(2):
        granted(play)
        cases.append(play.case_id)
    assert tells(play, listening(play, tmp_path), "civil_affairs", "means.changed", "M-1") == 1
    for play.case_id in cases:
        assert "change_review" in play.steps.values()


def collector(play: Play) -> str:
    held = ("collector_township", "nanming.township")
    return next(u.login for u in play.users.values() if held in {(r.role, r.department_id) for r in u.roles})


def test_any_subdistrict_may_be_gone_to_and_that_of_the_household_examines(play: Play) -> None:
    """services: "apply (any township: 异地代收)": it looks at identity and completeness and passes on."""
    apply(play, **{"apply.window": "nanming"})
    assert (play.steps, play.state.area) == ({"": "collect"}, "huaxi")
    with pytest.raises(Forbidden):
        act(play, WINDOW, "", "pass_on")
    play.act(collector(play), "", "pass_on")
    assert play.state.milestones.keys() == {"received"}, "collecting is no acceptance"
    act(play, WINDOW, "", "accept")
    assert play.steps == {"": "urgent"}
    with play.rt.read() as session:
        assert recount(session, play.case_id, play.rt.definitions, play.rt.calendars) == []


@pytest.mark.parametrize(("urgent", "step"), [(True, "urgent"), (False, "consent")])
def test_silence_of_the_collecting_subdistrict_is_acceptance_as_of_receipt(play: Play, urgent: bool, step: str) -> None:
    """And whoever needs help at once does not lose it by that."""
    apply(play, **{"apply.window": "nanming", "need.urgent": urgent})
    received = play.state.milestones["received"]
    play.pass_time(days=10)
    fire_due(play.rt, play.now)
    assert play.state.milestones["accepted"] == received
    assert play.state.main.step == step

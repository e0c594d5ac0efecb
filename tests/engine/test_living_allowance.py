"""Clause 3.4 "Minimum living allowance": urgent aid first, N-of-M sources, the right to be heard, the amount, and the
review that comes back by category."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from govservice.definitions.compile import compile_service
from govservice.engine import MAIN, SYSTEM, Applied
from govservice.errors import Forbidden, Missing, NotAllowed
from govservice.models.session import Database
from tests.engine.world import AREA, CATALOGUE, SHIPPED, World, staff

WINDOW = staff("wang", "township_window@township")
OFFICER, SECOND = staff("lin", "township_officer@township"), staff("mo", "township_officer@township")
VERIFIER = staff("he.q", "verifier@civil_affairs")
EXAMINER = staff("tan", "relief_examiner@civil_affairs")
HEAD = staff("du", "relief_head@civil_affairs")
NEIGHBOUR = staff("yi", "community_worker@township")
POOR: dict[str, Any] = {
    "person.district": AREA, "household.size": 2, "need.urgent": False, "means.income": "640.00",
    "allowance.standard": "785.00", "means.sources": "银行存款、不动产登记", "household.earners": 0,
    "need.reason": "illness",
}  # fmt: skip


@pytest.fixture
def world(database: Database) -> World:
    """The shipped procedure, no registry asked again before it decides: that has tests of its own."""
    service = SHIPPED.current("minimum_living_allowance").service
    facts = {name: fact.model_copy(update={"revalidate": None}) for name, fact in service.facts.items()}
    return World(database, compile_service(service.model_copy(update={"facts": facts}), catalogue=CATALOGUE))


def send(w: World, **other: Any) -> Applied:
    w.submit({**POOR, **other})
    return w.do(WINDOW, "accept", MAIN)


def enquire(w: World, *answers: str) -> None:
    """From the authorisation to the join of the enquiry; `answers` of the sources in their order."""
    w.do(OFFICER, "pass", "consent.standing")
    assert w.state.main.step == "enquiry"
    for place, said in enumerate(answers):
        trigger, data = ("@fail", {}) if said == "silent" else ("@ok", {"result": {"agrees": said == "agrees"}})
        w.do(SYSTEM, trigger, f"enquiry.sources/{place}", data=data)
    for who in (OFFICER, SECOND):
        w.do(who, "pass", "enquiry.visit", attachments=("visit_report",))
    w.do(NEIGHBOUR, "heard", "enquiry.neighbours")


def decide(w: World, hundred: int = 99) -> None:
    """Through opinion, public notice and draw to the county's desk."""
    enquire(w, "agrees", "agrees")
    w.do(VERIFIER, "pass", MAIN)
    w.do(OFFICER, "propose", MAIN)
    w.tick(w.now + timedelta(days=9))
    assert w.state.main.step == "draw"
    w.do(SYSTEM, "@ok", MAIN, data={"result": {"hundred": hundred}})


def granted(w: World) -> None:
    w.do(HEAD, "approve", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.outcome == "granted"


# -- urgent variant: "temporary aid 先行救助 (grant first, documents later)"


def test_who_is_in_urgent_need_is_paid_before_anything_is_examined(world: World) -> None:
    w = world
    send(w, **{"need.urgent": True})
    assert w.steps() == ["urgent"]
    with pytest.raises(Missing):
        w.do(OFFICER, "help", MAIN)
    w.do(OFFICER, "help", MAIN, attachments=("urgent_record",))
    assert "allowance.aid" in w.topics()
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.main.step == "consent"
    w.check()


def test_urgent_aid_that_the_register_cannot_pay_is_paid_by_hand(world: World) -> None:
    w = world
    send(w, **{"need.urgent": True})
    w.do(OFFICER, "help", MAIN, attachments=("urgent_record",))
    w.do(SYSTEM, "@fail", MAIN)
    w.do(OFFICER, "paid", MAIN, reason="cash")
    assert w.state.main.step == "consent"


# -- "fan-out to N sources, multiple instances known at run time; optional ones time out"


@pytest.mark.parametrize("n", [1, 2, 5])
def test_there_is_one_part_for_each_source_that_is_known_then(world: World, n: int) -> None:
    w = world
    send(w, **{"means.sources": "、".join(f"来源{i}" for i in range(n))})
    w.do(OFFICER, "pass", "consent.standing")
    assert sum(step == "enquiry.sources.ask" for step in w.steps()) == n


def test_a_source_that_is_silent_does_not_hold_up_the_case(world: World) -> None:
    w = world
    send(w)
    enquire(w, "agrees", "silent")
    assert w.state.main.step == "verification"
    w.do(VERIFIER, "pass", MAIN)
    assert w.state.main.step == "opinion"
    w.check()


def test_what_differs_is_explained_by_the_applicant_before_it_counts(world: World) -> None:
    """ "Automatic mismatch list -> clarify with applicant (right to be heard; pause)", once."""
    w = world
    send(w)
    enquire(w, "agrees", "differs")
    w.ask(VERIFIER, MAIN, "means.income", trigger="clarify")
    assert w.state.clocks["limit:decision"].paused_since is not None
    w.resubmit(2, ["health.costs"])
    with pytest.raises(NotAllowed):
        w.ask(VERIFIER, MAIN, "means.income", trigger="clarify")
    w.do(VERIFIER, "settled", MAIN, reason="a deposit held for his mother")
    assert w.state.main.step == "opinion"
    w.check()


# -- decision


def test_granted_is_only_what_lies_below_the_standard(world: World) -> None:
    w = world
    send(w, **{"means.income": "1570.00"})
    decide(w)
    with pytest.raises(NotAllowed, match="conditions"):
        w.do(HEAD, "approve", MAIN)
    assert w.state.main.step == "decision"


def test_whoever_made_the_spot_check_does_not_decide(world: World) -> None:
    w = world
    send(w)
    decide(w, hundred=0)
    both = staff("tan", "relief_examiner@civil_affairs", "relief_head@civil_affairs")
    w.do(both, "pass", MAIN)
    with pytest.raises(Forbidden):
        w.do(both, "approve", MAIN)
    granted(w)
    w.check()


def test_nobody_is_refused_before_being_heard(world: World) -> None:
    """Told, five working days that are not counted, what was said is on record; then another person refuses."""
    w = world
    send(w)
    decide(w)
    assert w.d.edge("decision", "refuse") is None
    w.do(HEAD, "object", MAIN, reason="a second home")
    w.do(EXAMINER, "tell", MAIN)
    assert w.state.clocks["limit:decision"].paused_since is not None
    assert "notice.pause" in w.topics() or any("pause" in topic for topic in w.topics())
    w.do(EXAMINER, "heard", MAIN)
    with pytest.raises(Missing):
        w.do(EXAMINER, "upheld", MAIN)
    w.do(EXAMINER, "upheld", MAIN, attachments=("statement_record",))
    with pytest.raises(Missing):
        w.do(HEAD, "refuse", MAIN)
    w.do(HEAD, "refuse", MAIN, reason="a second home")
    assert w.state.outcome == "refused"
    assert "notice.refusal" in w.topics()
    w.check()


def test_what_the_applicant_says_may_change_the_decision(world: World) -> None:
    w = world
    send(w)
    decide(w)
    w.do(HEAD, "object", MAIN, reason="a second home")
    w.do(EXAMINER, "again", MAIN, reason="sold two years ago")
    granted(w)
    w.check()


# -- "periodic review: yearly, half-yearly, quarterly by category"

CATEGORIES = [
    ({}, "yearly", 365),
    ({"need.reason": "no_work"}, "half_yearly", 181),
    ({"household.earners": 1}, "quarterly", 90),
]


@pytest.mark.parametrize(("answers", "step", "days"), CATEGORIES)
def test_what_was_granted_is_looked_at_again_by_category(
    world: World, answers: dict[str, Any], step: str, days: int
) -> None:
    w = world
    send(w, **answers)
    decide(w)
    granted(w)
    (task,) = w.state.tasks.values()
    assert (task.step, task.role) == (step, "township_officer")
    due = w.state.step_clock(w.state.tokens[task.token_id])
    assert due is not None
    w.now += timedelta(days=days - 5)
    before = due.statutory_on
    w.do(OFFICER, "goes_on", step, attachments=("visit_report",))
    (again,) = w.state.tasks.values()
    clock = w.state.step_clock(w.state.tokens[again.token_id])
    assert clock is not None
    assert again.step == step
    assert clock.statutory_on is not None
    assert before is not None
    assert clock.statutory_on > before, "the next review has a day of its own"
    w.check()


def test_a_review_ends_what_is_no_longer_needed(world: World) -> None:
    w = world
    send(w)
    decide(w)
    granted(w)
    w.do(OFFICER, "ends", "yearly", reason="has found work")
    assert "document.revoke" in w.topics()
    assert not w.state.tasks
    assert w.state.outcome == "granted", "that it was granted stays true"
    w.check()


def test_nothing_is_reviewed_where_nothing_was_granted(world: World) -> None:
    w = world
    w.submit(POOR)
    w.do(WINDOW, "decline", MAIN, reason="another district")
    assert not w.state.tasks


def test_the_limits_of_thirty_and_forty_five_working_days(world: World) -> None:
    limit = world.d.limits["decision"]
    assert (str(limit.statutory), str(limit.promised)) == ("30wd", "18wd")
    assert limit.extend is not None
    assert (str(limit.extend.by), limit.extend.role) == ("15wd", "relief_head")


# -- "data-change event from any source (death, job, car) = persistent trigger that opens a review"


def test_a_change_that_a_register_tells_of_opens_one_review_of_what_was_granted(world: World) -> None:
    w = world
    send(w)
    with pytest.raises(NotAllowed):  # a case that runs is asked again instead
        w.do(SYSTEM, "@review", MAIN, data={"fact": "means"})
    decide(w)
    granted(w)
    with pytest.raises(Forbidden):
        w.do(HEAD, "@review", MAIN, data={"fact": "means"})
    w.do(SYSTEM, "@review", MAIN, data={"fact": "means"})
    w.do(SYSTEM, "@review", MAIN, data={"fact": "household"})
    assert sorted(task.step for task in w.state.tasks.values()) == ["change_review", "yearly"]
    assert w.state.outcome == "granted"
    w.do(OFFICER, "goes_on", "change_review", reason="the wage is below the standard")
    assert [task.step for task in w.state.tasks.values()] == ["yearly"]
    assert "document.revoke" not in w.topics()
    w.do(SYSTEM, "@review", MAIN, data={"fact": "means"})
    assert sorted(task.step for task in w.state.tasks.values()) == ["change_review", "yearly"], "the next change"
    w.check()

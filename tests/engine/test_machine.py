"""Every shipped service under a storm of lawful and unlawful acts: invariants I2, I6, I7 after each, and `available`
keeps its word (what it allows works, what it refuses is refused)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from govservice.engine import MAIN, SYSTEM, Actor, Offer
from govservice.engine.apply import _Door
from govservice.errors import PortalError
from tests.engine.walk import Walk
from tests.engine.world import AREA, MA, SHIPPED, staff

STAFF = {
    "open_restaurant": [
        staff("li", "window@service_hall"),
        staff("zhang", "food@market_reg"),
        staff("wu", "food@market_reg", "head@market_reg"),
        staff("zhou", "fire@fire_rescue"),
        staff("sun", "urban@urban_mgmt"),
        staff("he", "head@market_reg"),
        staff("lead", "lead@market_reg"),
        staff("fang", "government_office@government"),
        MA,
    ],
    "food_business_licence": [
        staff("li", "window@service_hall"),
        staff("zhang", "food@market_reg"),
        staff("wu", "inspector@market_reg", "food@market_reg"),
        staff("feng", "inspector@market_reg"),
        staff("he", "head@market_reg"),
        staff("xu", "head@market_reg", "inspector@market_reg"),
        MA,
    ],
}
OFFICES = {
    code: [staff(f"{role}.{n}", f"{role}@{node.department}") for role, node in roles.items() for n in (1, 2, 3)] + [MA]
    for code in (
        "household_move",
        "building_permit",
        "minimum_living_allowance",
        "prepackaged_food_filing",
        "data_sharing_request",
    )
    for roles in (SHIPPED.current(code).service.roles,)
}
FILED: dict[str, dict[str, Any]] = {
    "household_move": {"move.district": AREA, "person.district": "nanming", "move.reason": "own_home"},
    "building_permit": {
        "premises.district": AREA, "project.area": "6000", "project.height": "40", "project.water": True,
        "site.heritage": True, "project.neighbours": True,
    },
    "minimum_living_allowance": {
        "person.district": AREA, "household.adults": "990111199203042048", "household.size": 2, "need.urgent": True,
        "means.income": "640.00", "allowance.standard": "785.00", "means.sources": "a, b", "household.earners": 0,
        "need.reason": "illness",
    },
    "data_sharing_request": {"request.dataset": "income"},
}  # fmt: skip
OTHERWISE: dict[str, dict[str, list[Any]]] = {
    "household_move": {"move.reason": ["own_home", "rented", "family", "job", "talent", "study"],
                       "person.district": ["nanming", AREA]},
    "building_permit": {"project.area": ["100", "6000"], "project.height": ["10", "40"],
                        "project.water": [True, False], "site.heritage": [True, False],
                        "project.neighbours": [True, False]},
    "minimum_living_allowance": {"household.adults": ["990111199203042048", None], "means.income": ["640.00", "9000"],
                                 "means.sources": ["a, b", None]},
}  # fmt: skip
AREAS = st.sampled_from(["100", "299.99", "300", "5000"])
SEATS = st.sampled_from([0, 1, 60])
ITEMS = st.lists(
    st.sampled_from(["premises.area", "layout", "rules", "premises.address"]), min_size=1, max_size=3, unique=True
).map(tuple)


class Service(RuleBasedStateMachine):
    code = ""

    @initialize(area=AREAS, seats=SEATS, depth=st.integers(0, 14))
    def begin(self, area: str, seats: int, depth: int) -> None:
        """Starts somewhere on the straight way, so that late steps get their share of the storm."""
        answers = {"premises.district": AREA, "premises.area": area, "menu.seats": seats}
        self.walk = Walk(SHIPPED.current(self.code), FILED.get(self.code, answers))
        office = STAFF.get(self.code) or OFFICES[self.code]
        self.people: list[Actor] = [*office, self.walk.wang, Actor("liu", "applicant", (), "other")]
        for _ in range(depth):
            straight_on(self.walk, self.people)

    def open(self) -> bool:
        return self.walk.state.status != "closed"

    def choices(self, *kinds: str, ending: bool = False) -> list[tuple[Actor, Offer]]:
        """What may be done now; `ending`: what leads straight to a refusal or a withdrawal."""
        return [
            (actor, offer)
            for actor in self.people
            for offer in self.walk.offers(actor)
            if offer.allowed and offer.kind in kinds and is_ending(self.walk, offer) is ending
        ]

    @precondition(lambda self: self.open() and self.choices("action"))
    @rule(data=st.data(), items=ITEMS)
    def act(self, data: Any, items: tuple[str, ...]) -> None:
        actor, offer = data.draw(st.sampled_from(self.choices("action")))
        assert refusal_of(self.walk, actor, offer) is None
        other = OTHERWISE.get(self.code)
        self.walk.take(actor, offer, tuple(other)[: len(items)] if other else items)

    act_again = act  # most of what happens in an office is somebody acting
    and_again = act

    @precondition(lambda self: self.open() and self.choices("claim", "release", "notice"))
    @rule(data=st.data())
    def claim_or_notify(self, data: Any) -> None:
        actor, offer = data.draw(st.sampled_from(self.choices("claim", "release", "notice")))
        self.walk.take(actor, offer)

    @precondition(lambda self: self.open() and self.walk.state.notice is not None)
    @rule(area=AREAS, seats=SEATS, data=st.data())
    def resubmit(self, area: str, seats: int, data: Any) -> None:
        changed: dict[str, Any] = {"premises.area": area, "menu.seats": seats}
        if self.code in OTHERWISE:
            changed = {name: data.draw(st.sampled_from(values)) for name, values in OTHERWISE[self.code].items()}
        self.walk.resubmit({**self.walk.answers, **changed})

    @precondition(lambda self: self.open() and self.walk.d.steps[self.walk.state.main.step].kind == "auto")
    @rule(ok=st.sampled_from([True, False, False]), entered=st.booleans(), hundred=st.sampled_from([0, 29, 30, 99]))
    def answer(self, ok: bool, entered: bool, hundred: int) -> None:
        self.walk.auto(ok, entered=entered, hundred=hundred)

    @precondition(lambda self: self.open())
    @rule(hours=st.sampled_from([1, 5, 24, 72, 24 * 9]))
    def wait(self, hours: int) -> None:
        self.walk.tick(self.walk.now + timedelta(hours=hours))

    @precondition(lambda self: self.open() and self.walk.count > 16)
    @rule(data=st.data())
    def end_it(self, data: Any) -> None:
        ways = self.choices("action", "always", ending=True)
        if ways and data.draw(st.integers(0, 3)) == 0:
            self.walk.take(*data.draw(st.sampled_from(ways)))

    @rule()
    def what_is_not_offered_is_refused(self) -> None:
        for actor in self.people:
            for offer in self.walk.offers(actor):
                if not offer.allowed:
                    assert refusal_of(self.walk, actor, offer) is not None, (actor.id, offer)

    @invariant()
    def all_holds(self) -> None:
        if hasattr(self, "walk"):
            self.walk.check()


def is_ending(walk: Walk, offer: Offer) -> bool:
    edge = walk.d.edge(offer.step, offer.action)
    ends = {t.to for t in edge.targets if t.to} if edge else set()
    if edge is not None and any(t.end == "rejected" for t in edge.targets):
        return True
    return any(walk.d.steps[path].kind == "end" and walk.d.steps[path].outcome != "granted" for path in ends)


def straight_on(walk: Walk, people: list[Actor]) -> None:
    """The next act on the way to a grant, if there is one."""
    if walk.state.status == "closed":
        return
    if walk.d.steps[walk.state.main.step].kind == "auto":
        walk.auto(True)
        return
    back = ("reopen", "back", "object", "fail", "hear", "heard")
    offers = [(a, o) for a in people for o in walk.offers(a) if o.allowed and o.kind == "action" and not o.correction]
    good = [(a, o) for a, o in offers if o.action not in back and not is_ending(walk, o)]
    if good:
        walk.take(*good[0])


def refusal_of(walk: Walk, actor: Actor, offer: Offer) -> PortalError | None:
    """What the door's own question (and then `decide`) says, changing nothing."""
    from govservice.engine import Command
    from govservice.engine.decide import plan
    from tests.engine.world import CALENDARS

    state = walk.state.copy()
    state.ctx = walk.ctx
    command = Command(
        case_id=state.case_id, trigger=offer.action, idem="try", now=walk.now, actor=actor, token_id=offer.token_id,
        reason="r", attachments=offer.needs.attachments,
        data={"items": {next(iter(walk.d.service.fields)): "x"}, "data_rev": walk.rev, "changed": []},
    )  # fmt: skip
    door = object.__new__(_Door)
    door.cmd = command
    try:
        door.ask(walk.d, state, state.tokens[offer.token_id])
        plan(walk.d, state, command, CALENDARS)
    except PortalError as error:
        return error
    return None


class OpenRestaurant(Service):
    code = "open_restaurant"


class FoodBusinessLicence(Service):
    code = "food_business_licence"


class HouseholdMove(Service):
    code = "household_move"


class BuildingPermit(Service):
    code = "building_permit"


class MinimumLivingAllowance(Service):
    code = "minimum_living_allowance"


class PrepackagedFoodFiling(Service):
    code = "prepackaged_food_filing"


class DataSharingRequest(Service):
    code = "data_sharing_request"


BOUNDS = settings(max_examples=40, stateful_step_count=45, deadline=None)
OpenRestaurant.TestCase.settings = BOUNDS
FoodBusinessLicence.TestCase.settings = BOUNDS
FEWER = settings(max_examples=12, stateful_step_count=45, deadline=None)
HouseholdMove.TestCase.settings = FEWER
BuildingPermit.TestCase.settings = FEWER
MinimumLivingAllowance.TestCase.settings = FEWER
PrepackagedFoodFiling.TestCase.settings = FEWER
TestPrepackagedFoodFiling = PrepackagedFoodFiling.TestCase
DataSharingRequest.TestCase.settings = FEWER
TestOpenRestaurant = OpenRestaurant.TestCase
TestFoodBusinessLicence = FoodBusinessLicence.TestCase
TestHouseholdMove = HouseholdMove.TestCase
TestBuildingPermit = BuildingPermit.TestCase
TestMinimumLivingAllowance = MinimumLivingAllowance.TestCase
TestDataSharingRequest = DataSharingRequest.TestCase


def test_every_shipped_service_has_its_machine() -> None:
    """A service that is added must be walked too; bundles and their parts are played in operations/test_bundles.py
    and test_newborn.py."""
    spawned = [s for code in SHIPPED.codes() for b in SHIPPED.current(code).bundles.values() for s in b.spawns]
    played = {s.service for s in spawned} | {c for c in SHIPPED.codes() if SHIPPED.current(c).bundles}
    assert {service.code for service in Service.__subclasses__()} == set(SHIPPED.codes()) - played


@pytest.mark.parametrize("code", sorted(STAFF))
def test_the_storm_can_reach_a_grant(code: str) -> None:
    """The walk is able to do what the storm should find: without this, quiet invariants would prove little."""
    walk = Walk(SHIPPED.current(code), {"premises.district": AREA, "premises.area": "400", "menu.seats": 5})
    people = [*STAFF[code], walk.wang]
    for _ in range(20):
        straight_on(walk, people)
        walk.check()
    assert walk.state.outcome == "granted"
    assert SYSTEM.id in {e.actor for e in walk.events}
    assert MAIN in walk.state.tokens

"""The scenes that make the demonstration alive at once: work that waits for each member of the cast, due about now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from govservice.exchange.sandbox import answers_people as people
from govservice.exchange.sandbox import answers_standing as standing
from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.answers_people import works
from govservice.exchange.sandbox.province import Province
from govservice.exchange.sandbox.records import Enterprise
from govservice.exchange.sandbox.words import DISTRICTS
from govservice.operations.demo_plan import FOOD, LARGE, PLEDGED, RESTAURANT, Fate
from govservice.worktime.calendar import Calendar

AREA = "huaxi"
DINING = {"menu.seats": 64, "menu.kind": ["hot", "cold"]}
FOOD_DESK, FOOD_SITE = "review.food.desk", "review.food.site"
PAPERS, SITE = "review.papers.desk", "review.site.check"
HEALTH = frozenset({"health_certificates"})
INSTEAD = {"building_permit": {"environment_form"}, "minimum_living_allowance": {"tenancy"}}  # what is pledged
REVIEWS = frozenset({"yearly", "half_yearly", "quarterly", "conditions_check"})  # due long after
FIRE, SIGN = "review.fire.site", "review.sign.desk"
BUILD, MOVE, ALLOWANCE = "building_permit", "household_move", "minimum_living_allowance"
FILED = "prepackaged_food_filing"
OTHERS: dict[str, dict[str, object]] = {
    BUILD: {
        "project.name": "花溪智造车间", "project.kind": "industry", "project.area": "5200", "project.height": "32",
        "project.water": False, "site.water": False, "site.heritage": False, "project.neighbours": False,
    },
    FILED: {"filing.goods": ["ambient", "chilled"], "filing.online": False},
    MOVE: {"move.reason": "own_home"},
    ALLOWANCE: {"household.adults": "", "need.reason": "illness", "need.urgent": False},
}  # fmt: skip
DEGREE = {"move.reason": "talent", "move.district": "nanming", "move.address": "南明区新华路 88 号 1 单元 902 室"}
HOLDS: dict[str, Callable[[Province, str], Iterable[people.Record]]] = {  # by reason: who holds the new address
    "own_home": people.dwellings, "rented": people.tenancies, "study": standing.enrolments,
}  # fmt: skip
REVIEW = frozenset({FOOD_DESK, FOOD_SITE, FIRE, SIGN})


def scenes(province: Province, now: datetime, calendar: Calendar) -> list[Fate]:
    """Cases of Huaxi that stand at the cast's desks at `now`, and what the citizens of the cast filed before."""
    large = _enterprises(province, at_least=LARGE)
    small = _enterprises(province)
    poor = (e for e in province.enterprises.values() if e.area == AREA and _in_need(province, e))

    moved: set[str] = set()
    movers = {reason: _movers(province, reason, moved) for reason in HOLDS}

    def ago(days: int, hour: int = 10, minute: int = 12) -> datetime:
        return working_days_ago(calendar, now, days, hour, minute)

    def restaurant(key: str, days: int, **more: Any) -> Fate:
        given: dict[str, Any] = {
            "answers": DINING,
            "pace": {"acceptance": 0.4, FOOD_DESK: 0.8, FOOD_SITE: 1.5, FIRE: 3.0, SIGN: 1.2},
        }
        return Fate(f"s-r-{key}", RESTAURANT, next(large), ago(days), **{**given, **more})

    def licence(key: str, days: int, **more: Any) -> Fate:
        given: dict[str, Any] = {"pace": {"acceptance": 0.2, "review.papers.desk": 0.3, "review.site.check": 1.0}}
        return Fate(f"s-f-{key}", FOOD, next(small), ago(days), **{**given, **more})

    def other(key: str, service: str, days: int, **more: Any) -> Fate:
        stays = more.pop("stays", frozenset[str]()) | REVIEWS
        given: dict[str, Any] = {
            "answers": OTHERS[service],
            "pace": {"fee": 6.0},
            "stays": stays,
            "pledges": frozenset(INSTEAD.get(service, ())),
        }
        reason = str(more.get("answers", OTHERS[service]).get("move.reason", ""))
        who = next(movers[reason]) if reason in movers else next(poor if service == ALLOWANCE else small)
        return Fate(f"s-o-{key}", service, who, ago(days), **{**given, **more})

    return [
        restaurant("three-at-once", 3, stays=REVIEW),
        restaurant("two-wait", 5, stays=frozenset({FOOD_SITE, FIRE})),
        restaurant("fire-late", 13, stays=frozenset({FIRE})),
        restaurant("fire-soon", 8, stays=frozenset({FIRE}), claimed={FIRE: "zhou.jie"}),
        restaurant("asked", 6, corrects=frozenset({FIRE, FOOD_DESK}), lapses=True),
        restaurant("to-decide", 7, stays=frozenset({"decision"})),
        restaurant("sign-today", 5, stays=frozenset({SIGN, FIRE})),
        restaurant("papers-claimed", 2, stays=REVIEW, claimed={FOOD_DESK: "zhang.qiang"}),
        restaurant("new-today", 1, stays=frozenset({"acceptance"})),
        restaurant("new-late", 3, stays=frozenset({"acceptance"})),
        licence("new", 1, stays=frozenset({"acceptance"})),
        licence("papers", 2, stays=frozenset({PAPERS, SITE})),
        licence("on-site", 3, stays=frozenset({SITE}), claimed={SITE: "wu.gang"}),
        licence("pledged", 1, pledges=PLEDGED, stays=frozenset({"pledged"})),
        licence("on-pledge", 12, pledges=PLEDGED, stays=frozenset({"post_check"}), stars=5),
        licence("put-off", 5, defers=HEALTH),
        licence("mended", 14, corrects=frozenset({SITE})),
        licence("to-decide", 4, stays=frozenset({"decision"})),
        Fate("s-wang", FOOD, cast.QINGWEI, ago(32), login="wang.fang", stars=5, answers={"business.form": "service"},
             pace={"acceptance": 0.4, PAPERS: 0.5, SITE: 1.2, "decision": 0.5}),
        Fate("s-chen", RESTAURANT, cast.QIANXIANG, ago(4), login="chen.wei", answers=DINING, stays=REVIEW),
        Fate("s-chen-draft", FOOD, cast.QIANXIANG, ago(1, 15), login="chen.wei", abandons=True),
        other("filed", FILED, 9, stars=5),
        other("file-new", FILED, 0, stays=frozenset({"desk"})),
        other("build-granted", BUILD, 24, stars=5),
        other("build-unpaid", BUILD, 22, lapses=True),
        other("build-review", BUILD, 4, stays=frozenset({"plans.planning.desk", "plans.shelter.desk"})),
        other("moved", MOVE, 21, stars=5),
        other("move-approval", MOVE, 4, stays=frozenset({"approval"})),
        other("moved-tenant", MOVE, 17, answers={"move.reason": "rented"}),
        other("moved-graduate", MOVE, 15, answers=DEGREE, stars=5),
        other("move-student", MOVE, 3, answers={"move.reason": "study"}, stays=frozenset({"approval"})),
        other("allowance", ALLOWANCE, 38, stars=4),
        other("allowance-visit", ALLOWANCE, 6, stays=frozenset({"enquiry.visit.home"})),
        other("allowance-urgent", ALLOWANCE, 36, answers={**OTHERS[ALLOWANCE], "need.urgent": True}, stars=5),
        other("allowance-refused", ALLOWANCE, 37, refuses="decision"),
    ]  # fmt: skip


def _enterprises(province: Province, at_least: int = 0) -> Iterator[Enterprise]:
    """Caterers of the area with one title of at least that many square metres, from the end of the list, which the
    drawn plan reaches last."""
    triples = [t for t in province.triples(10_000, AREA) if t.premises.floor_area >= at_least]
    if not at_least:
        triples = [t for t in triples if t.premises.floor_area < LARGE]
    yield from (t.enterprise for t in reversed(triples))


def _movers(province: Province, reason: str, moved: set[str]) -> Iterator[Enterprise]:
    """Whoever leads it has in Nanming what the move is for: a home, a tenancy, a place at a university. Nobody moves
    twice (`moved`, by the person's number)."""
    there = DISTRICTS["nanming"][2]
    for enterprise in province.enterprises.values():
        if enterprise.area == AREA and enterprise not in cast.ENTERPRISES:
            held = HOLDS[reason](province, enterprise.legal_person)
            there_too = any(there == record.get("campus", record)["region"] for record in held)
            if there_too and enterprise.legal_person not in moved:
                moved.add(enterprise.legal_person)
                yield enterprise


def _in_need(province: Province, enterprise: Enterprise) -> bool:
    """Whoever leads it lives alone and earns nothing: nobody else has to authorise anything."""
    if enterprise in cast.ENTERPRISES:
        return False
    person = province.people[enterprise.legal_person]
    return len(province.household(person.household)) == 1 and not works(person)


def working_days_ago(calendar: Calendar, now: datetime, days: int, hour: int, minute: int) -> datetime:
    """That time of day, as many working days before the day of `now` (before `now` itself for none)."""
    day = calendar.local_date(now)
    while days:
        day -= timedelta(days=1)
        days -= calendar.is_working_day(day)
    at = datetime.combine(day, time(hour, minute), calendar.zone).astimezone(UTC)
    return min(at, now - timedelta(minutes=50))

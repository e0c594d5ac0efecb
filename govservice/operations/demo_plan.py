"""The demonstration's plan, drawn from one seed before anything happens: who files what, when, and how it will go.

The plan says what people intend; what the law then does with it (clocks, timers, deemed acceptance, joins) is the
engine's. Delays are drawn in working days per step and from each case's own seed, so that no case depends on another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import cycle
from random import Random
from typing import Any

from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.province import Province
from govservice.exchange.sandbox.records import Enterprise
from govservice.worktime.calendar import Calendar

DAYS = 90
SEED = 2026
RESTAURANT, FOOD = "open_restaurant", "food_business_licence"
PLEDGES = 0.8  # share of those who pledge wherever they may instead of bringing the paper
PLEDGED = frozenset({"rules", "layout"})
SHARE = 0.45  # of the cases that open a restaurant
LARGE = 300  # square metres from which the fire brigade inspects
TRADES = {
    RESTAURANT: ("catering", "services", "retail"),
    FOOD: ("food_retail", "catering", "logistics", "technology", "construction"),
}
HOURS = range(7, 23)  # when people file, local time; the weights below
HOUR_WEIGHTS = (1, 4, 10, 12, 11, 6, 6, 10, 11, 10, 7, 4, 3, 3, 2, 1)

# Median and spread (sigma of the logarithm) of a stay, in working days, by step; the slow one is planted.
PACE: Mapping[str, tuple[float, float]] = {
    "acceptance": (0.6, 0.55), "review.food.desk": (1.1, 0.5), "review.food.site": (2.0, 0.5),
    "review.fire.site": (3.4, 0.4), "review.sign.desk": (1.7, 0.5), "decision": (0.8, 0.5),
    "review.papers.desk": (0.4, 0.5), "review.site.check": (1.4, 0.45), "refusal": (0.5, 0.5), "pledged": (0.2, 0.4),
    "post_check": (12.0, 0.4),
}  # fmt: skip
QUICK: Mapping[tuple[str, str], tuple[float, float]] = {
    (FOOD, "acceptance"): (0.35, 0.6), (FOOD, "decision"): (0.4, 0.5)
}  # fmt: skip
SLOW_AREA, SLOW_STEP, SLOW_PACE = "huaxi", "review.fire.site", (7.6, 0.42)  # its limit is 7 working days
ELSEWHERE = (1.0, 0.5)
# Where a case is sent back or refused, and how often among those that are.
CORRECTS: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    RESTAURANT: (("acceptance", "review.food.desk", "review.fire.site", "review.sign.desk"), (5, 6, 4, 3)),
    FOOD: (("acceptance", "review.site.check"), (5, 6)),
}
REFUSES: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    RESTAURANT: (
        ("acceptance", "review.food.site", "review.fire.site", "review.sign.desk", "decision"),
        (2, 3, 2, 1, 2),
    ),
    FOOD: (("acceptance", "review.papers.desk", "review.site.check", "decision"), (2, 3, 4, 2)),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """One case as its people intend it. `pace` gives the working days of steps instead of drawing them; at a step of
    `stays` nobody acts any more; `claimed` names who has taken the task there."""

    key: str
    service: str
    enterprise: Enterprise
    at: datetime
    login: str | None = None  # of a citizen of the cast; None: of the province
    corrects: frozenset[str] = frozenset()  # steps that ask for a correction
    refuses: str | None = None  # the step that says no
    withdraws: float | None = None  # working days after the submission
    lapses: bool = False  # a correction is never answered, what was put off never comes
    pledges: frozenset[str] = frozenset()  # materials for which a pledge is given
    defers: frozenset[str] = frozenset()  # materials that come later
    abandons: bool = False  # stays a draft
    stars: int | None = None
    pace: Mapping[str, float] = field(default_factory=dict)
    stays: frozenset[str] = frozenset()
    claimed: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)

    def days(self, random: Random, step: str) -> float:
        """How many working days the department takes at a step."""
        if step in self.pace:
            return self.pace[step]
        pace = QUICK.get((self.service, step)) or PACE.get(step, ELSEWHERE)
        if (self.enterprise.area, step) == (SLOW_AREA, SLOW_STEP):
            pace = SLOW_PACE
        return random.lognormvariate(math.log(pace[0]), pace[1])


def draw(province: Province, cases: int, now: datetime, calendar: Calendar) -> list[Fate]:
    """The plan of `cases` cases that arrive in the DAYS before `now`, the earliest first."""
    random = Random(SEED)
    arrivals = sorted(_arrivals(random, cases, now, calendar))
    pools = {service: cycle(_pool(random, province, trades)) for service, trades in TRADES.items()}
    fates = []
    for number, at in enumerate(arrivals, start=1):
        service = RESTAURANT if random.random() < SHARE else FOOD
        fates.append(_fate(random, f"{number:06d}", service, next(pools[service]), at))
    return fates


def _arrivals(random: Random, cases: int, now: datetime, calendar: Calendar) -> Iterator[datetime]:
    """Mostly on working days in the daytime; people also file in the evening and at the weekend."""
    begin = now - timedelta(days=DAYS)
    days = [calendar.local_date(begin) + timedelta(days=n) for n in range(DAYS + 1)]
    weights = [1.0 if calendar.is_working_day(d) else 0.08 for d in days]
    made = 0
    while made < cases:
        day, hour = random.choices(days, weights)[0], random.choices(HOURS, HOUR_WEIGHTS)[0]
        clock = time(hour, random.randrange(60), random.randrange(60))
        at = datetime.combine(day, clock, calendar.zone).astimezone(UTC)
        if begin <= at < now:
            made += 1
            yield at


def _pool(random: Random, province: Province, trades: Sequence[str]) -> list[Enterprise]:
    """Enterprises in a seeded order: the best fitting trade first, every third with large premises while they last."""
    kept = {e.uscc for e in cast.ENTERPRISES}
    fitting = [e for e in province.enterprises.values() if e.trade in trades and e.uscc not in kept]
    random.shuffle(fitting)
    fitting.sort(key=lambda e: trades.index(e.trade) > 0)
    large = [e for e in fitting if any(p.floor_area >= LARGE for p in province.premises.get(e.uscc, ()))]
    held = {e.uscc for e in large}
    small = [e for e in fitting if e.uscc not in held]
    mixed: list[Enterprise] = []
    while small or large:
        mixed += [*small[:2], *large[:1]]
        del small[:2], large[:1]
    return mixed


def _pledged(key: str, corrects: frozenset[str]) -> frozenset[str]:
    """Who pledges, drawn apart: the plan of everything else stays what it was. Whoever is planned to mend something
    is inspected first."""
    return PLEDGED if not corrects and Random(f"{key}:pledge").random() < PLEDGES else frozenset()


def _fate(random: Random, key: str, service: str, enterprise: Enterprise, at: datetime) -> Fate:
    """One in five is asked for a correction, one in twelve refused, one in twenty-five withdrawn."""
    corrects = frozenset(random.choices(*CORRECTS[service])) if random.random() < 0.2 else frozenset[str]()
    if corrects and service == RESTAURANT and random.random() < 0.25:
        corrects |= {"review.sign.desk", "review.food.desk"}
    return Fate(
        key, service, enterprise, at,
        corrects=corrects, pledges=_pledged(key, corrects),
        refuses=random.choices(*REFUSES[service])[0] if random.random() < 0.08 else None,
        withdraws=random.uniform(0.2, 6) if random.random() < 0.04 else None,
        lapses=bool(corrects) and random.random() < 0.06,
        abandons=random.random() < 0.02,
        stars=random.choices((5, 4, 3, 2, 1), (60, 24, 8, 5, 3))[0] if random.random() < 0.45 else None,
    )  # fmt: skip

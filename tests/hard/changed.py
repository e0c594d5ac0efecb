"""Registries change what they say between the submission and the decision: every change that matters stops the
decision, and no other way of writing does.

`python -m tests.hard.changed [--cases N] [--seed S] [--database sqlite|postgresql]`: one case in twenty meets a change
that matters, as many one that does not. Exit 1 where one was missed, or a decision stopped for nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import select

from govservice.errors import Unverified
from govservice.exchange.evidence import current_facts, fact_values
from govservice.models.reliance import Revalidation
from govservice.operations import revalidating
from tests.hard.relying import USCC, Scene, scene
from tests.hard.told import on_each
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

SHARE = 0.05  # of the cases that meet a change that matters; as many meet one that does not
TOGETHER = 50  # cases that are filed on one day and decided two days later
Said = Mapping[str, Any]


def _area(sandbox: Sandbox, said: Said, by: float, form: str = "{:.2f}") -> None:
    sandbox.change("real_estate", USCC, floor_area_m2=form.format(float(said["premises.area"]) + by))


MATTERS: Mapping[str, Callable[[Sandbox, Said], object]] = {
    "another name": lambda s, said: s.change("enterprises", USCC, name=said["org.name"] + "分公司"),
    "another legal person": lambda s, said: s.change("enterprises", USCC, legal_person={"name": "李四"}),
    "a larger house": lambda s, said: _area(s, said, 40.0),
    "a smaller house": lambda s, said: _area(s, said, -1.5),
    "no enterprise": lambda s, said: s.forget("enterprises", USCC),
    "no house": lambda s, said: s.forget("real_estate", USCC),
}
IMMATERIAL: Mapping[str, Callable[[Sandbox, Said], object]] = {
    "spaces in the name": lambda s, said: s.change(
        "enterprises", USCC, name=f" {said['org.name'][:2]}\u3000{said['org.name'][2:]} "
    ),
    "noughts behind the area": lambda s, said: _area(s, said, 0.0, "{:.4f}"),
    "half a square metre": lambda s, said: _area(s, said, 0.5),
    "wide signs in the address": lambda s, said: s.change(
        "real_estate", USCC, address=said["premises.address"].replace("8", "８")
    ),
}


@dataclass
class Tally:
    """What the cases met and what came of it."""

    cases: int = 0
    met: Counter[str] = field(default_factory=Counter)
    stopped: int = 0
    missed: list[str] = field(default_factory=list)
    false_stops: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.missed or self.false_stops)


def play_changed(stage: Scene, random: Random, cases: int, share: float = SHARE) -> Tally:
    """Files, examines and decides `cases` applications; some registries change their minds in between."""
    tally = Tally()
    while tally.cases < cases:
        ids = [_examined(stage.play) for _ in range(min(TOGETHER, cases - tally.cases))]
        stage.play.pass_time(days=2)
        for case_id in ids:
            stage.play.case_id = case_id
            _decided(stage, random, tally, share)
            tally.cases += 1
    return tally


def _examined(play: Play) -> str:
    """An application that only the decision is missing from; its id."""
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.review()
    return play.case_id


def _decided(stage: Scene, random: Random, tally: Tally, share: float) -> None:
    draw = random.random()
    kinds = MATTERS if draw < share else IMMATERIAL if draw < 2 * share else {}
    met = random.choice(sorted(kinds)) if kinds else ""
    if met:
        kinds[met](stage.sandbox, _said(stage.play))
        tally.met[met] += 1
    matters = kinds is MATTERS
    try:
        stage.play.act("he.tao", "", "approve")
    except Unverified as stopped:
        tally.stopped += 1
        if not matters:
            tally.false_stops.append(f"{met or 'nothing'}: {dict(stopped.why)}")
        _settle(stage.play)
        stage.play.act("he.tao", "", "approve")
    else:
        if matters:
            tally.missed.append(met)
    if met:
        stage.sandbox.reset()


def _said(play: Play) -> Said:
    with play.rt.read() as session:
        return fact_values(current_facts(session, play.case_id, play.rt.definitions.catalogue))


def _settle(play: Play) -> None:
    """The clerk settles what was found, with a reason: what is stopped is not stuck."""
    with play.rt.read() as session:
        rows = session.scalars(
            select(Revalidation).where(Revalidation.case_id == play.case_id).order_by(Revalidation.at, Revalidation.id)
        )
        newest = {row.name: row for row in rows}
    for row in newest.values():
        if row.resolution is None and row.result in ("material", "gone"):
            how: revalidating.Resolution = "kept" if row.result == "material" else "verified"
            revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, row.id, how, "已核对原件", now=play.now)


def _run(kind: str, given: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    with scene(kind) as stage:
        tally = play_changed(stage, Random(given.seed), given.cases)
    return tally.ok, {
        "cases": tally.cases, "met": dict(tally.met), "stopped": tally.stopped, "missed": tally.missed,
        "false_stops": tally.false_stops,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hard.changed", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="on each database")
    return on_each(parser, sys.argv[1:] if arguments is None else arguments, _run)


if __name__ == "__main__":
    sys.exit(main())

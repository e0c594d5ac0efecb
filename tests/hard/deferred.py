"""Registries are silent for hours while applications come in: none is refused or lost, and after the recovery what was
not told is asked again, no faster than the registries allow.

`python -m tests.hard.deferred [--needs N] [--seed S] [--database sqlite|postgresql]`. Time is simulated: while nothing
is due it is moved on, while the worker works it goes by as on the wall. Exit 1 where an application was lost, a need
was not settled within ten minutes of the recovery, or a registry was asked too fast.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement
from govservice.operations.settling import SHARE, Settler
from tests.hard.relying import Scene, scene
from tests.hard.told import on_each

SILENT = ("population", "real_estate", "health_certificates")
GIVEN = {
    "premises.title_no": "黔(2020)第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi",
    "premises.area": "120",
}  # fmt: skip
LIMIT = 600.0  # seconds after the recovery
OUTAGE = timedelta(hours=3)


def file_in_silence(stage: Scene, needs: int) -> int:
    """Applications until so many needs wait; returns how many applications were sent."""
    play = stage.play
    for registry in SILENT:
        stage.sandbox.fault(registry, "status_500")
    sent = 0
    while _waiting(stage) < needs:
        for _ in range(10):
            play.draft(tries=1)
            play.answer("wang.fang", premises=GIVEN, applicant={"person.name": "王芳"})
            for slot in ("title_deed", "health_certificates"):
                play.attach("wang.fang", slot)
            play.submit()
            sent += 1
        play.pass_time(seconds=1)
    return sent


def _waiting(stage: Scene) -> int:
    with stage.play.rt.read() as session:
        due = select(func.count()).select_from(EvidenceRequirement).where(EvidenceRequirement.next_try_at.is_not(None))
        return session.scalar(due) or 0


def _open(stage: Scene) -> int:
    with stage.play.rt.read() as session:
        return session.scalar(select(func.count()).select_from(Case).where(Case.status == "open")) or 0


def outage(stage: Scene, lasts: timedelta) -> None:
    """A time in which the worker goes on asking in vain."""
    settler, end = Settler(stage.play.rt), stage.play.now + lasts
    while stage.play.now < end:
        settler.settle_due(stage.play.now)
        stage.play.pass_time(seconds=60)


def settle(stage: Scene) -> dict[str, Any]:
    """From the recovery until nothing waits: simulated seconds, and the most calls in one second of the wall."""
    for registry in SILENT:
        stage.sandbox.fault(registry, None)
    settler, began, worked = Settler(stage.play.rt), stage.play.now, 0
    first, most = time.monotonic(), 0.0
    window, before = first, dict(stage.sandbox.calls())
    while _waiting(stage) and (stage.play.now - began).total_seconds() < 2 * LIMIT:
        turn = time.monotonic()
        done = settler.settle_due(stage.play.now)
        worked += done
        passed = time.monotonic() - turn
        if time.monotonic() - window >= 1.0:
            calls = stage.sandbox.calls()
            span = time.monotonic() - window
            most = max(most, *((calls[code] - before.get(code, 0)) / span for code in calls))
            window, before = time.monotonic(), calls
        if done:
            stage.play.pass_time(seconds=passed)
        else:
            time.sleep(0.02)
            stage.play.pass_time(seconds=1)
    return {
        "settled": worked, "left": _waiting(stage), "most_calls_a_second": round(most, 1),
        "simulated_s": round((stage.play.now - began).total_seconds(), 1), "wall_s": round(time.monotonic() - first, 1),
    }  # fmt: skip


def play_deferred(stage: Scene, needs: int, lasts: timedelta = OUTAGE) -> tuple[bool, dict[str, Any]]:
    """The whole story; whether all held, and the figures."""
    sent = file_in_silence(stage, needs)
    waiting = _waiting(stage)
    outage(stage, lasts)
    kept = _open(stage)
    came = settle(stage)
    registries = stage.play.rt.definitions.catalogue.registries
    allowed = max(float(registries[code].limits.rate_rps) for code in SILENT) * SHARE
    ok = kept == sent and came["left"] == 0 and came["simulated_s"] <= LIMIT
    ok = ok and came["most_calls_a_second"] <= 2 * allowed  # a bucket holds a second's worth
    return ok, {"applications": sent, "lost": sent - kept, "needs": waiting, **came}


def _run(kind: str, given: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    with scene(kind) as stage:
        return play_deferred(stage, given.needs)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hard.deferred", description=__doc__)
    parser.add_argument("--needs", type=int, default=10_000, help="that wait, on each database")
    return on_each(parser, sys.argv[1:] if arguments is None else arguments, _run)


if __name__ == "__main__":
    sys.exit(main())

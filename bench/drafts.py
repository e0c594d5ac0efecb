"""Replay on a draft: how long ten thousand past cases take, read, opened and decided anew. One process."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from bench.figure import Figure, figure
from bench.stage import Stage
from govservice.engine.replay import draft_of
from govservice.operations.replaying import CHUNK, cases_to_replay, play

CASES = 10_000


def figures(stage: Stage) -> Iterator[Figure]:
    """The history's cases, again and again up to ten thousand."""
    rt = stage.rt
    d = rt.definitions.current("open_restaurant")
    draft = draft_of(d, rt.definitions.catalogue, rt.calendars, {})
    with rt.read() as session:
        known = cases_to_replay(session, d.code, CASES)
    same = played = 0
    began = perf_counter()
    while played < CASES:
        for i in range(0, len(known), CHUNK):
            with rt.read() as session:
                verdicts = play(session, draft, known[i : i + CHUNK]).verdicts
            played += len(verdicts)
            same += sum(verdict.kind == "same" for _, verdict in verdicts)
    seconds = perf_counter() - began
    assert same == played, "a case must end the same on its own definition"
    yield figure("replay.ten_thousand_cases", seconds * CASES / played, "s", 60)
    yield figure("replay.cases_per_second", played / seconds, "1/s", CASES / 60, "at_least")

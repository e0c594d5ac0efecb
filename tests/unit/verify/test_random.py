"""Clause: it must accept every sound procedure the format can express and refuse every unsound one. Random block
structured definitions are accepted; random changes of them are judged by the linear check and by the exploration, which
know nothing of each other and must agree."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings

from config import ROOT
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.check import Judges, check_bytes
from govservice.definitions.compile import compile_service
from govservice.definitions.findings import has_errors
from govservice.definitions.loader import Rules, examine
from govservice.definitions.verify import verify
from govservice.engine import explore_world
from govservice.engine.explore import explore
from govservice.engine.explore_findings import problems_of, second_opinion
from tests.builders.random_definitions import as_text, mutated, sound_definitions

CATALOGUE = load_catalogue(ROOT / "workflows")
RULES = Rules(CATALOGUE)
FEW = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@FEW
@given(sound_definitions())
def test_what_is_sound_by_construction_is_accepted(data: Any) -> None:
    """By both judges; a condition that contradicts an earlier one on its way may leave an action unused."""
    checked = check_bytes(as_text(data).encode(), RULES, "random.yaml", Judges(None, second_opinion))
    assert [str(f) for f in checked.findings if f.code not in ("W-UNUSED-ACTION", "W-UNUSED-STEP")] == []


@FEW
@given(mutated())
def test_two_judges_who_know_nothing_of_each_other_agree(change: tuple[Any, str]) -> None:
    """What the linear check calls stuck is stuck when it is played, and the other way round; only the exploration can
    tell what certain answers lead to, and only the linear check an end that nothing leads to, or a way round that
    nobody gives a reason for (such a case can end: it is sent round without a word)."""
    data, what = change
    loaded, faults = examine(as_text(data).encode(), "random.yaml", RULES)
    assume(loaded is not None and not has_errors(faults))
    assert loaded is not None
    compiled = compile_service(loaded.service, catalogue=CATALOGUE)
    ends = {path for path, step in compiled.steps.items() if step.kind == "end"}
    linear = [f for f in verify(compiled, loaded, CATALOGUE) if f.step not in ends and f.code != "E-LOOP"]
    played = list(problems_of(explore(compiled)))
    event(f"{'refused' if linear else 'accepted'} by the one, {'refused' if played else 'accepted'} by the other")
    if any(f.severity == "error" for f in linear):
        assert played, f"{what}: {[str(f) for f in linear]}"
    if played and not ({"guard", "when"} & set(as_text(data).replace('"', " ").split())):
        assert linear, f"{what}: {played}"


@FEW
@given(mutated())
def test_one_branch_at_a_time_comes_to_the_same(change: tuple[Any, str]) -> None:
    loaded, faults = examine(as_text(change[0]).encode(), "random.yaml", RULES)
    assume(loaded is not None and not has_errors(faults))
    assert loaded is not None
    compiled = compile_service(loaded.service, catalogue=CATALOGUE)
    whole = explore(compiled)
    was, explore_world.LARGE = explore_world.LARGE, 0
    try:
        less = explore(compiled)
    finally:
        explore_world.LARGE = was
    assert len(less.nodes) <= len(whole.nodes)
    assert {(p.code, p.step) for p in problems_of(less)} == {(p.code, p.step) for p in problems_of(whole)}

"""Clause: the exploration of the real `decide` with escape edges removed, cancel regions, data guards both ways; a
shortest counterexample run in words; under 1 s in the process for each shipped service."""

from __future__ import annotations

import pytest

from config import ROOT
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.library import Definitions
from govservice.definitions.loader import load_text
from govservice.engine.explore import explore
from govservice.engine.explore_findings import problems_of
from tests.unit.verify.conftest import SOUND, Check

SERVICES = sorted(path.stem for path in (ROOT / "workflows").glob("[sb]*/*.yaml"))  # services and bundles
NO_AGAIN = ("      again: {to: review, reason: true, label: {en: Again, zh: 重审}}\n", "")
NO_REFUSAL = ("      refuse: {to: refused, reason: true, marks: decided, label: {en: Refuse, zh: 不予}}\n", "")
ONLY_ALL = ('{if: "all(approved, not_needed)", to: decision}', '{if: "all(approved)", to: decision}')
THIRD = """\
      third:
        title: {en: Third, zh: 三}
        owner: fire
        start: one
        steps:
          one: {title: {en: One, zh: 一}, actions: {go: {to: two, label: {en: Go, zh: 去}}}}
          two: {title: {en: Two, zh: 二}, actions: {BACK: {to: one, reason: true, label: {en: Back, zh: 回}}}}
      fire:
"""


def compiled(catalogue: Catalogue, *changes: str) -> Compiled:
    text = SOUND
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return compile_service(load_text(text).service, catalogue=catalogue)


@pytest.mark.parametrize("code", SERVICES)
def test_each_shipped_service_is_sound_and_explored_whole(code: str, definitions: Definitions) -> None:
    """How long it takes is a figure of `make bench`, not of a test."""
    found = explore(definitions.current(code))
    assert list(problems_of(found)) == []
    assert found.complete
    assert found.markings > 4


def test_a_shortest_run_in_words_a_designer_understands(judged: Check) -> None:
    (found,) = judged(*ONLY_ALL)
    assert (found.code, found.step) == ("E-JOIN-DEADLOCK", "review")
    assert found.trace == (
        'The applicant: "Submit" at Draft [draft] -> Desk [desk]',
        'Window: "Accept" at Desk [desk], where `premises.area >= 300.0` does not hold'
        " -> Review [review]; Papers [review.food.papers]; Fire: not_needed",
        'Food: "Pass" at Papers [review.food.papers] -> Site [review.food.site]',
        'Food: "Pass" at Site [review.food.site] (the first of two people)',
        'Food: "Pass" at Site [review.food.site] -> Food: approved',
        "The case stands still: Food: approved; Fire: not_needed",
    )


def test_the_linear_checks_runs_are_words_too(judged: Check) -> None:
    (found,) = judged("approve: {to: issue,", 'approve: {to: issue, guard: "shop.seats > 50",')
    assert found.code == "W-GUARD-UNSAT"
    assert found.trace[0] == 'The applicant: "Submit" at Draft [draft]'
    assert found.trace[-1] == "The case stands at Decision [decision]"


def test_nobody_waits_for_a_draft(judged: Check) -> None:
    """A condition of sending says for whom the service is. Where it does not hold nothing was ever begun."""
    assert judged("submit: {", 'submit: {guard: "shop.seats > 3", ') == []


def test_escapes_do_not_count_as_a_way_out(catalogue: Catalogue) -> None:
    """A case that can only be withdrawn is stuck: with the withdrawal every marking could be completed."""
    service = compiled(catalogue, *ONLY_ALL)
    assert [p.code for p in problems_of(explore(service))] == ["E-JOIN-DEADLOCK"]
    lapse = (
        "    limit: 4wd\n    actions:\n",
        "    limit: 4wd\n    timers: [{at: 9wd, do: lapse, to: withdrawn}]\n    actions:\n",
    )
    dead = (
        "approve: {to: issue, marks: decided, not_same_as: [review.food.site]",
        "ask: {correction: true, reason: true",
    )
    found = list(problems_of(explore(compiled(catalogue, *lapse, *dead, *NO_AGAIN, *NO_REFUSAL))))
    assert [(p.code, p.step) for p in found] == [("E-NO-COMPLETION", "decision"), ("W-UNUSED-STEP", "issue")]


def test_conditions_come_out_both_ways(judged: Check) -> None:
    guarded = ("approve: {to: issue,", 'approve: {to: issue, guard: "shop.seats > 3",')
    (found,) = judged(*guarded, *NO_AGAIN, *NO_REFUSAL)
    assert (found.code, found.step) == ("E-MAY-STALL", "decision")
    assert found.trace[-2] == "Not possible at Decision [decision]: `shop.seats > 3` does not hold"
    assert judged(*guarded, *NO_REFUSAL) == [], "the review may still refuse when it is asked again"


def test_answers_stay_what_they_are_on_the_way(judged: Check) -> None:
    """Each step has an action that its own answers allow; together they leave some cases turning for ever."""
    one = ("approve: {to: issue,", 'approve: {to: issue, guard: "shop.seats > 30",')
    two = ("again: {to: review,", "again: {to: look,")
    look = (
        "  issue:\n",
        "  look:\n    title: {en: Look, zh: 看}\n    kind: human\n    owner: head\n    actions:\n"
        '      done: {to: issue, marks: decided, guard: "shop.seats > 40", label: {en: Done, zh: 完}}\n'
        "      back: {to: decision, reason: true, label: {en: Back, zh: 回}}\n  issue:\n",
    )
    (found,) = judged(*one, *two, *look, *NO_REFUSAL)
    assert (found.code, found.step, found.severity) == ("E-NO-COMPLETION", "look", "error")
    assert "only goes round with these answers" in found.message
    assert any("`shop.seats > 30` does not hold" in said for said in found.trace)
    required = ("shop.seats: {type: integer, min: 0,", "shop.seats: {type: integer, required: true, min: 0,")
    fits = (look[0], look[1].replace("shop.seats > 40", "shop.seats <= 30"))
    assert judged(*required, *one, *two, *fits, *NO_REFUSAL) == []


def test_conditions_that_exclude_each_other_never_meet(judged: Check) -> None:
    """Seats are asked of everybody: exactly one of the two departments is needed, and no rule is needed for neither."""
    required = ("shop.seats: {type: integer, min: 0,", "shop.seats: {type: integer, required: true, min: 0,")
    one = ("        owner: food\n", '        owner: food\n        when: "shop.seats < 30"\n')
    other = ('when: "premises.area >= 300.0"', 'when: "shop.seats >= 30"')
    rule = ('{if: "all(approved, not_needed)", to: decision}', '{if: "any(approved)", to: decision}')
    assert judged(*required, *one, *other, *rule) == []
    assert [f.code for f in judged(*one, *other, *rule)] == ["E-JOIN-DEADLOCK"], "where they may be left open"


def test_a_branch_that_never_ends_is_found_beside_others_that_do(judged: Check) -> None:
    """A refusal cancels the turning branch, so the case can end; but not once the others have approved."""
    (found,) = judged("      fire:\n", THIRD.replace("BACK", "back"))
    assert (found.code, found.step) == ("E-NO-COMPLETION", "review.third.one")
    assert "Food: approved" in " ".join(found.trace)
    assert found.trace[-1].startswith("From One [review.third.one]")


def test_cancelled_branches_leave_nothing_open(catalogue: Catalogue) -> None:
    found = explore(compiled(catalogue))
    cancelled = [n for n in found.nodes if any(p.outcome == "cancelled" for p in n.marking.places)]
    closed = [n for n in found.nodes if n.marking.status == "closed"]
    assert closed
    assert all(not p.step.startswith("review.") or p.outcome for n in closed for p in n.marking.places)
    assert not any(n.faults for n in [*cancelled, *closed])


def test_what_never_happens_is_told(catalogue: Catalogue) -> None:
    service = compiled(catalogue, "approve: {to: issue,", 'approve: {to: issue, guard: "shop.seats > 50",')
    found = [(p.code, p.step) for p in problems_of(explore(service))]
    assert found == [("W-UNUSED-ACTION", "decision"), ("W-UNUSED-STEP", "issue")]


def test_a_cap_ends_the_walk_and_nothing_is_concluded_from_what_was_not_seen(catalogue: Catalogue) -> None:
    found = explore(compiled(catalogue), cap=8)
    assert not found.complete
    assert len(found.nodes) == 8
    assert list(problems_of(found)) == []


def test_what_runs_in_circles_by_itself_is_told_not_raised(catalogue: Catalogue) -> None:
    skipped = ("        owner: food\n", '        owner: food\n        when: "shop.seats > 3"\n')
    again = (
        '{if: "all(approved, not_needed)", to: decision}',
        '{if: "all(not_needed)", to: review}\n      - {to: decision}',
    )
    found = list(problems_of(explore(compiled(catalogue, *skipped, *again))))
    assert ("E-AUTO-CYCLE", "desk") in [(p.code, p.step) for p in found]


def test_excluded_time_begins_and_ends_without_changing_where_a_case_may_go(catalogue: Catalogue) -> None:
    """A pause whose length is said when acting, and the action that ends it."""
    pauses = ('promised: 10wd, basis: "art. 42"', 'promised: 10wd, basis: "art. 42", pauses: [hearing]')
    acts = (
        "      refuse: {to: refused, reason: true, marks: decided,",
        "      hear: {pause: hearing, reason: true, label: {en: Hear, zh: 听证}}\n"
        "      heard: {resume: hearing, label: {en: Heard, zh: 听证结束}}\n"
        "      refuse: {to: refused, reason: true, marks: decided,",
    )
    found = explore(compiled(catalogue, *pauses, *acts))
    assert list(problems_of(found)) == []
    assert {("decision", "hear"), ("decision", "heard")} <= found.used

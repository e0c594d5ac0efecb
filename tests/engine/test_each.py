"""Clause "Parallel": several instances known at run time (one consent per adult household member; two inspectors)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pytest

from govservice.definitions.check import check_bytes
from govservice.definitions.loader import Rules
from govservice.engine import MAIN
from govservice.errors import Forbidden
from govservice.models.session import Database
from tests.engine.texts import branch, definition, label, review
from tests.engine.world import CATALOGUE, HE, WU, ZHANG, ZHOU, World, compiled_from

FORM = """\
form:
  - page: one
    title: {en: One, zh: 一}
    fields:
      menu.seats:       {type: integer, label: {en: Seats, zh: 座}}
      household.adults: {type: text, label: {en: Adults, zh: 成年人}}
      sign.text:        {type: text, label: {en: Sign, zh: 招}}
"""
CONSENT = branch("consent", "food", reads="household").replace("  start", "  each: household.adults\n  start") + branch(
    "fire", "fire", reads="sign"
)
REJECT = '- {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}\n'
ALL = '- {if: "all(approved, not_needed)", to: decision}\n'
RECHECK = "{within: 10wd, lapse_to: withdrawn, recheck: reads_changed, notice: each}"


def text_of(branches: str, joins: str) -> str:
    correction = "\n".join(f"{part.strip()}" for part in RECHECK.strip("{}").split(","))
    return definition(review(branches, joins, correction=correction), first="review", form=FORM)


def world(database: Database, adults: str | None, branches: str = CONSENT, joins: str = REJECT + ALL) -> World:
    w = World(database, compiled_from(text_of(branches, joins)))
    w.submit({"menu.seats": 1} if adults is None else {"household.adults": adults})
    return w


def parts(w: World) -> list[tuple[str, str, str | None]]:
    return [(t.scope.removeprefix("review."), t.status, t.outcome) for t in w.state.parts_of("review.consent")]


def test_one_part_for_each_element_known_at_that_moment(database: Database) -> None:
    w = world(database, "anna, bo, chen, bo")
    assert parts(w) == [("consent/0", "active", None), ("consent/1", "active", None), ("consent/2", "active", None)]
    assert [t.role for t in w.state.tasks.values()].count("food") == 3
    opened = [row["data"] for row in w.rows("case_events") if row["type"] == "branch.opened"]
    assert not any("anna" in data for data in opened)  # an element goes by its place: events hold no words of people
    w.do(ZHANG, "pass", "review.consent/1")
    w.do(ZHOU, "pass", "review.fire")
    assert "review" in w.steps()  # two parts are open
    w.do(WU, "pass", "review.consent/0")
    applied = w.do(ZHANG, "pass", "review.consent/2")
    joined = next(e.data["outcomes"] for e in applied.events if e.type == "step.left" and e.token_id == MAIN)
    assert joined == {"consent/0": "approved", "consent/1": "approved", "consent/2": "approved", "fire": "approved"}
    assert w.steps() == ["decision"]
    w.check()


def test_nobody_on_the_list_means_not_needed(database: Database) -> None:
    w = world(database, None)
    assert parts(w) == [("consent", "ended", "not_needed")]
    w.do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]
    w.check()


def test_one_no_among_several_cancels_the_others(database: Database) -> None:
    w = world(database, "a b c")
    w.do(ZHANG, "pass", "review.consent/0")
    w.do(ZHANG, "fail", "review.consent/2", reason="no")
    assert w.state.outcome == "refused"
    assert [p[2] for p in parts(w)] == ["approved", "cancelled", "rejected"]
    w.check()


def test_atleast_counts_the_parts(database: Database) -> None:
    joins = '- {if: "atleast(2, approved)", to: decision, siblings: cancel}\n- {to: refused, marks: decided}\n'
    w = world(database, "a b c", joins=joins)
    w.do(ZHANG, "pass", "review.consent/0")
    w.do(ZHANG, "pass", "review.consent/1")
    assert w.steps() == ["decision"]


def test_re_entry_does_not_mix_rounds(database: Database) -> None:
    """Clause "re-entry in loops without mixing rounds": a part of the last round counts for nothing in this one."""
    w = world(database, "a b c")
    for scope in ("consent/0", "consent/1", "consent/2", "fire"):
        w.do(ZHOU if scope == "fire" else ZHANG, "pass", f"review.{scope}")
    w.do(HE, "reopen", MAIN, reason="again")
    assert {t.round for t in w.state.parts_of("review.consent")} == {2}
    assert {p[1] for p in parts(w)} == {"active"}
    w.ask(ZHANG, "review.consent/0", "household.adults")
    w.resubmit(2, ["household.adults"], {"household.adults": "d"})
    assert [(p[0], p[2]) for p in parts(w)] == [
        ("consent/0", None), ("consent/1", "not_needed"), ("consent/2", "not_needed"),
    ]  # fmt: skip
    w.do(ZHANG, "pass", "review.consent/0")
    w.do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]
    w.do(HE, "reopen", MAIN, reason="again")
    assert parts(w) == [("consent/0", "active", None)]
    w.check()


def test_a_changed_list_begins_every_part_anew_and_opens_new_ones(database: Database) -> None:
    w = world(database, "a b")
    w.do(ZHANG, "pass", "review.consent/0")
    w.ask(ZHOU, "review.fire", "household.adults")
    before = {t.scope: t.entered_seq for t in w.state.parts_of("review.consent")}
    w.resubmit(2, ["household.adults"], {"household.adults": "a b c"})
    assert parts(w) == [("consent/0", "active", None), ("consent/1", "active", None), ("consent/2", "active", None)]
    assert all(t.entered_seq > before.get(t.scope, 0) for t in w.state.parts_of("review.consent"))
    owners = [t.token_id for t in w.state.tasks.values()]
    assert sorted(owners) == sorted(set(owners)), "what began on the old list has no owner any more"
    running = [v["token_id"] for v in w.rows("visits") if v["left_at"] is None]
    assert sorted(running) == sorted(t.id for t in w.state.tokens.values() if t.open)
    w.check()


def test_a_change_that_it_does_not_read_leaves_the_parts_alone(database: Database) -> None:
    w = world(database, "a b")
    w.do(ZHANG, "pass", "review.consent/0")
    w.ask(ZHOU, "review.fire", "sign.text")
    w.resubmit(2, ["sign.text"], {"household.adults": "a b", "sign.text": "new"})
    assert parts(w) == [("consent/0", "ended", "approved"), ("consent/1", "active", None)]
    w.check()


def test_two_inspectors_are_two_people(database: Database) -> None:
    """`not_same_as` of the very step holds between the parts: each inspection by another person."""
    inspect = f"""\
inspect:
  owner: food
  each: household.adults
  start: site
  steps:
    site:
      actions:
        pass: {{end: approved, not_same_as: [review.inspect.site], {label("Pass")}}}
"""
    w = world(database, "first second", inspect + branch("fire", "fire"))
    w.do(ZHANG, "pass", "review.inspect/0")
    with pytest.raises(Forbidden):
        w.do(ZHANG, "pass", "review.inspect/1")
    w.do(WU, "pass", "review.inspect/1")
    w.do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]


# -- what the verifier says


def codes(text: str) -> Iterator[str]:
    checked = check_bytes(textwrap.dedent(text).encode(), Rules(CATALOGUE, open_names=True), "x.yaml")
    return (f.code for f in checked.findings)


def test_the_verifier_weighs_joins_with_one_and_with_several_parts() -> None:
    assert "E-JOIN-DEADLOCK" not in codes(text_of(CONSENT, REJECT + ALL))
    alone, rejected = CONSENT.partition("fire:")[0], '- {if: "all(rejected)", to: refused, marks: decided}\n'
    assert "E-JOIN-DEADLOCK" in codes(text_of(alone, ALL + rejected))  # one says yes, another no
    assert "E-JOIN-DEADLOCK" not in codes(text_of(alone, ALL + rejected.replace("all", "any")))
    few = '- {if: "any(rejected)", to: refused, marks: decided}\n- {if: "atleast(3, approved)", to: decision}\n'
    assert "E-JOIN-DEADLOCK" in codes(text_of(CONSENT, few))  # a household of one


def test_each_names_a_list() -> None:
    wrong = text_of(CONSENT.replace("each: household.adults", "each: menu.seats"), REJECT + ALL)
    assert "E-UNKNOWN-FIELD" in codes(wrong)
    assert "E-UNKNOWN-FIELD" in codes(text_of(CONSENT.replace("each: household.adults", "each: no.such"), REJECT + ALL))

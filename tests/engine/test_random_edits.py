"""Clause 10, as a property: random edits of a definition x running cases. Every case moves whole by the derived map, or
stays whole and says why; the tables equal the fold of the events; whoever moved comes to an end there."""

from __future__ import annotations

import random

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, Offer, available
from govservice.engine.types import Ctx
from govservice.models.session import Database
from tests.engine.test_bundle import TEXT as BUNDLE
from tests.engine.test_bundle import bundle
from tests.engine.test_each import ALL, CONSENT, REJECT, text_of
from tests.engine.test_migration import DESK, OLD, migrate, publish, text, why_not
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch
from tests.engine.world import CALENDARS, CATALOGUE, HE, LEAD, LI, MONDAY, SUN, ZHANG, ZHOU, World, compiled_from

PEOPLE = (LI, ZHANG, ZHOU, SUN, HE, LEAD)
ROUNDS, MOST_ACTS = 40, 60
# What a designer may do to it: the text, and the steps that a map between the two would rename.
EDITS = {
    "renamed": (text(desk=DESK.replace("desk:", "counter:")).replace("to: desk", "to: counter"), {"desk": "counter"}),
    "renamed without a map": (text(desk=DESK.replace("desk:", "counter:")).replace("to: desk", "to: counter"), {}),
    "another owner": (text(desk=DESK.replace("owner: window", "owner: head")), {}),
    "another limit": (text(desk=DESK.replace("limit: 5wd", "limit: 9wd")), {}),
    "no timer": (text(desk=DESK.partition("  timers:")[0]), {}),
    "one more timer": (text(desk=DESK + "    - {at: 100%limit, do: escalate, to_role: head}\n"), {}),
    "one more branch": (text(branches=branch("sign", "urban")), {}),
    "a branch less": (text().replace("      fire:\n        owner: fire", "      sign:\n        owner: urban"), {}),
    "no delivery": (text(head=LIMITS.replace("  delivery:", "  handover:") + TOP_CORRECTION), {}),
    "a longer decision": (text(head=LIMITS.replace("statutory: 20wd", "statutory: 30wd") + TOP_CORRECTION), {}),
    "a reason more": (text(desk=DESK.replace("marks: accepted,", "marks: accepted, reason: true,")), {}),
    "no correction": (text(desk=DESK.replace("    correct:", "    #")), {}),
}


def choices(world: World) -> list[tuple[Actor, Offer]]:
    state, d = world.state, world.definitions.by_sha(world.state.def_sha)
    people = (*PEOPLE, world.wang)
    offers = [(who, o) for who in people for o in available(d, state, who, Ctx(CATALOGUE, None, None, CALENDARS["cn"]))]
    return [(who, o) for who, o in offers if o.allowed and o.kind in ("action", "resubmit")]


def act(world: World, rng: random.Random) -> bool:
    """One random act; False where nobody can do anything."""
    found = choices(world)
    if not found:
        return False
    who, offer = rng.choice(found)
    if offer.kind == "resubmit":
        world.resubmit(world.state.data_rev + 1, ["menu.seats"], {"menu.seats": rng.randrange(1, 50)})
        return True
    data = {"items": {"menu.seats": "?"}} if offer.needs.items else {}
    world.do(who, offer.action, offer.token_id, data=data, reason="x" if offer.needs.reason else None)
    return True


def test_random_edits_x_running_cases(database: Database) -> None:
    world, rng = World(database, OLD), random.Random(20260302)
    versions: dict[str, Compiled] = {}
    fates: dict[str, set[str]] = {"moved": set(), "stayed": set()}
    for n in range(ROUNDS):
        world.at(MONDAY).submit({"menu.seats": 5})
        for _ in range(rng.randrange(6)):
            if world.state.status == "open":
                act(world, rng)
        name = sorted(EDITS)[n % len(EDITS)]
        edited, steps = EDITS[name]
        if edited not in versions:
            versions[edited] = publish(world, compiled_from(edited), 2 + len(versions))
        new = versions[edited]
        assert new.sha != OLD.sha, f"{name} edits nothing"
        reasons = why_not(world, new, steps=steps)  # it changes nothing, and the real one refuses alike
        if reasons:
            assert world.state.def_sha == OLD.sha
            fates["stayed"].add(name)
        else:
            migrate(world, new, steps=steps)
            assert world.state.def_sha == new.sha
            fates["moved"].add(name)
        world.check()
        for _ in range(MOST_ACTS):
            if world.state.status == "closed":
                break
            assert act(world, rng), f"{name}: nobody can act at {world.steps()}"
        world.check()
    assert len(fates["moved"]) >= 6, fates
    assert len(fates["stayed"]) >= 3, fates


def test_the_parts_of_a_branch_for_each_element_move_with_their_numbers(database: Database) -> None:
    """`review.consent/0` and its siblings: the map says where the branch stands, the number stays."""
    old = text_of(CONSENT, REJECT + ALL)
    world = World(database, compiled_from(old))
    world.submit({"household.adults": "anna, bo"})
    world.do(ZHANG, "pass", "review.consent/1")
    single = publish(world, compiled_from(old.replace("        each: household.adults\n", "")), 2)
    assert why_not(world, single) == ["no_branch"], "one part for all is not two parts"
    moved = publish(world, compiled_from(old.replace("      consent:\n", "      agree:\n")), 3)
    assert why_not(world, moved) != []
    migrate(world, moved, steps={"review.consent.desk": "review.agree.desk"})
    parts = {t.scope: t.outcome for t in world.state.parts_of("review.agree")}
    assert parts == {"review.agree/0": None, "review.agree/1": "approved"}
    world.check()
    world.do(ZHANG, "pass", "review.agree/0")
    world.do(ZHOU, "pass", "review.fire")
    assert world.steps() == ["decision"]
    world.check()


def test_a_bundle_moves_with_the_children_it_has_planned(database: Database) -> None:
    world = bundle(database)
    world.says("police", "granted")
    fewer = BUNDLE.replace("      - {service: benefit}\n", "")
    assert fewer != BUNDLE
    assert why_not(world, publish(world, compiled_from(fewer), 2)) == ["child"]
    renamed = BUNDLE.replace("  together:\n", "  jointly:\n").replace("to: together", "to: jointly")
    migrate(world, publish(world, compiled_from(renamed), 3), steps={"together": "jointly"})
    assert {c.step for c in world.state.children.values()} == {"jointly"}
    world.check()
    for service in ("benefit", "insurance", "card"):
        world.says(service, "granted")
    assert world.state.outcome == "granted"
    world.check()

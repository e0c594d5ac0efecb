"""The compiled form: one shared flat machine that says what the edges say, versions by content, defaults."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from transitions import Machine, MachineError
from transitions.extensions import HierarchicalMachine

from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.compile import canonical_json, compile_service, service_from_json, sha_of
from govservice.definitions.compiled import Compiled
from govservice.definitions.library import load_library
from govservice.definitions.loader import load_file, load_text
from govservice.definitions.machine import final_state, machine_edges
from tests.builders.definitions import DATA, LINE, compile_text, open_restaurant_full, small, small_text

WORKFLOWS = Path(__file__).parents[3] / "workflows"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(WORKFLOWS)


@pytest.fixture(scope="module")
def full(catalogue: Catalogue) -> Compiled:
    return open_restaurant_full(catalogue)


def edges_of(compiled: Compiled) -> set[tuple[str, str, str]]:
    """What the machine must hold, told from the edges alone."""
    found = set()
    for source, edges in compiled.out.items():
        for edge in edges:
            assert edge.source == source
            for target in edge.targets:
                assert (target.to is None) != (target.end is None)
                scope = compiled.steps[source].scope or source
                found.add((edge.name, source, target.to or f"{scope}#{target.end}"))
    return found


def test_the_machine_says_what_the_edges_say(full: Compiled) -> None:
    assert machine_edges(full.machine) == edges_of(full)
    for code in load_library(WORKFLOWS).codes():
        compiled = load_library(WORKFLOWS).current(code)
        assert machine_edges(compiled.machine) == edges_of(compiled)


def test_the_machine_is_flat_shared_and_without_models(full: Compiled) -> None:
    assert isinstance(full.machine, Machine)
    assert not isinstance(full.machine, HierarchicalMachine)
    callbacks = ("prepare_event", "before_state_change", "after_state_change", "finalize_event", "on_exception")
    assert all(getattr(full.machine, name) == [] for name in callbacks), "`Way` calls none"
    assert full.machine.models == []
    assert not full.machine.has_queue
    assert not [name for name in full.machine.events if name.startswith("to_")]
    assert set(full.steps) <= set(full.machine.states)
    assert {"review.food#approved", "review.food#rejected", "review.food#cancelled", "review.fire#not_needed"} <= set(
        full.machine.states
    )


def token(state: str) -> SimpleNamespace:
    return SimpleNamespace(state=state)


def test_guards_are_conditions_that_read_the_values() -> None:
    more = """
        form:
          - page: menu
            title: {en: Menu, zh: 菜单}
            fields:
              seats: {type: integer, required: true, label: {en: Seats, zh: 座位}}
        """
    to = "to: [{guard: seats > 50, to: decision}, {to: done}]"
    compiled = small(LINE.replace("accept: {to: decision,", f"accept: {{{to},"), more=more)
    for values, expected in (({"seats": 60}, "decision"), ({"seats": 5}, "done"), ({}, "done")):
        moving = token("desk")
        assert compiled.machine.events["accept"].trigger(moving, values)
        assert moving.state == expected


def test_a_guarded_action_without_its_guard_goes_nowhere() -> None:
    guarded = LINE.replace("accept: {to: decision,", "accept: {to: decision, guard: \"actor.role == 'window'\",")
    compiled = small(guarded)
    moving = token("desk")
    assert not compiled.machine.events["accept"].trigger(moving, {"actor.role": "head"})
    assert moving.state == "desk"
    assert compiled.machine.events["accept"].trigger(moving, {"actor.role": "window"})
    assert moving.state == "decision"


def test_an_action_of_another_step_is_no_way(full: Compiled) -> None:
    with pytest.raises(MachineError):
        full.machine.events["approve"].trigger(token("draft"), {})


def test_four_threads_share_one_machine(full: Compiled) -> None:
    wrong: list[str] = []

    def walk() -> None:
        for _ in range(300):
            moving = token("review.food.desk")
            for action in ("ask", "pass", "pass"):
                full.machine.events[action].trigger(moving, {})
            if moving.state != final_state("review.food", "approved"):
                wrong.append(moving.state)

    before = machine_edges(full.machine)
    threads = [threading.Thread(target=walk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert machine_edges(full.machine) == before
    assert full.machine.models == []


def test_edges_of_the_reference_example(full: Compiled) -> None:
    named = {source: [edge.name for edge in edges] for source, edges in full.out.items()}
    assert named["acceptance"] == ["accept", "correct", "decline", "withdraw", "@lapse", "@lapse1", "@renewed"]
    assert named["review"] == ["@join0", "@join1", "withdraw", "@lapse", "@lapse1", "@renewed"]
    assert named["fee"] == ["@ok", "@fail", "@lapse", "@lapse1", "@renewed"]  # withdraw says `unless: [fee]`
    assert named["decision"][-2:] == ["@lapse", "@renewed"], "a deferred material that does not come ends the case"
    assert "@lapse" not in named["draft"], "nothing is put off before it is sent"
    assert named["post_check"] == ["confirm", "revoke"]
    assert named["done"] == []
    correct = full.edge("acceptance", "correct")
    assert correct is not None
    assert correct.correction
    assert [target.to for target in correct.targets] == ["acceptance"]
    approve = full.edge("decision", "approve")
    assert approve is not None
    assert (approve.by, approve.marks, approve.escape) == ("head", "decided", False)
    passed = full.edge("review.food.site", "pass")
    assert passed is not None
    assert (passed.by, passed.two_people, passed.requires_attachments) == ("food", True, ("site_report",))
    lapse = full.edge("review", "@lapse")
    assert lapse is not None
    assert (lapse.kind, lapse.escape, lapse.targets[0].to) == ("lapse", True, "withdrawn")


def test_branches_and_policies(full: Compiled) -> None:
    block = full.blocks["review"]
    assert [(b.name, b.start, b.outcomes) for b in block.branches] == [
        ("food", "review.food.desk", ("approved", "rejected")),
        ("fire", "review.fire.site", ("approved", "rejected", "not_needed")),
        ("sign", "review.sign.desk", ("approved", "rejected", "not_needed")),
    ]
    assert block.correction is not None
    assert (block.correction.notice, str(block.correction.collect_within)) == ("once", "3wd")
    assert [edge.siblings for edge in block.joins] == ["cancel", "wait"]
    step = full.steps["review.food.desk"]
    assert (step.kind, step.owner, step.reads) == ("human", "food", ("menu", "health", "rules", "layout"))
    assert full.correction is not None
    assert full.correction.lapse_to == "withdrawn"


def test_defaults_of_fields_and_labels_of_the_catalogue(full: Compiled) -> None:
    fields = full.service.fields
    assert fields["org.name"].required
    assert dict(fields["org.name"].label) == {"en": "Name of the enterprise", "zh": "企业名称"}
    assert (fields["premises.area"].unit, fields["premises.area"].page) == ("m2", "premises")
    assert fields["premises.area"].label["en"] == "Floor area"
    assert fields["menu.kind"].shown(["hot", "raw"], {}) == {"en": "Hot dishes, Raw food", "zh": "热食、生食"}
    assert fields["premises.area"].shown("326.40", {}) == {"en": "326.40 m²", "zh": "326.40 平方米"}
    assert full.service.materials["layout"].required
    assert list(full.page_conditions) == ["sign"]
    assert list(full.materiality) == ["premises"]


def test_the_version_is_the_hash_of_what_the_file_says_not_of_how() -> None:
    text = (DATA / "open_restaurant_full.yaml").read_text()
    service = load_text(text).service
    commented = load_text("# a comment\n" + text.replace("30d, revalidate", "30d,  revalidate")).service
    assert sha_of(commented) == sha_of(service)
    assert sha_of(load_text(text.replace("promised: 15wd", "promised: 14wd")).service) != sha_of(service)


def test_the_order_that_people_see_is_part_of_the_version() -> None:
    text = small_text()
    swapped = text.replace("  done: {kind: end, outcome: granted}\n", "") + "  done: {kind: end, outcome: granted}\n"
    assert list(load_text(swapped).service.steps) != list(load_text(text).service.steps)
    assert sha_of(load_text(swapped).service) != sha_of(load_text(text).service)


def test_canonical_json_reads_back_to_the_same_service(catalogue: Catalogue) -> None:
    service = load_file(DATA / "open_restaurant_full.yaml").service
    again = service_from_json(canonical_json(service))
    assert again == service
    assert list(again.steps) == list(service.steps)
    assert canonical_json(again) == canonical_json(service)
    assert json.loads(canonical_json(service))["steps"][0][0] == "draft"
    assert compile_service(again, catalogue=catalogue).sha == sha_of(service)


def test_a_service_cannot_be_changed(full: Compiled) -> None:
    with pytest.raises(ValueError, match="frozen"):
        full.service.start = "decision"  # type: ignore[misc]
    with pytest.raises(TypeError):
        full.steps["draft"] = full.steps["decision"]  # type: ignore[index]


def test_a_text_without_titles_compiles_under_its_ids() -> None:
    compiled = compile_text(small_text(LINE.replace("  title: {en: Desk, zh: 办理}\n", "")))
    assert compiled.steps["desk"].title == {"en": "desk", "zh": "desk"}
    assert compiled.steps["refused"].title["zh"] == "不予许可"

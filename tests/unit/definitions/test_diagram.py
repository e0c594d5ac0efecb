"""The pictures: Mermaid text that its parser would take, and the order of the flow."""

from __future__ import annotations

import re

from govservice.definitions.diagram import flow, mermaid
from tests.builders.definitions import LINE, open_restaurant_full, small

FULL = open_restaurant_full()
_STATE = re.compile(r'\s*state "[^"]*" as s_\w+( \{)?')
_ARROW = re.compile(r"\s*(\[\*\]|s_\w+) --> (\[\*\]|s_\w+)( : [^:;#{}]+)?")


def test_every_line_is_a_state_an_arrow_or_a_bracket() -> None:
    for language in ("en", "zh"):
        for escapes in (False, True):
            lines = mermaid(FULL, here=["review.fire.site"], language=language, escapes=escapes).splitlines()
            assert lines[0] == "stateDiagram-v2"
            for line in lines[1:]:
                known = _STATE.fullmatch(line) or _ARROW.fullmatch(line) or line.strip() in ("}", "--")
                assert known or line.strip().startswith(("class ", "classDef ")), line
            assert sum(line.endswith("{") for line in lines) == sum(line.strip() == "}" for line in lines) == 4


def test_a_parallel_step_is_a_composite_state_with_a_region_for_each_branch() -> None:
    text = mermaid(FULL)
    inside = text[text.index("as s_review {") : text.index("  }\n  state")]
    assert inside.count("    --\n") == 2
    assert 'state "Fire safety" as s_review__fire {' in inside
    assert "s_review__food__site --> [*] : Site passed [approved]" in inside
    assert "s_review --> s_decision : all(approved, not_needed)" in text


def test_escapes_are_drawn_on_request() -> None:
    assert "Withdraw" not in mermaid(FULL)
    assert "s_withdrawn" not in mermaid(FULL)
    assert "s_decision --> s_withdrawn : Withdraw" in mermaid(FULL, escapes=True)


def test_where_a_case_stands_is_marked() -> None:
    assert "class s_decision here" in mermaid(FULL, here=["decision"])
    assert "class " not in mermaid(FULL)


def test_texts_cannot_become_syntax() -> None:
    odd = LINE.replace("{en: Desk, zh: 办理}", '{en: \'De"sk; --> [*] : x {\', zh: "办:理"}')
    for language in ("en", "zh"):
        for line in mermaid(small(odd), language=language).splitlines()[1:]:
            assert _STATE.fullmatch(line) or _ARROW.fullmatch(line), line


def test_the_flow_is_in_the_order_of_the_way() -> None:
    columns = flow(FULL, ends=True)
    paths = [[[node.path for node in lane.nodes] for lane in column.lanes] for column in columns]
    assert paths == [
        [["draft"]],
        [["acceptance"]],
        [["review.food.desk", "review.food.site"], ["review.fire.site"], ["review.sign.desk"]],
        [["decision"]],
        [["fee"]],
        [["issue"]],
        [["done"], ["refused"]],
    ]
    assert [column.block for column in columns] == [None, None, "review", None, None, None, None]
    assert [lane.conditional for lane in columns[2].lanes] == [False, True, True]


def test_a_way_back_does_not_move_a_step_to_the_right() -> None:
    looped = LINE.replace(
        "approve: {to: done,", "back: {to: desk, label: {en: Back, zh: 退回}}\n    approve: {to: done,"
    )
    assert [column.lanes[0].nodes[0].path for column in flow(small(looped))] == ["draft", "desk", "decision"]

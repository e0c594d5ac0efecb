"""The catalogue of events: what the code says, what the page says and what is folded are the same."""

from __future__ import annotations

import pytest

from config import ROOT
from govservice.engine import CaseState, Event, evolve
from govservice.engine import evolve as engine_evolve
from govservice.engine.events import BY_NAME, CATALOGUE, as_markdown
from govservice.engine.evolve import HANDLERS, UPCASTS, upcast

PAGE = ROOT / "docs" / "events.md"


def test_the_page_is_the_catalogue() -> None:
    """To print it anew: put `as_markdown()` in place of everything from the first `## ` on."""
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index("## `") :].rstrip() == as_markdown().rstrip()


def test_every_type_is_folded_and_every_fold_is_catalogued() -> None:
    assert set(HANDLERS) == set(BY_NAME)
    assert len(BY_NAME) == len(CATALOGUE)


def test_old_versions_are_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Event] = []
    monkeypatch.setitem(UPCASTS, ("clock.breached", 1), lambda d: {**d, "two": 2})
    monkeypatch.setitem(UPCASTS, ("clock.breached", 2), lambda d: {**d, "three": d["two"] + 1})
    monkeypatch.setitem(HANDLERS, "clock.breached", lambda _st, ev: seen.append(ev))
    old = Event(1, "2026-03-02T02:00:00.000000Z", "clock.breached", 1, "system", None, None, {"key": "limit:x"}, "k")
    assert upcast(old).v == 3
    engine_evolve(CaseState(), old)
    assert seen[0].data == {"key": "limit:x", "two": 2, "three": 3}


def test_folding_ignores_what_it_does_not_know() -> None:
    event = Event(1, "2026-03-02T02:00:00.000000Z", "not.yet", 1, "system", None, None, {}, "k")
    assert evolve(CaseState(), event).seq == 1


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda e: e.name)
def test_every_type_says_what_it_means(entry: object) -> None:
    assert getattr(entry, "meaning", "").endswith(".")

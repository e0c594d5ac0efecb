"""Second versions of two procedures of the simulation: steps, a branch and a field have other names, limits another
length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from govservice.definitions.migrations import Migration


class Change(NamedTuple):
    """What the second version says differently, and the map that leads to it."""

    edits: tuple[tuple[str, str], ...]
    steps: Mapping[str, str]
    fields: Mapping[str, str]

    def map(self, service: str, back: bool) -> Migration:
        steps, fields = self.steps, self.fields
        if back:
            steps, fields = ({new: old for old, new in names.items()} for names in (steps, fields))
        return Migration(service=service, steps=dict(steps), fields=dict(fields))


CHANGES = {
    "neighbours": Change(
        (
            ("sign.text:", "board.text:"), ("reads: [sign, house]", "reads: [board, house]"),
            ("submit: {to: desk,", "submit: {to: counter,"),
            ("  desk:\n    title: {en: Desk", "  counter:\n    title: {en: Desk"),
            ("limit: 8wd", "limit: 9wd"), ("statutory: 20wd, promised: 10wd", "statutory: 20wd, promised: 12wd"),
            ("{at: 50%limit, do: warn}", "{at: 80%limit, do: warn}"),
        ), {"desk": "counter"}, {"sign.text": "board.text"},
    ),
    "workshop": Change(
        (
            ("      food:\n        title", "      papers:\n        title"), ("review.food.desk", "review.papers.desk"),
            ("to: decision}", "to: ruling}"), ("  decision:\n    title", "  ruling:\n    title"),
            ("statutory: 20wd, promised: 10wd", "statutory: 25wd, promised: 8wd"),
            ("limit: 2wd\n    actions:\n      accept", "limit: 3wd\n    actions:\n      accept"),
        ), {"review.food.desk": "review.papers.desk", "decision": "ruling"}, {},
    ),
}  # fmt: skip


def second(service: str, text: str) -> str:
    """The text of the second version. Raises ValueError where the first one does not say what is changed."""
    for old, new in CHANGES[service].edits:
        if old not in text:
            raise ValueError(f"{service} does not say {old!r}")
        text = text.replace(old, new)
    return text

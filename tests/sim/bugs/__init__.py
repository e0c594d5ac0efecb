"""Bugs to put into the product one at a time, to see whether the simulation sees them (docs/simulation.md).

Each replaces one text of one file; the text must be found exactly once, so that a bug that does not apply any more is
noticed. `needs` names the kind of database that shows it (`any`, or `postgres`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bug:
    """One change. `what` says what goes wrong by it."""

    name: str
    what: str
    file: str
    old: str
    new: str
    needs: str = "any"


class DoesNotApply(Exception):
    """The text is not there, or more than once."""


def apply(bug: Bug, root: Path) -> None:
    """Writes the bug into a copy of the tree. Raises DoesNotApply."""
    path = root / bug.file
    text = path.read_text(encoding="utf-8")
    if text.count(bug.old) != 1:
        raise DoesNotApply(f"{bug.name}: {bug.file} holds the text {text.count(bug.old)} times")
    path.write_text(text.replace(bug.old, bug.new), encoding="utf-8")

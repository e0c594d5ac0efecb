"""What the format knows and the portal does not carry out yet: each use is an info, and publishing refuses infos."""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.reader import Path
from govservice.definitions.walk import (
    Raw,
    Report,
    children,
    fields,
    listing,
    word,
)

Use = tuple[Path, str]


def check_not_executed(report: Report, data: Raw, catalogue: Catalogue | None) -> None:
    """Adds one finding of severity info for each use of a part that is checked but not executed."""
    for path, what in _uses_of_facts(data, catalogue):
        report.add("I-NOT-EXECUTED", "info", path, f"{what} is checked, but not executed yet; publishing refuses it")


def _uses_of_facts(data: Raw, catalogue: Catalogue | None) -> Iterator[Use]:
    shown = {word(node, "fact") for _, _, node, _ in fields(data)}
    keys = ("as_of", "pending_within", "on_change")
    for name, fact in children(data, "facts"):
        if "predicate" in fact and name not in shown:
            yield ("facts", name, "predicate"), "a `predicate` that no field of the form shows"
        for key in keys:
            if key in fact:
                yield ("facts", name, key), f"`{key}` of a fact"
        if fact.get("pending") == "allowed":
            yield ("facts", name, "pending"), "`pending` of a fact"
        if fact.get("show") not in (None, "readonly"):
            yield ("facts", name, "show"), f"`show: {fact['show']}`"
        if fact.get("consent") == "explicit":
            yield ("facts", name, "consent"), "explicit consent"
        for source in listing(fact, "from"):
            known = {"facts", *(catalogue.documents if catalogue is not None else ())}
            if isinstance(source, dict) and "vault" in source and word(source, "vault") not in known:
                yield ("facts", name, "from"), "the vault"

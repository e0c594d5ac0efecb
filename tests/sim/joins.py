"""Join rules, read a second time: from their text, over outcomes by part."""

from __future__ import annotations

import re
from typing import Any

from tests.sim.reading import Case
from tests.sim.rights import Rules

CALL = re.compile(r"(any|all|atleast)\(([^)]*)\)")


def rule_holds(source: str | None, outcomes: dict[str, str | None]) -> bool:
    """`any(...)`, `all(...)`, `atleast(n, ...)`, joined by `or` above `and`. Without a source: all have ended."""
    ends = list(outcomes.values())
    if source is None:
        return None not in ends
    return any(all(_one(part, ends) for part in alternative.split(" and ")) for alternative in source.split(" or "))


def _one(text: str, ends: list[str | None]) -> bool:
    found = CALL.fullmatch(text.strip())
    assert found is not None, text
    kind, words = found[1], [word.strip() for word in found[2].split(",")]
    if kind == "all":
        return all(end in words for end in ends)
    least = int(words.pop(0)) if kind == "atleast" else 1
    return sum(end in words for end in ends) >= least


def first(joins: Any, outcomes: dict[str, str | None]) -> Any:
    """The rule that fires now; None where none does."""
    complete = None not in outcomes.values()
    for edge in joins:
        source = edge.join.source if edge.join is not None else None
        early = edge.siblings == "cancel" and source is not None and "all(" not in source
        if (complete or early) and rule_holds(source, outcomes):
            return edge
    return None


def outcomes(rules: Rules, case: Case, block: Any) -> dict[str, str | None]:
    """How each part of the present round ended; None while it is open, has not begun, or rests on what has changed."""
    found: dict[str, str | None] = {}
    for branch in block.branches:
        parts = [t for t in case.parts(block.path) if t.branch == branch.scope and t.round == case.rounds[block.path]]
        if not parts:
            found[branch.name] = None
        for token in parts:
            ended = not token.open and not outdated(rules, case, block, branch, token)
            found[token.scope.removeprefix(block.path + ".")] = token.outcome if ended else None
    return found


def outdated(rules: Rules, case: Case, block: Any, branch: Any, token: Any) -> bool:
    if block.correction is None or block.correction.recheck is None or token.outcome == "not_needed":
        return False
    return any(rev > token.rev and touches(rules, case, branch, names) for rev, names in case.changes)


def touches(rules: Rules, case: Case, branch: Any, names: list[str]) -> bool:
    """Whether what changed is something that a branch reads: a field, its first part, the fact behind it."""
    service = rules.of(case).service
    if not branch.reads:
        return bool(names)
    for name in names:
        words = {name, name.partition(".")[0]}
        if name in service.fields:
            words.add(service.fields[name].fact)
        if name in service.materials and service.materials[name].replaced_by is not None:
            words.add(service.materials[name].replaced_by.fact)
        if words & set(branch.reads):
            return True
    return False

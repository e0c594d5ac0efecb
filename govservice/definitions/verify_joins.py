"""Joins: does every combination of outcomes fire a rule, and can every rule fire?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from govservice.definitions.compiled import Block, Branch, Bundle, Edge
from govservice.definitions.schema import Service
from govservice.definitions.verify_data import Data
from govservice.definitions.verify_graph import Notes

MAX_COMBINATIONS = 20_000
MAX_PARTS = 4  # parts of a branch with `each` that are weighed together
Outcomes = dict[str, str | None]


def check_joins(notes: Notes) -> None:
    compiled = notes.graph.compiled
    for block in (*compiled.blocks.values(), *(_as_block(bundle) for bundle in compiled.bundles.values())):
        if block.path in notes.graph.reachable("") and all(branch.outcomes for branch in block.branches):
            _numbers(notes, block)
            _combinations(notes, block)


def _as_block(bundle: Bundle) -> Block:
    """A bundle's children as if they were branches: its rules are weighed in the same way."""
    title = {"en": "", "zh": ""}
    children = tuple(
        Branch(f"{bundle.path}.{s.service}", s.service, bundle.path, title, "", "", (), s.when, s.outcomes)
        for s in bundle.spawns
    )
    return Block(bundle.path, children, None, bundle.joins)


def _numbers(notes: Notes, block: Block) -> None:
    if any(branch.each is not None for branch in block.branches):
        return  # how many parts there are is known at run time
    for rule in block.joins:
        if rule.join is not None and rule.join.atleast > len(block.branches):
            message = (
                f"asks for at least {rule.join.atleast} branches, but {block.path!r} has {len(block.branches)}: "
                "this can never be. Lower the number."
            )
            notes.at_edge("E-JOIN-ATLEAST", rule, message)


def _combinations(notes: Notes, block: Block) -> None:
    size = sum(prod(len(_distinct(b, block.joins)) for b in parts) for parts in _numbers_of_parts(block))
    if size > MAX_COMBINATIONS:
        message = f"its branches can end in {size} combinations, too many to check: use fewer outcomes or branches."
        notes.at_step("E-JOIN-TOO-WIDE", block.path, message)
        return
    fired: set[str] = set()
    stuck: Outcomes | None = None
    conditions = _Conditions(block, notes.graph.compiled.service)
    for outcomes in _all_outcomes(block):
        first = next((rule for rule in block.joins if _holds(rule, outcomes)), None)
        if first is None and stuck is None and conditions.allow(outcomes):
            stuck = outcomes
        fired |= set(_firing(block, outcomes, first))
    if stuck is not None:
        _tell_deadlock(notes, block, stuck)
    _tell_shadowed(notes, block, fired)


def _all_outcomes(block: Block) -> Iterator[Outcomes]:
    for parts in _numbers_of_parts(block):
        names = [b.name if b.name not in (p.name for p in parts[:i]) else f"{b.name}/{i}" for i, b in enumerate(parts)]
        for combination in product(*(_distinct(branch, block.joins) for branch in parts)):
            yield dict(zip(names, combination, strict=True))


def _numbers_of_parts(block: Block) -> Iterator[list[Branch]]:
    """The block's branches, those with `each` once, twice, ... as often as the rules can tell apart."""
    rules = [rule.join for rule in block.joins if rule.join is not None]
    most = min(MAX_PARTS, max(2, *(rule.atleast for rule in rules), 0))
    if all(branch.each is None for branch in block.branches):
        most = 1
    for number in range(1, most + 1):
        yield [b for branch in block.branches for b in [branch] * (number if branch.each is not None else 1)]


def _distinct(branch: Branch, rules: Sequence[Edge]) -> list[str]:
    """Outcomes of a branch, one for each that the rules tell apart (not_needed always stays)."""
    named = frozenset(word for rule in rules if rule.join for word in rule.join.outcomes)
    kept: dict[str, str] = {}
    for outcome in branch.outcomes:
        kept.setdefault(outcome if outcome in named or outcome == "not_needed" else "(other)", outcome)
    return list(kept.values())


def _holds(rule: Edge, outcomes: Mapping[str, str | None]) -> bool:
    return rule.join is not None and rule.join.holds(outcomes)


def _firing(block: Block, outcomes: Outcomes, first: Edge | None) -> Iterator[str]:
    """Rules that fire in some order of the branches' ends towards these outcomes.

    Rules that cancel are weighed after each end, all rules after the last. So a rule fires with the last end only
    if no cancelling rule held before it, and a cancelling one also while branches are still open.
    """
    cancelling = [rule for rule in block.joins if rule.siblings == "cancel"]
    for rule in cancelling:  # the earliest state in which this one can hold: only what it names has ended
        named = {"not_needed"} | (rule.join.outcomes if rule.join else set())
        yield from _early(cancelling, {n: o if o in named else None for n, o in outcomes.items()})
    last = [{**outcomes, name: None} for name, outcome in outcomes.items() if outcome != "not_needed"]
    for before in last or [outcomes]:
        early = list(_early(cancelling, before))
        yield from early or ([first.name] if first is not None else [])


def _early(cancelling: Sequence[Edge], outcomes: Outcomes) -> Iterator[str]:
    """The rule that fires while branches are still open, if one does."""
    if None in outcomes.values():
        yield from [rule.name for rule in cancelling if _holds(rule, outcomes)][:1]


class _Conditions:
    """Which branches can be needed together, by their `when`."""

    def __init__(self, block: Block, service: Service) -> None:
        self.when = {branch.name: branch.when for branch in block.branches if branch.when is not None}
        self.listed = {branch.name for branch in block.branches if branch.each is not None}
        self.data = Data(service, self.when.values())

    def allow(self, outcomes: Outcomes) -> bool:
        """A branch with `each` may also be left out because its list is empty: of it only being needed is certain."""
        said: dict[str, bool] = {}
        for name, when in self.when.items():
            needed = outcomes[name] != "not_needed"
            if name in self.listed and not needed:
                continue
            if said.setdefault(when.source, needed) is not needed:
                return False  # two branches under one condition
        return self.data.can_be(said)


def _tell_deadlock(notes: Notes, block: Block, outcomes: Outcomes) -> None:
    ends = [f"{block.path}.{name}#{outcome}" for name, outcome in outcomes.items()]
    said = ", ".join(f"{name} {outcome}" for name, outcome in outcomes.items())
    message = (
        f"When all departments are done ({said}), no rule of the join fires and the case stands still for ever. "
        "Add a rule for it, or a last one without `if`."
    )
    place = ("steps", block.path, "join")
    notes.add("E-JOIN-DEADLOCK", place, message, step=block.path, trace=(*notes.graph.run_to(block.path), *ends))


def _tell_shadowed(notes: Notes, block: Block, fired: set[str]) -> None:
    for rule in block.joins:
        if rule.name not in fired:
            message = (
                "this rule never fires: whenever it holds, an earlier one has fired already. Move it up, or remove it."
            )
            notes.at_edge("W-SHADOWED-RULE", rule, message)

"""Which commands need the applicant's answers: only where an expression on the way may read them."""

from __future__ import annotations

from govservice.definitions.compiled import Compiled, Edge
from govservice.engine.state import CaseState
from govservice.engine.types import Command

_CACHE: dict[tuple[str, str, str], bool] = {}  # (definition, step, trigger): a definition never changes


def reads_answers(d: Compiled, st: CaseState, cmd: Command) -> bool:
    """Whether deciding this command may evaluate an expression over answers, or find the area in them."""
    if st.status == "draft":
        return d.service.area is not None or any(r.area for r in d.service.roles.values()) or _any_expression(d)
    if cmd.trigger == "@timer" or st.kept:  # an answer that came early is used as soon as its step is reached
        return _any_expression(d)
    if cmd.trigger in ("@child", "@restart"):
        bundle = d.bundles.get(st.main.step)
        return bundle is not None and any(_edge_reads(d, join, set()) for join in bundle.joins)
    if cmd.trigger in ("@resubmit", "@data"):
        return any(b.reads_answers for block in d.blocks.values() for b in block.branches)
    token = st.tokens.get(cmd.token_id or 0)
    steps = [token.step] if token is not None else [t.step for t in st.tokens.values() if t.open]
    return any(_reads(d, step, cmd.trigger) for step in steps)


def _reads(d: Compiled, step: str, trigger: str) -> bool:
    key = (d.sha, step, trigger)
    if key not in _CACHE:
        edge = d.edge(step, trigger)
        _CACHE[key] = edge is not None and _edge_reads(d, edge, set())
    return _CACHE[key]


def _edge_reads(d: Compiled, edge: Edge, seen: set[tuple[str, str]]) -> bool:
    """An edge reads answers by its guards, by what it requires, by the branches it opens, or by a join it may fire."""
    seen.add((edge.source, edge.name))
    if edge.guard is not None or edge.requires_fields or any(t.guard is not None for t in edge.targets):
        return True
    scope = d.steps[edge.source].scope
    if scope in d.steps:
        return False  # a consulted department's opinion moves nothing else
    if scope and any(t.end is not None for t in edge.targets):
        joins = d.blocks[scope.partition(".")[0]].joins
        if any(_edge_reads(d, join, seen) for join in joins if (join.source, join.name) not in seen):
            return True
    if any(o.when is not None for t in edge.targets if t.to in d.steps for o in d.steps[t.to or ""].opens):
        return True
    if any(s.when is not None for t in edge.targets if t.to in d.bundles for s in d.bundles[t.to or ""].spawns):
        return True
    return any(_block_reads(d, t.to, seen) for t in edge.targets if t.to in d.blocks)


def _block_reads(d: Compiled, path: str | None, seen: set[tuple[str, str]]) -> bool:
    """Entering a parallel step weighs every `when`; where no branch is needed its joins are taken at once."""
    block = d.blocks[path or ""]
    if any(b.reads_answers for b in block.branches):
        return True
    return any(_edge_reads(d, join, seen) for join in block.joins if (join.source, join.name) not in seen)


def _any_expression(d: Compiled) -> bool:
    if d.promise_conditions:
        return True
    if any(opening.when is not None for step in d.steps.values() for opening in step.opens):
        return True
    if any(spawn.when is not None for bundle in d.bundles.values() for spawn in bundle.spawns):
        return True
    return any(b.reads_answers for block in d.blocks.values() for b in block.branches) or any(
        e.guard is not None or any(t.guard is not None for t in e.targets) for edges in d.out.values() for e in edges
    )

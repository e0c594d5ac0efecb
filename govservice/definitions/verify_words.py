"""Runs in words that a designer understands: who does what at which step, by the titles and labels of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from govservice.definitions.compiled import Compiled, Edge
from govservice.definitions.findings import Finding


def place(compiled: Compiled, path: str) -> str:
    """A step with its title: `Site visit [review.food.site]`; a branch's end as `Food safety: approved`."""
    scope, _, outcome = path.partition("#")
    if outcome:
        return f"{_branch_title(compiled, scope)}: {outcome}"
    step = compiled.steps.get(path)
    if step is None:
        return f"{_branch_title(compiled, path)} [{path}]"
    return f"{step.title['en']} [{path}]"


def who(compiled: Compiled, by: str) -> str:
    if by in ("applicant", "system"):
        return f"The {by}"
    role = compiled.service.roles.get(by)
    return role.title["en"] if role is not None and role.title is not None else by


def deed(compiled: Compiled, edge: Edge) -> str:
    """One act: `Window clerk: "Accept" at Acceptance [acceptance]`."""
    if edge.kind == "join":
        return f"The branches of {place(compiled, edge.source)} have ended as {_rule(edge)} says"
    if edge.kind == "answer":
        return f'The system: "{edge.name.removeprefix("@")}" at {place(compiled, edge.source)}'
    return f'{who(compiled, edge.by)}: "{edge.label["en"]}" at {place(compiled, edge.source)}'


def in_words(compiled: Compiled, trace: Sequence[str]) -> tuple[str, ...]:
    """A run of paths (`draft`, `review`, `review.food.desk`, `review.food#approved`), one sentence each."""
    return tuple(_sentences(compiled, trace))


def told(compiled: Compiled, findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their runs in words."""
    return [replace(f, trace=in_words(compiled, f.trace)) if f.trace else f for f in findings]


def _sentences(compiled: Compiled, trace: Sequence[str]) -> Iterator[str]:
    for here, after in zip(trace, trace[1:], strict=False):
        edge = _between(compiled.out, here, after)
        if edge is not None:
            yield deed(compiled, edge)
        elif "#" in here:
            yield place(compiled, here)
        elif here in compiled.steps:
            yield f"{place(compiled, here)} begins"
    if trace:
        last = trace[-1]
        yield place(compiled, last) if "#" in last else f"The case stands at {place(compiled, last)}"


def _between(out: Mapping[str, Sequence[Edge]], here: str, after: str) -> Edge | None:
    """An edge from one step to the other, work before escapes."""
    found = [e for e in out.get(here, ()) if any(t.to == after for t in e.targets) and not e.correction]
    return min(found, key=lambda e: e.escape, default=None)


def _rule(edge: Edge) -> str:
    return edge.join.source if edge.join is not None and edge.join.source else "the last rule"


def _branch_title(compiled: Compiled, scope: str) -> str:
    if (asked := compiled.steps.get(scope.partition("/")[0])) is not None:
        return f"{asked.title['en']} [{scope}]"  # what a consulted department answered
    block, (branch, _, part) = compiled.blocks.get(scope.partition(".")[0]), scope.partition("/")
    title = next((b.title["en"] for b in block.branches if b.scope == branch), scope) if block else scope
    return f"{title} {int(part) + 1}" if part else title

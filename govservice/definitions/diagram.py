"""Pictures of a definition: Mermaid text, and an ordered layout for the flow that the desks draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from govservice.definitions.compiled import Block, Branch, Compiled, Edge, Step, Text
from govservice.definitions.schema_steps import StepKind

_PLAIN = str.maketrans({'"': "'", ";": ",", "#": "", ":": ".", "{": "(", "}": ")", "\n": " ", "<": "(", ">": ")"})


# -- Mermaid


def mermaid(compiled: Compiled, here: Iterable[str] = (), language: str = "en", escapes: bool = False) -> str:
    """A `stateDiagram-v2`: a parallel step is a composite state, `--` stands between its branches.

    `here` are paths of steps to mark (where a case stands). Withdrawals and lapses are drawn with `escapes` only.
    """
    return "\n".join(_Writer(compiled, frozenset(here), language, escapes).lines()) + "\n"


class _Writer:
    def __init__(self, compiled: Compiled, here: frozenset[str], language: str, escapes: bool) -> None:
        self.compiled, self.here, self.language, self.escapes = compiled, here, language, escapes

    def lines(self) -> Iterator[str]:
        yield "stateDiagram-v2"
        yield f"  [*] --> {_id(self.compiled.start)}"
        drawn = {path: step for path, step in self.compiled.steps.items() if not step.scope and self.shown(step)}
        for path, step in drawn.items():
            block = self.compiled.blocks.get(path)
            yield from self.block(step, block) if block else [self.state(path, step.title, "  ")]
        for path in drawn:
            yield from self.edges(path, "  ")
        for path, step in drawn.items():
            if step.kind == "end":
                yield f"  {_id(path)} --> [*]"
        marked = [_id(path) for path in self.compiled.steps if path in self.here]
        if marked:
            yield "  classDef here stroke-width:3px,font-weight:bold"
            yield f"  class {','.join(marked)} here"

    def shown(self, step: Step) -> bool:
        """An end that only escapes lead to is left out with them."""
        if self.escapes or step.kind != "end":
            return True
        edges = (edge for edges in self.compiled.out.values() for edge in edges if not edge.escape)
        return any(target.to == step.path for edge in edges for target in edge.targets)

    def block(self, step: Step, block: Block) -> Iterator[str]:
        yield f"{self.state(step.path, step.title, '  ')} {{"
        for index, branch in enumerate(block.branches):
            if index:
                yield "    --"
            yield from self.branch(branch)
        yield "  }"

    def branch(self, branch: Branch) -> Iterator[str]:
        yield f"{self.state(branch.scope, branch.title, '    ')} {{"
        yield f"      [*] --> {_id(branch.start)}"
        inner = [step for step in self.compiled.steps.values() if step.scope == branch.scope]
        for step in inner:
            yield self.state(step.path, step.title, "      ")
        for step in inner:
            yield from self.edges(step.path, "      ")
        yield "    }"

    def edges(self, path: str, indent: str) -> Iterator[str]:
        for edge in self.compiled.out[path]:
            if edge.escape and not self.escapes:
                continue
            for target in edge.targets:
                to = _id(target.to) if target.to else "[*]"
                yield f"{indent}{_id(path)} --> {to} : {self.label(edge, target.end)}"

    def label(self, edge: Edge, outcome: str | None) -> str:
        if edge.join is not None:
            words = edge.join.source or "otherwise"
        elif edge.kind == "answer":
            words = edge.name
        else:
            words = edge.label[self.language]
        return _plain(f"{words} [{outcome}]" if outcome else words)

    def state(self, path: str, title: Text, indent: str) -> str:
        return f'{indent}state "{_plain(title[self.language])}" as {_id(path)}'


def _id(path: str) -> str:
    """A state's name that is no word of Mermaid: `review.food.desk` -> `s_review__food__desk`."""
    return "s_" + path.replace(".", "__")


def _plain(text: str) -> str:
    """Text without what Mermaid would read as syntax."""
    return " ".join(text.translate(_PLAIN).split()) or "-"


# -- the flow that the desks draw


@dataclass(frozen=True, slots=True)
class Node:
    """A step in the picture; `path` finds its figures and tokens."""

    path: str
    title: Text
    kind: StepKind
    owner: str | None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """Steps one after the other: a branch (with its scope, and whether it is conditional), or one step by itself."""

    scope: str
    title: Text
    owner: str | None
    conditional: bool
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """What stands side by side. `block` is the path of the parallel step whose branches are the lanes, else None."""

    block: str | None
    title: Text
    lanes: tuple[Lane, ...]


def flow(compiled: Compiled, ends: bool = False) -> list[Column]:
    """The way of a case in columns from left to right; the branches of a parallel step share a column.

    A step stands right of every step that leads to it, ways back apart. Escapes do not count. With `ends`, the ends
    that can be reached form the last column.
    """
    ranks = _ranks(compiled)
    steps = [compiled.steps[path] for path in compiled.steps if path in ranks and compiled.steps[path].kind != "end"]
    columns: list[Column] = []
    for rank in sorted({ranks[step.path] for step in steps}):
        here = [step for step in steps if ranks[step.path] == rank]
        plain = tuple(_single(step) for step in here if step.path not in compiled.blocks)
        if plain:
            columns.append(Column(None, plain[0].title, plain))
        columns += [_branches(compiled, step) for step in here if step.path in compiled.blocks]
    reached = tuple(_single(step) for path, step in compiled.steps.items() if path in ranks and step.kind == "end")
    return [*columns, Column(None, reached[0].title, reached)] if ends and reached else columns


def _single(step: Step) -> Lane:
    return Lane("", step.title, step.owner, False, (_node(step),))


def _branches(compiled: Compiled, step: Step) -> Column:
    lanes = tuple(_lane(compiled, branch) for branch in compiled.blocks[step.path].branches)
    return Column(step.path, step.title, lanes)


def _lane(compiled: Compiled, branch: Branch) -> Lane:
    inner = [step for step in compiled.steps.values() if step.scope == branch.scope]
    inner.sort(key=lambda step: step.path != branch.start)  # stable: the start first, else the file's order
    nodes = tuple(_node(step) for step in inner)
    return Lane(branch.scope, branch.title, branch.owner, branch.when is not None, nodes)


def _node(step: Step) -> Node:
    return Node(step.path, step.title, step.kind, step.owner, step.outcome)


def _ranks(compiled: Compiled) -> Mapping[str, int]:
    """Longest way from the start to each step of the main token, without ways back and escapes."""
    order: list[str] = []
    back: set[tuple[str, str]] = set()
    _visit(compiled, compiled.start, [], order, back)
    ranks = {compiled.start: 0}
    for path in reversed(order):
        for to in _next(compiled, path):
            if (path, to) not in back:
                ranks[to] = max(ranks.get(to, 0), ranks[path] + 1)
    return ranks


def _visit(compiled: Compiled, path: str, way: list[str], order: list[str], back: set[tuple[str, str]]) -> None:
    """Depth first; `order` gets each step after all that follow it, `back` the edges that return to the way here."""
    way.append(path)
    for to in _next(compiled, path):
        if to in way:
            back.add((path, to))
        elif to not in order:
            _visit(compiled, to, way, order, back)
    way.pop()
    order.append(path)


def _next(compiled: Compiled, path: str) -> list[str]:
    edges = (edge for edge in compiled.out[path] if not edge.escape)
    return list(dict.fromkeys(target.to for edge in edges for target in edge.targets if target.to))

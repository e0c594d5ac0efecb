"""Join rules of parallel steps: conditions over named branch outcomes, never over counts of arrivals.

`any(rejected)`, `all(approved, not_needed)`, `atleast(2, approved)`, joined by `and`/`or`. Every aggregate only grows
with more ended branches, so a rule that holds while some are open cannot cease to hold.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from govservice.definitions.expression_syntax import ExpressionError, parse_tree, quoted
from govservice.definitions.findings import did_you_mean

RESERVED_OUTCOMES = ("not_needed", "cancelled")
AGGREGATES = ("any", "all", "atleast")

Outcomes = Sequence[str | None]  # one per branch; None = still open
Holds = Callable[[Outcomes], bool]


@dataclass(frozen=True, slots=True)
class JoinRule:
    """`source` is None for the last rule without `if`, which holds once every branch has ended.

    `needs_all`: the rule can hold only when every branch has ended. `outcomes` are the words it names,
    `atleast` the largest number it asks for.
    """

    source: str | None
    needs_all: bool
    outcomes: frozenset[str]
    atleast: int
    test: Holds = field(repr=False, compare=False)

    def holds(self, outcomes: Mapping[str, str | None]) -> bool:
        """Whether the rule holds for these outcomes by branch name (None = the branch is still open)."""
        return self.test(tuple(outcomes.values()))


def compile_join(source: str | None) -> JoinRule:
    """Compiles the `if` of a join rule. Raises ExpressionError with a sentence for the designer."""
    if source is None:
        return JoinRule(None, True, frozenset(), 0, _all_ended)
    text = source.strip()
    compiler = _Compiler()
    test, needs_all = compiler.part(parse_tree(text))
    return JoinRule(text, needs_all, frozenset(compiler.outcomes), compiler.atleast, test)


def _all_ended(outcomes: Outcomes) -> bool:
    return None not in outcomes


class _Compiler:
    def __init__(self) -> None:
        self.outcomes: set[str] = set()
        self.atleast = 0

    def part(self, node: ast.expr) -> tuple[Holds, bool]:
        if isinstance(node, ast.BoolOp):
            parts = [self.part(value) for value in node.values]
            tests = [test for test, _ in parts]
            if isinstance(node.op, ast.And):
                return (lambda o: all(t(o) for t in tests)), any(needs for _, needs in parts)
            return (lambda o: any(t(o) for t in tests)), all(needs for _, needs in parts)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self.aggregate(node, node.func.id)
        raise ExpressionError(f"a join joins any(...), all(...) and atleast(n, ...) by and/or; not {quoted(node)}")

    def aggregate(self, node: ast.Call, name: str) -> tuple[Holds, bool]:
        if name not in AGGREGATES:
            raise ExpressionError(f"there is no aggregate {name}(){did_you_mean(name, AGGREGATES)}")
        arguments = list(node.args)
        least = self.number(arguments, node) if name == "atleast" else 1
        named = frozenset(self.outcome(argument) for argument in arguments)
        if not named:
            raise ExpressionError(f"{name}() names at least one outcome: {quoted(node)}")
        self.outcomes |= named
        if name == "all":
            return (lambda o: all(outcome in named for outcome in o)), True
        return (lambda o: sum(outcome in named for outcome in o) >= least), False

    def number(self, arguments: list[ast.expr], node: ast.Call) -> int:
        first = arguments.pop(0) if arguments else None
        value = first.value if isinstance(first, ast.Constant) else None
        if type(value) is not int or value < 1:
            raise ExpressionError(f"atleast(n, outcome, ...) starts with a number above 0: {quoted(node)}")
        self.atleast = max(self.atleast, value)
        return value

    @staticmethod
    def outcome(node: ast.expr) -> str:
        if not isinstance(node, ast.Name):
            raise ExpressionError(f"an outcome is a bare word such as approved, not {quoted(node)}")
        return node.id

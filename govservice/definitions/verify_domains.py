"""What the verifier knows about an expression's values: intervals, finite sets, and which tests exclude each other.

An expression is brought to alternatives (disjunctive normal form) of tests. A test that is not understood stays a
word of its own with two sides. Every answer errs on the side of "possible": nothing is refused by a guess.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from govservice.definitions.expressions import Expression
from govservice.definitions.values import FieldLike

MAX_ALTERNATIVES = 64

OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_MIRROR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq, ast.NotEq: ast.NotEq, ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_RELATIONS: dict[type[ast.cmpop], frozenset[str]] = {
    ast.Eq: frozenset("="), ast.NotEq: frozenset("<>"), ast.Lt: frozenset("<"), ast.LtE: frozenset("<="),
    ast.Gt: frozenset(">"), ast.GtE: frozenset(">="),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Test:
    """`subject` (a name or a piece of text) compared with a value; `op` None = a yes/no subject is `value`."""

    subject: str
    op: type[ast.cmpop] | None
    value: Any
    names: frozenset[str]  # what must be known for the test to hold


Clause = tuple[Test, ...]


@dataclass(slots=True)
class Values:
    """The values a subject may still take."""

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False
    only: set[Any] | None = None
    never: set[Any] = field(default_factory=set)
    whole: bool = False

    def above(self, value: Any, open_: bool) -> None:
        if self.low is None or value > self.low or (value == self.low and open_):
            self.low, self.low_open = value, open_

    def below(self, value: Any, open_: bool) -> None:
        if self.high is None or value < self.high or (value == self.high and open_):
            self.high, self.high_open = value, open_

    def just(self, values: set[Any]) -> None:
        self.only = values if self.only is None else self.only & values

    def _inside(self, value: Any) -> bool:
        if value in self.never:
            return False
        if self.low is not None and (value < self.low or (value == self.low and self.low_open)):
            return False
        return self.high is None or not (value > self.high or (value == self.high and self.high_open))

    @property
    def possible(self) -> bool:
        if self.only is not None:
            return any(self._inside(value) for value in self.only)
        if self.low is None or self.high is None:
            return True
        if self.whole:
            first = int(self.low) + (1 if self.low_open or self.low != int(self.low) else 0)
            last = int(self.high) - (1 if self.high_open and self.high == int(self.high) else 0)
            return any(n not in self.never for n in range(first, min(last, first + len(self.never)) + 1))
        return self.low < self.high or (self.low == self.high and self._inside(self.low))


def alternatives(tree: ast.expr, wanted: bool = True) -> list[Clause] | None:
    """The ways in which an expression comes out as `wanted` with all its values known; None for too many."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return alternatives(tree.operand, not wanted)
    if isinstance(tree, ast.BoolOp):
        parts = [alternatives(value, wanted) for value in tree.values]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return _all_of(known) if isinstance(tree.op, ast.And) is wanted else _any_of(known)
    return [(_test(tree, wanted),)]


def _any_of(parts: Sequence[list[Clause]]) -> list[Clause] | None:
    clauses = [clause for part in parts for clause in part]
    return clauses if len(clauses) <= MAX_ALTERNATIVES else None


def _all_of(parts: Sequence[list[Clause]]) -> list[Clause] | None:
    clauses: list[Clause] = [()]
    for part in parts:
        clauses = [(*one, *other) for one in clauses for other in part]
        if len(clauses) > MAX_ALTERNATIVES:
            return None
    return clauses


def _test(node: ast.expr, wanted: bool) -> Test:
    names = frozenset(_names(node))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return Test("yes", None, node.value is wanted, names)
    if isinstance(node, ast.Compare):
        left, op, right = node.left, type(node.ops[0]), node.comparators[0]
        op = op if wanted else OPPOSITE[op]
        if op in (ast.In, ast.NotIn):
            if isinstance(right, (ast.List, ast.Tuple)):
                return Test(ast.unparse(left), op, frozenset(_literal(e) for e in right.elts), names)
            return Test(f"{ast.unparse(left)} in {ast.unparse(right)}", None, op is ast.In, names)
        return _comparison(left, op, right, names)
    return Test(ast.unparse(node), None, wanted, names)


def _comparison(left: ast.expr, op: type[ast.cmpop], right: ast.expr, names: frozenset[str]) -> Test:
    if _is_literal(left) and _is_literal(right):
        return Test("yes", None, bool(_COMPARE[op](_literal(left), _literal(right))), names)
    if _is_literal(left) and not _is_literal(right):
        left, op, right = right, _MIRROR[op], left
    if _is_literal(right):
        value = _literal(right)
        if isinstance(value, bool) and op in (ast.Eq, ast.NotEq):
            return Test(ast.unparse(left), None, value is (op is ast.Eq), names)
        return Test(ast.unparse(left), op, value, names)
    one, other = ast.unparse(left), ast.unparse(right)
    if one > other:
        one, other, op = other, one, _MIRROR[op]
    return Test(f"{one} <=> {other}", ast.In, _RELATIONS[op], names)


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return -_literal(node.operand)
    value = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
    return Decimal(str(value)) if isinstance(value, float) else value


def _names(node: ast.AST) -> list[str]:
    """Dotted names of a test; asking `has(x)` does not make x known."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "has":
            return []
        return [name for argument in node.args for name in _names(argument)]
    if isinstance(node, (ast.Attribute, ast.Name)):
        return [ast.unparse(node)]
    return [name for child in ast.iter_child_nodes(node) for name in _names(child)]


def possible(clause: Clause, fields: Mapping[str, FieldLike]) -> bool:
    """Whether all tests of a clause can hold at once for values that the form accepts."""
    values: dict[str, Values] = {}
    for test in clause:
        if test.subject not in values:
            values[test.subject] = _offered(test.subject, fields)
        _narrow(values[test.subject], test)
    known = {name for test in clause for name in test.names}
    for test in clause:
        if test.subject.startswith("has(") and test.value is False and test.subject[4:-1] in known:
            return False
    return all(value.possible for value in values.values())


def _offered(subject: str, fields: Mapping[str, FieldLike]) -> Values:
    if subject == "yes":
        return Values(only={True})
    if " <=> " in subject:
        return Values(only=set("<=>"))
    if subject.startswith(("size(", "abs(", "age(")):
        return Values(low=0, whole=not subject.startswith("abs("))
    field_ = fields.get(subject)
    if field_ is None:
        return Values()
    if field_.options is not None and field_.type == "choice":
        return Values(only=set(field_.options))
    if field_.type in ("integer", "decimal"):
        return Values(low=field_.min, high=field_.max, whole=field_.type == "integer")
    return Values()


def _narrow(values: Values, test: Test) -> None:
    op, value = test.op, test.value
    if op is None:
        values.just({value})
    elif op is ast.In:
        values.just(set(value))
    elif op is ast.NotIn:
        values.never |= set(value)
    elif op is ast.Eq:
        values.just({value})
    elif op is ast.NotEq:
        values.never.add(value)
    elif op in (ast.Gt, ast.GtE):
        values.above(value, op is ast.Gt)
    else:
        values.below(value, op is ast.Lt)


def ways(expression: Expression, fields: Mapping[str, FieldLike]) -> list[Clause] | None:
    """The possible ways in which an expression is true; empty = it never is; None = too many to tell."""
    clauses = alternatives(expression.tree)
    return None if clauses is None else [clause for clause in clauses if possible(clause, fields)]


def implies(clause: Clause, expression: Expression, fields: Mapping[str, FieldLike]) -> bool:
    """Whether an expression is certainly true wherever the clause holds (all its names are known then)."""
    known = {name for test in clause for name in test.names}
    if not expression.names <= known:
        return False
    against = alternatives(expression.tree, wanted=False)
    return against is not None and not any(possible((*clause, *other), fields) for other in against)

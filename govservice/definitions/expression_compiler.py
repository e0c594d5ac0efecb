"""Turns a checked syntax tree into closures, checking types on the way."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from govservice.definitions.expression_functions import FUNCTIONS, every, some
from govservice.definitions.expression_parts import (
    NOTHING,
    Part,
    absorbing,
    comparable,
    constant,
    dated,
    family,
    is_in,
    not_in,
    offered,
    reader,
    strict,
)
from govservice.definitions.expression_syntax import ExpressionError, quoted
from govservice.definitions.expression_types import (
    DATE,
    DECIMAL,
    INTEGER,
    MISSING,
    TEXT,
    YES_NO,
    Run,
    Type,
)
from govservice.definitions.findings import did_you_mean

_DECIMAL_LITERAL = re.compile(r"[0-9]{1,15}\.[0-9]{1,15}", re.ASCII)
_INTEGER_LITERAL = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_EQUAL: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
}  # fmt: skip


def compile_tree(
    text: str, tree: ast.expr, names: Mapping[str, Type], *, number: bool = False
) -> tuple[Run, frozenset[str]]:
    """The closure of a tree whose result is yes or no (or a number), and the names that it reads. Raises
    ExpressionError."""
    compiler = _Compiler(text, names)
    part = compiler.part(tree)
    if number and not part.type.is_number:
        raise ExpressionError(f"the result is {part.type}, not a number")
    if not number and part.type != YES_NO:
        raise ExpressionError(f"the result is {part.type}, not yes or no")
    return part.run, frozenset(compiler.used)


class _Compiler:
    def __init__(self, text: str, names: Mapping[str, Type]) -> None:
        self.text, self.names = text, names
        self.used: set[str] = set()
        self.loop: tuple[str, Type] | None = None

    def part(self, node: ast.expr) -> Part:
        match node:
            case ast.Name() | ast.Attribute():
                return self.name(ast.unparse(node))
            case ast.Constant():
                return self.literal(node)
            case ast.BoolOp():
                return self.logic(node)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.Call():
                return self.call(node)
            case ast.List() | ast.Tuple():
                raise ExpressionError(f"a list stands only on the right of `in`: {quoted(node)}")
        raise ExpressionError(f"not part of expressions: {quoted(node)}")

    # -- leaves

    def name(self, name: str) -> Part:
        if self.loop is not None and name == self.loop[0]:
            return Part(self.loop[1], lambda _values, _missing, item: item)
        kind = self.names.get(name)
        if kind is None:
            raise ExpressionError(f"{name!r} is not known here{did_you_mean(name, self.names)}")
        self.used.add(name)
        return Part(kind, reader(name, kind))

    def literal(self, node: ast.Constant) -> Part:
        value: Any = node.value
        if isinstance(value, bool):
            return constant(YES_NO, value)
        digits = ast.get_source_segment(self.text, node) or ""
        if isinstance(value, str):
            if digits[:1] not in ("'", '"'):
                raise ExpressionError(f"{quoted(node)}: texts have no prefix")
            return constant(TEXT, value)
        if isinstance(value, int):
            if not _INTEGER_LITERAL.fullmatch(digits):
                raise ExpressionError(f"{digits!r} is not a number such as 300")
            return constant(INTEGER, value)
        if not _DECIMAL_LITERAL.fullmatch(digits):
            raise ExpressionError(f"{digits!r} is not a number such as 300.0, at most 15 digits on each side")
        return constant(DECIMAL, Decimal(digits))

    # -- logic

    def logic(self, node: ast.BoolOp) -> Part:
        word = "and" if isinstance(node.op, ast.And) else "or"
        runs = [self.yes_no(value, word).run for value in node.values]
        return Part(YES_NO, absorbing(runs, decides=word == "or"))

    def yes_no(self, node: ast.expr, where: str) -> Part:
        part = self.part(node)
        if part.type != YES_NO:
            raise ExpressionError(f"`{where}` needs yes or no; {quoted(node)} is {part.type}")
        return part

    def unary(self, node: ast.UnaryOp) -> Part:
        if isinstance(node.op, ast.Not):
            return Part(YES_NO, strict(operator.not_, self.yes_no(node.operand, "not")))
        part = self.part(node.operand)
        if not isinstance(node.op, ast.USub) or not part.type.is_number:
            raise ExpressionError(f"a sign needs a number: {quoted(node)}")
        if part.literal is not NOTHING:
            return constant(part.type, -part.literal)
        return Part(part.type, strict(operator.neg, part))

    # -- comparisons

    def comparison(self, node: ast.Compare) -> Part:
        if len(node.ops) > 1:
            raise ExpressionError(f"chained comparisons are not allowed; join them with `and`: {quoted(node)}")
        op, right_node = node.ops[0], node.comparators[0]
        if isinstance(op, (ast.In, ast.NotIn)):
            return self.membership(node, self.part(node.left), right_node, isinstance(op, ast.NotIn))
        left, right = self.part(node.left), self.part(right_node)
        left, right = dated(left, right), dated(right, left)
        comparable(node, left, right)
        if type(op) in _EQUAL:
            if left.type.name == "list":
                raise ExpressionError(f"lists are not compared; ask `in`, any() or all(): {quoted(node)}")
            return Part(YES_NO, strict(_EQUAL[type(op)], left, right))
        if type(op) not in _ORDER:
            raise ExpressionError(f"`is` is not part of expressions: {quoted(node)}")
        if not (left.type.is_number or left.type == DATE):
            raise ExpressionError(f"only numbers and dates have an order: {quoted(node)}")
        return Part(YES_NO, strict(_ORDER[type(op)], left, right))

    def membership(self, node: ast.Compare, left: Part, right_node: ast.expr, negated: bool) -> Part:
        if isinstance(right_node, (ast.List, ast.Tuple)):
            right = self.literal_list(left, right_node)
        else:
            right = self.part(right_node)
        if right.type.name != "list" or right.type.item is None:
            raise ExpressionError(f"`in` needs a list on its right: {quoted(node)}")
        comparable(node, left, Part(right.type.item, right.run))
        offered(node, right.type.item, left)
        return Part(YES_NO, strict(not_in if negated else is_in, left, right))

    def literal_list(self, left: Part, node: ast.List | ast.Tuple) -> Part:
        parts = [dated(self.part(item), left) for item in node.elts]
        if not parts or any(part.literal is NOTHING for part in parts):
            raise ExpressionError(f"a list here holds values, at least one: {quoted(node)}")
        if len({family(part.type) for part in parts}) > 1:
            raise ExpressionError(f"the values of a list are of one type: {quoted(node)}")
        for part in parts:
            offered(node, left.type, part)
        return constant(Type("list", item=parts[0].type), tuple(part.literal for part in parts))

    # -- arithmetic and functions

    def arithmetic(self, node: ast.BinOp) -> Part:
        function = _ARITHMETIC.get(type(node.op))
        if function is None:
            raise ExpressionError(f"only + - * calculate: {quoted(node)}")
        left, right = self.part(node.left), self.part(node.right)
        if not (left.type.is_number and right.type.is_number):
            raise ExpressionError(f"+ - * need numbers: {quoted(node)}")
        kind = INTEGER if left.type == right.type == INTEGER else DECIMAL
        return Part(kind, strict(function, left, right))

    def call(self, node: ast.Call) -> Part:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name is None:
            raise ExpressionError(f"methods are not part of expressions: {quoted(node)}")
        if node.keywords:
            raise ExpressionError(f"arguments have no names: {quoted(node)}")
        if name in ("any", "all"):
            return self.over_list(node, name)
        if name == "has":
            return self.has(node)
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, "any", "all", "has"]
            raise ExpressionError(f"there is no function {name}(){did_you_mean(name, known)}")
        parts = [self.part(argument) for argument in node.args]
        day = next((part for part in parts if part.type == DATE), None)
        parts = [dated(part, day) for part in parts] if day else parts
        function = FUNCTIONS[name]
        kind = function.result([part.type for part in parts])
        if kind is None:
            raise ExpressionError(f"{name}{function.signature}, not {quoted(node)}")
        return Part(kind, strict(function.run, *parts))

    def has(self, node: ast.Call) -> Part:
        if len(node.args) != 1 or not isinstance(node.args[0], (ast.Name, ast.Attribute)):
            raise ExpressionError(f"has(name) asks for one name: {quoted(node)}")
        read = self.part(node.args[0]).run
        return Part(YES_NO, lambda values, _missing, item: read(values, [], item) is not MISSING)

    def over_list(self, node: ast.Call, name: str) -> Part:
        generator = node.args[0] if len(node.args) == 1 else None
        if not isinstance(generator, ast.GeneratorExp) or len(generator.generators) != 1:
            raise ExpressionError(f"write {name}(x == ... for x in list): {quoted(node)}")
        loop = generator.generators[0]
        if self.loop is not None:
            raise ExpressionError(f"a loop inside a loop is not allowed: {quoted(node)}")
        if not isinstance(loop.target, ast.Name) or loop.ifs or loop.is_async:
            raise ExpressionError(f"write {name}(x == ... for x in list), without if: {quoted(node)}")
        source = self.part(loop.iter)
        if source.type.name != "list" or source.type.item is None:
            raise ExpressionError(f"{name}() goes over a list; {quoted(loop.iter)} is {source.type}")
        if loop.target.id in self.names:
            raise ExpressionError(f"{loop.target.id!r} is already a name here; call the loop's variable otherwise")
        self.loop = (loop.target.id, source.type.item)
        body = self.yes_no(generator.elt, name)
        self.loop = None
        return Part(YES_NO, (some if name == "any" else every)(source.run, body.run))

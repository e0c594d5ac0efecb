"""Expressions of definitions (`when`, `show_if`, `guard`, `material`): typed, bounded, compiled to closures.

A small part of Python's expression syntax is parsed by `ast`, checked node by node and turned into closures; no
text is ever evaluated. Logic has three values: what rests on a missing value is unknown, `and`/`or` absorb it
where the other side decides, and an expression that stays unknown is false and says which names were missing.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from govservice.definitions.expression_compiler import compile_tree
from govservice.definitions.expression_syntax import ExpressionError, parse_tree
from govservice.definitions.expression_types import MISSING, Run, Type

__all__ = ["Expression", "ExpressionError", "Type", "Verdict", "compile_expression"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an evaluation; `missing` names what an unknown outcome (value False) lacked."""

    value: bool
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.value


_TRUE, _FALSE = Verdict(True), Verdict(False)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `names` are the dotted names it reads; `tree` is its checked syntax, for the verifier."""

    source: str
    names: frozenset[str]
    tree: ast.expr = field(repr=False, compare=False)
    run: Run = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, Any]) -> Verdict:
        """Weighs the expression over a flat mapping of dotted names. Never raises; 1-4 us for usual guards."""
        missing: list[str] = []
        result = self.run(values, missing, None)
        if result is True:
            return _TRUE
        if result is MISSING:
            return Verdict(False, tuple(dict.fromkeys(missing)))
        return _FALSE

    def amount(self, values: Mapping[str, Any]) -> Decimal | None:
        """What an expression with a number for a result comes to; None where a value is missing. Never raises."""
        result = self.run(values, [], None)
        return None if result is MISSING else Decimal(result)


def compile_expression(source: str, names: Mapping[str, Type], *, number: bool = False) -> Expression:
    """Compiles an expression that may read `names`; its result is yes or no, or a `number`. Raises ExpressionError with
    a sentence for the designer."""
    text = source.strip(" \n")
    tree = parse_tree(text)
    run, used = compile_tree(text, tree, names, number=number)
    return Expression(text, used, tree, run)

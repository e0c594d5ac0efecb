"""The bounds of an expression's text and tree: what is refused before types are looked at."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

MAX_CHARACTERS = 1000
MAX_NODES = 200
MAX_DEPTH = 20
MAX_INTEGER = 10**15  # integers below this, decimals with as many digits

_REFUSED: dict[type[ast.AST], str] = {
    ast.Subscript: "subscripts such as x[0]",
    ast.Lambda: "functions of your own",
    ast.IfExp: "x if y else z",
    ast.NamedExpr: "assignments",
    ast.JoinedStr: "f-strings",
    ast.Dict: "mappings",
    ast.Set: "sets",
    ast.ListComp: "list comprehensions",
    ast.SetComp: "comprehensions",
    ast.DictComp: "comprehensions",
    ast.Starred: "stars",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Slice: "slices",
}


class ExpressionError(ValueError):
    """An expression cannot be used; the message is a sentence for the designer."""


def quoted(node: ast.AST) -> str:
    """A piece of the expression as the designer wrote it, shortened."""
    text = ast.unparse(node)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def parse_tree(text: str) -> ast.expr:
    """The syntax tree of an expression that keeps to the bounds. Raises ExpressionError."""
    _check_text(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python only warns of some nonsense, such as `1or 2`
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        at = f" at character {error.offset}" if error.offset else ""
        raise ExpressionError(f"not an expression: {error.msg}{at}") from None
    except (ValueError, MemoryError, RecursionError, Warning):
        raise ExpressionError("not an expression") from None
    _check_tree(tree)
    return tree


def _check_text(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"longer than {MAX_CHARACTERS} characters")
    if not text:
        raise ExpressionError("empty")
    if "\\" in text:
        raise ExpressionError("a backslash is not allowed")
    if not text.isprintable():
        raise ExpressionError("characters that cannot be printed, line breaks included, are not allowed")
    if '"""' in text or "'''" in text:
        raise ExpressionError("texts stand in single quotation marks on each side")
    for character in _outside_quotes(text):
        if not character.isascii():
            raise ExpressionError(f"{character!r} may stand only inside quotation marks")
        if character in "#;`$?!@^&|~:{}" and not (character == "!" and "!=" in text):
            raise ExpressionError(f"{character!r} means nothing here")


def _outside_quotes(text: str) -> Iterator[str]:
    """Characters that are no part of a quoted text; without backslashes a text ends at its next quotation mark."""
    open_quote = ""
    for character in text:
        if open_quote:
            open_quote = "" if character == open_quote else open_quote
        elif character in "\"'":
            open_quote = character
        else:
            yield character


def _check_tree(tree: ast.expr) -> None:
    todo: list[tuple[ast.AST, int]] = [(tree, 1)]
    seen = 0
    while todo:
        node, depth = todo.pop()
        seen += 1
        if seen > MAX_NODES:
            raise ExpressionError(f"more than {MAX_NODES} parts")
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH}")
        _check_node(node)
        todo += [(child, depth + 1) for child in _children(node)]


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Attribute):  # a dotted name is one part; anything else before a dot is a method or a call
        if not is_dotted(node):
            raise ExpressionError(f"{quoted(node)}: only declared dotted names have dots")
        return
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)):
            yield child


def _check_node(node: ast.AST) -> None:
    if type(node) in _REFUSED:
        raise ExpressionError(f"{_REFUSED[type(node)]} are not part of expressions: {quoted(node)}")
    if isinstance(node, ast.Constant):
        _check_constant(node)


def _check_constant(node: ast.Constant) -> None:
    value = node.value
    if value is None:
        raise ExpressionError("None is not a value here; ask has(name)")
    if not isinstance(value, (bool, int, float, str)):
        raise ExpressionError(f"{quoted(node)} is not a value here")
    if isinstance(value, str) and node.kind is not None:
        raise ExpressionError(f"{quoted(node)}: texts have no prefix")
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        raise ExpressionError("integers have at most 15 digits")


def is_dotted(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)

"""Reading the product's own source: what the house tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from config import ROOT

PRODUCT = ROOT / "govservice"


def modules() -> list[Path]:
    """Every module of the product."""
    return sorted(PRODUCT.rglob("*.py"))


def name(path: Path) -> str:
    """The path from the project's root, for messages."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


@lru_cache(maxsize=512)
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def dotted(node: ast.AST) -> str:
    """`datetime.datetime.now` for the attribute chain; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def calls(module: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with its dotted name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and (called := dotted(node.func)):
            yield called, node


def strings(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Every string constant with its line; the constant parts of an f-string joined, `?` for each value."""
    inside: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in node.values)
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "?" for p in node.values), node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value, node.lineno

"""docs/clauses.md: whoever follows a row finds the test, and it runs on what the row says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from config import ROOT

TESTS = ROOT / "tests"
ROW = re.compile(r"^\| (?!clause \||---)(.*?) \| (.*) \|$", re.MULTILINE)
FILE = re.compile(r"[\w/]+\.py\b")
NAMED = re.compile(r"\btest_\w+")


def fixtures_by_test() -> dict[str, set[str]]:
    """Test -> what it asks for, of every test there is."""
    found: dict[str, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, set()).update(arg.arg for arg in node.args.args)
    return found


def rows() -> list[tuple[str, str]]:
    return ROW.findall((ROOT / "docs" / "clauses.md").read_text("utf-8"))


def files_of(text: str) -> list[str]:
    return [name for name in FILE.findall(text) if not name.startswith("definitions")]


def names_in(text: str) -> list[str]:
    return NAMED.findall(FILE.sub("", text))


def there(name: str) -> bool:
    short = name.removeprefix("tests/")
    return (ROOT / name).is_file() or any(TESTS.rglob(short if "/" not in short else Path(short).name))


def test_every_test_that_a_clause_names_is_there() -> None:
    known = fixtures_by_test()
    assert len(rows()) > 100
    lost = [
        (clause, name)
        for clause, text in rows()
        for name in (*(f for f in files_of(text) if not there(f)),
                     *(t for t in names_in(text) if not any(k.startswith(t) for k in known)))
    ]  # fmt: skip
    assert lost == []


def test_every_clause_names_a_test_or_a_run() -> None:
    empty = [clause for clause, text in rows() if not files_of(text) and not names_in(text) and "make " not in text]
    assert empty == []


def test_a_row_that_does_not_say_sqlite_names_tests_that_run_on_both() -> None:
    """`lite` is the fixture of one database only."""
    known = fixtures_by_test()
    wrong = [
        (clause, name)
        for clause, text in rows()
        if "SQLite" not in text
        for name in names_in(text)
        if (asked := [known[k] for k in known if k.startswith(name)]) and all("lite" in one for one in asked)
    ]
    assert wrong == []

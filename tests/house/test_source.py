"""Rules of the house that no reviewer sees broken in time; docs/guard-tests.md says how each was seen to fail."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.source import calls, dotted, modules, name, strings, tree

MAX_LINES = 400
TIME_READERS = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))$")
# Case state: only the engine writes these (DESIGN: one place changes a case). `Outbox` rows are delivered by
# messaging/, which marks them; definitions are published by operations; case_data drafts are saved by operations.
ENGINE_TABLES = {
    "cases": "Case",
    "tokens": "Token",
    "tasks": "Task",
    "case_events": "CaseEvent",
    "commands": "CommandKey",
    "clocks": "CaseClock",
    "timers": "Timer",
    "visits": "Visit",
    "case_states": "CaseStateRow",
}
WRITE_SQL = re.compile(rf"\b(insert\s+into|update|delete\s+from)\s+\"?({'|'.join(ENGINE_TABLES)})\b", re.IGNORECASE)
WRITERS = {"insert", "update", "delete", "sqlite_insert", "pg_insert"}
# Claiming a task gives it an owner and is no step of the case: it moves no token and writes no event.
MAY_WRITE = ("govservice/engine/", "govservice/models/")


def clock_reads(module: ast.Module) -> list[str]:
    return [f"line {call.lineno}: {called}()" for called, call in calls(module) if TIME_READERS.search(called)]


def engine_writes(module: ast.Module) -> list[str]:
    """Statements and objects that would write a table of the engine."""
    models = set(ENGINE_TABLES.values())
    found = [f"line {line}: {text[:60]!r}" for text, line in strings(module) if WRITE_SQL.search(text)]
    for called, call in calls(module):
        last = called.rpartition(".")[2]
        targets = {dotted(arg).removesuffix(".__table__").rpartition(".")[2] for arg in call.args}
        if last in WRITERS and targets & models:
            found.append(f"line {call.lineno}: {called}({', '.join(sorted(targets & models))})")
        if last in models:
            found.append(f"line {call.lineno}: makes a {last}")
        if last in {"add", "add_all", "merge", "delete"} and {dotted(arg) for arg in call.args} & models:
            found.append(f"line {call.lineno}: {called}")
    return found


@pytest.mark.parametrize("path", modules(), ids=name)
def test_the_wall_clock_is_read_in_one_module(path: Path) -> None:
    if name(path) != "govservice/clock.py":
        assert clock_reads(tree(path)) == []


@pytest.mark.parametrize("path", modules(), ids=name)
def test_modules_are_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{lines} lines: which second thing has moved in?"


@pytest.mark.parametrize("path", modules(), ids=name)
def test_only_the_engine_writes_case_state(path: Path) -> None:
    if not name(path).startswith(MAY_WRITE):
        assert engine_writes(tree(path)) == []


def test_the_package_itself_is_empty() -> None:
    package = next(path for path in modules() if name(path) == "govservice/__init__.py")
    assert package.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("path", modules(), ids=name)
def test_the_machine_is_used_the_safe_way(path: Path) -> None:
    """`transitions` traps: one shared flat machine, no model bound, no queue shared by cases."""
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"HierarchicalMachine|LockedMachine|\.add_model\(|queued=True", source)
    for called, call in calls(tree(path)):
        if called.rpartition(".")[2] == "Machine":
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            for option in ("auto_transitions", "queued"):
                value = given.get(option)
                assert isinstance(value, ast.Constant), f"line {call.lineno}: {option}= is not said"
                assert value.value is False, f"line {call.lineno}: {option} is on"


def test_the_guards_can_fail() -> None:
    """The scanners find what they are for, in each of its spellings."""
    assert clock_reads(ast.parse("from datetime import datetime\nx = datetime.now()"))
    assert clock_reads(ast.parse("import datetime as dt\nx = dt.datetime.utcnow()"))
    assert clock_reads(ast.parse("import time\nx = time.time()"))
    assert clock_reads(ast.parse("x = date.today()"))
    assert not clock_reads(ast.parse("x = clock.now(); y = rt.now()"))
    assert engine_writes(ast.parse("s.execute(update(Token).values(step='x'))"))
    assert engine_writes(ast.parse("s.execute(insert(cases.CaseEvent))"))
    assert engine_writes(ast.parse("s.execute(delete(Task.__table__))"))
    assert engine_writes(ast.parse("s.add(Visit(case_id='1'))"))
    assert engine_writes(ast.parse("s.execute(text('UPDATE cases SET status = 1'))"))
    assert engine_writes(ast.parse("s.execute(text(f'insert  into case_events ({x})'))"))
    assert not engine_writes(ast.parse("s.execute(select(Case).where(Case.id == 1))"))
    assert not engine_writes(ast.parse("s.execute(update(Person))"))

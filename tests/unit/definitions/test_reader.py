"""Strict YAML: what is refused, where, and how quickly; what words and numbers become."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from govservice.definitions.findings import DefinitionError
from govservice.definitions.loader import Rules, examine, load_file
from govservice.definitions.reader import MAX_DEPTH, Unreadable, read

BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
REFUSED: dict[str, tuple[bytes, str, int]] = {
    "bomb": (BOMB, "E-ALIAS", 1),
    "alias cycle": (b"service: x\nloop: &l\n  again: *l\n", "E-ALIAS", 2),
    "alias without anchor": (b"a: 1\nb: *nowhere\n", "E-ALIAS", 2),
    "python tag": (b"a: 1\nb: !!python/object/apply:os.system ['true']\n", "E-TAG", 2),
    "local tag": (b"a: !secret x\n", "E-TAG", 1),
    "tag of a key": (b"!!str a: 1\n", "E-TAG", 1),
    "ten megabytes": (b"a: " + b"x" * 10_000_000, "E-SIZE", 1),
    "more than 256 kB of short lines": (b"# nothing\n" * 27_000, "E-SIZE", 1),
    "nested lists in one line": (b"a: 1\nb: " + b"[" * 100_000, "E-SIZE", 2),
    "nested lists over lines": (b"[\n" * 100_000, "E-DEPTH", MAX_DEPTH + 1),
    "nested lists below the size": (b"[\n" * 1000, "E-DEPTH", MAX_DEPTH + 1),
    "nested maps": (b"{a:\n" * 1000, "E-DEPTH", MAX_DEPTH + 1),
    "nested dashes": (b"- " * 1900, "E-DEPTH", 1),
    "too many values": (b"- - - - - -\n" * 20_000, "E-SIZE", 2000),
    "duplicate key": (b"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "E-DUPLICATE-KEY", 5),
    "duplicate keys without end": (b"a: 1\n" * 50_000, "E-DUPLICATE-KEY", 2),
    "two documents": (b"a: 1\n---\nb: 2\n", "E-YAML", 2),
    "list as a key": (b"a: 1\n? [b]\n: 2\n", "E-YAML", 2),
    "not UTF-8": (b"a: 1\nb: \xff\n", "E-YAML", 2),
    "bell": (b"a: 1\nb: \x07\n", "E-YAML", 2),
    "unclosed": (b"a: 1\nb: [1,\n", "E-YAML", 3),
    "tab": (b"a:\n\tb: 1\n", "E-YAML", 2),
    "bad indentation": (b"a: 1\n  b: 2\n", "E-YAML", 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_odd_text_is_refused_at_its_line_within_a_second(name: str) -> None:
    raw, code, line = REFUSED[name]
    started = time.thread_time()  # our own work, whatever else the machine does
    loaded, findings = examine(raw, "bad.yaml", Rules())
    assert time.thread_time() - started < 1
    assert loaded is None
    assert (findings[0].code, findings[0].file, findings[0].line) == (code, "bad.yaml", line)


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# nothing\n" * 1_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("it was read"))
    with pytest.raises(DefinitionError) as refused:
        load_file(large, "large.yaml")
    assert [(f.code, f.file, f.line) for f in refused.value.findings] == [("E-SIZE", "large.yaml", 1)]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as refused:
        load_file(tmp_path / "nowhere.yaml")
    assert refused.value.findings[0].code == "E-FILE"


def test_all_duplicate_keys_are_told_at_once() -> None:
    with pytest.raises(Unreadable) as refused:
        read(b"a: 1\na: 2\nb: 1\nb: 2\n")
    assert [(f.code, f.line) for f in refused.value.faults] == [("E-DUPLICATE-KEY", 2), ("E-DUPLICATE-KEY", 4)]


def test_words_stay_words_and_numbers_keep_their_digits() -> None:
    text = b"on: off\nyes: no\ntime: 12:30\nprice: 1.10\nbig: 1_000\noctal: 0o17\nzero: 007\n"
    text += b"nothing:\ntrue: true\nday: 2026-11-23\n"
    assert read(text).data == {
        "on": "off",
        "yes": "no",
        "time": "12:30",
        "price": Decimal("1.10"),
        "big": "1_000",
        "octal": "0o17",
        "zero": "007",
        "nothing": None,
        "true": True,
        "day": "2026-11-23",
    }
    assert str(read(b"p: 1.10").data["p"]) == "1.10"


def test_infinities_and_exponents_are_words() -> None:
    assert read(b"[.inf, .nan, 1e9, -0, +5, -2.50]").data == [".inf", ".nan", "1e9", 0, 5, Decimal("-2.50")]


def test_each_node_has_its_line() -> None:
    source = read(b"a:\n  b: [1,\n    2]\n  c:\n    - x\n    - {d: 1}\n")
    assert [source.line("a", "b", 1), source.line("a", "c", 1, "d"), source.line("a", "c")] == [3, 6, 4]
    assert source.line("a", "c", "unknown", "deeper") == 4  # the nearest node above


def test_an_empty_file_is_no_definition() -> None:
    loaded, findings = examine(b"# nothing\n", "empty.yaml", Rules())
    assert loaded is None
    assert findings[0].code == "E-YAML"

"""Reads strict YAML 1.2 into plain data and the line of every node. Knows nothing of services.

The safe parser's events are walked once. What a definition never needs is refused where it stands, before anything
is built from it: tags, anchors, aliases, several documents, duplicate keys, depth, size. Words stay words (`on`,
`12:30`), and a number keeps its digits (`1.10` is Decimal("1.10")).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_BYTES = 256 * 1024
MAX_LINE = 4000  # characters; the scanner reads a whole line ahead, however deep its brackets nest
MAX_DEPTH = 40
MAX_NODES = 12_000  # values; reading them takes about half a second
MAX_FAULTS = 50  # a file with more duplicate keys is not read on
Path = tuple[str | int, ...]
Data = Any  # None | bool | int | Decimal | str | list[Data] | dict[str, Data]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,12}", re.ASCII)
_WORDS: Mapping[str, None | bool] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text could not be read; `line` counts from 1."""

    code: str
    line: int
    message: str


class Unreadable(ValueError):
    """The text is not the strict YAML that definitions are written in. `faults` has at least one entry."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(f.message for f in faults))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its data and, by path into the data, the line of each key and list item."""

    data: Data
    lines: Mapping[Path, int]

    def line(self, *path: str | int) -> int:
        """The line of the node at `path`, or of the nearest node above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(raw: bytes) -> Source:
    """Reads one document. Raises Unreadable with the line of the fault; all duplicate keys are told at once."""
    if len(raw) > MAX_BYTES:
        raise Unreadable(Fault("E-SIZE", 1, f"the file has {len(raw)} bytes; at most {MAX_BYTES} are read"))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable(Fault("E-YAML", line, "the file is not UTF-8")) from None
    for number, row in enumerate(text.split("\n"), start=1):
        if len(row) > MAX_LINE:
            raise Unreadable(Fault("E-SIZE", number, f"the line has {len(row)} characters; at most {MAX_LINE}"))
    builder = _Builder(_events(text))
    try:
        data = builder.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        raise Unreadable(*builder.faults, Fault("E-YAML", mark.line + 1 if mark else 1, problem)) from None
    except YAMLError as error:
        raise Unreadable(Fault("E-YAML", _line_of(text, error), str(error).splitlines()[0])) from None
    if builder.faults:
        raise Unreadable(*builder.faults)
    return Source(data, builder.lines)


def _line_of(text: str, error: YAMLError) -> int:
    """The reader's error (a character that is not allowed) carries a position instead of a mark."""
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position if isinstance(position, int) else 0) + 1


def _events(text: str) -> Iterator[Any]:
    yield from YAML(typ="safe", pure=True).parse(text)


@dataclass(slots=True)
class _Builder:
    """Builds data from parser events, iteratively deep at most MAX_DEPTH."""

    events: Iterator[Any]
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    nodes: int = 0

    def document(self) -> Data:
        data: Data = None
        seen = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                seen += 1
                if seen > 1:
                    raise self._refuse(event, "E-YAML", "a file holds one document; '---' starts a second one")
            elif isinstance(event, (MappingStartEvent, SequenceStartEvent, ScalarEvent, AliasEvent)):
                data = self._node(event, (), 1)
        return data

    def _node(self, event: Any, path: Path, depth: int) -> Data:
        self._check(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refuse(event, "E-SIZE", f"more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise self._refuse(event, "E-DEPTH", f"nested deeper than {MAX_DEPTH} levels")
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: Path, depth: int) -> list[Data]:
        items: list[Data] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, Data]:
        found: dict[str, Data] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self._key(event)
            here = (*path, key)
            line = event.start_mark.line + 1
            if key in found:
                first = self.lines[here]
                self.faults.append(Fault("E-DUPLICATE-KEY", line, f"the key {key!r} stands already in line {first}"))
                if len(self.faults) >= MAX_FAULTS:
                    raise Unreadable(*self.faults)
                self._node(next(self.events), (*here, "(again)"), depth + 1)
                continue
            self.lines[here] = line
            found[key] = self._node(next(self.events), here, depth + 1)
        return found

    def _key(self, event: Any) -> str:
        self._check(event)
        if not isinstance(event, ScalarEvent):
            raise self._refuse(event, "E-YAML", "a key is a single word")
        return str(event.value)

    def _check(self, event: Any) -> None:
        if isinstance(event, AliasEvent):
            raise self._refuse(event, "E-ALIAS", f"aliases are not allowed: *{event.anchor}")
        if event.anchor is not None:
            raise self._refuse(event, "E-ALIAS", f"anchors are not allowed: &{event.anchor}")
        if event.tag is not None and str(event.tag) != "!":
            raise self._refuse(event, "E-TAG", f"tags are not allowed: {event.tag}")

    @staticmethod
    def _refuse(event: Any, code: str, message: str) -> Unreadable:
        return Unreadable(Fault(code, event.start_mark.line + 1, message))


def _scalar(event: Any) -> Data:
    """The core schema of YAML 1.2, without octal, hexadecimal and floating point: a number keeps its digits."""
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text

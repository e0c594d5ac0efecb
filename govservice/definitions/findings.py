"""What a check found: one problem, with the place where a designer can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

from govservice.definitions.finding_titles import TITLES
from govservice.errors import PortalError

Severity = Literal["error", "warning", "info"]
_ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a definition.

    `code` is stable (`E-...`, `W-...`, `I-...`); `step` is a step's path or None; `trace` lists the steps that show
    the problem, where a path does.
    """

    code: str
    severity: Severity
    file: str
    line: int
    step: str | None
    message: str
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        at = f" [{self.step}]" if self.step else ""
        way = f" ({' -> '.join(self.trace)})" if self.trace else ""
        return f"{self.file}:{self.line}: {self.severity} {self.code}{at}: {self.message}{way}"

    @property
    def title(self) -> Mapping[str, str]:
        """What the code means, in the languages of the portal; `message` says what it is about, in English."""
        return TITLES.get(self.code, {"en": self.code, "zh": self.code})

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "trace": list(self.trace)}


class DefinitionError(PortalError):
    """A definition cannot be used. `findings` lists every problem of every file, in order of file and line."""

    default = "A definition has faults."

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = sorted_findings(findings)
        super().__init__(count=len(self.findings))

    def __str__(self) -> str:
        return "\n".join(str(f) for f in self.findings)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file, line, weight; a finding that was made twice is kept once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (f.file, f.line, _ORDER[f.severity], f.code, f.message)))


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(f.severity == "error" for f in findings)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'owner'?"` for a near miss, else an empty string."""
    candidates = list(islice(sorted(known), 200))  # enough for any definition that people write; keeps odd ones quick
    near: Sequence[str] = difflib.get_close_matches(word[:64], candidates, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""

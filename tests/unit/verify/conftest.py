"""A small sound definition to break, and how its findings are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config import ROOT
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.check import Judges, check_bytes
from govservice.definitions.compile import compile_service
from govservice.definitions.findings import Finding
from govservice.definitions.loader import Rules, load_text
from govservice.definitions.verify import Staffing, verify
from govservice.engine.explore_findings import second_opinion

SOUND = (Path(__file__).parent / "sound.yaml").read_text("utf-8")

Check = Callable[..., list[Finding]]
Refused = Callable[..., Finding]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue(ROOT / "workflows")


@pytest.fixture
def check(catalogue: Catalogue) -> Check:
    """Findings of the sound definition after replacing pieces of its text: `check(old, new, old, new, ...)`."""

    def run(*changes: str, staffing: Staffing | None = None, text: str = SOUND) -> list[Finding]:
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text, f"{old!r} is not in the definition"
            text = text.replace(old, new, 1)
        loaded = load_text(text)
        return verify(compile_service(loaded.service, catalogue=catalogue), loaded, catalogue, staffing)

    return run


@pytest.fixture
def judged(catalogue: Catalogue) -> Check:
    """Findings as `flask definitions check FILE` tells them, the exploration among the judges."""

    def run(*changes: str, staffing: Staffing | None = None, text: str = SOUND) -> list[Finding]:
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text, f"{old!r} is not in the definition"
            text = text.replace(old, new, 1)
        judges = Judges(staffing, second_opinion)
        return list(check_bytes(text.encode(), Rules(catalogue), "small.yaml", judges).findings)

    return run


@pytest.fixture
def refused(check: Check) -> Refused:
    """The one finding of a code, which must stand in the line that holds `at`; no other code but `also` is found."""

    def run(code: str, *changes: str, at: str, also: tuple[str, ...] = (), staffing: Staffing | None = None) -> Finding:
        text = SOUND
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text, f"{old!r} is not in the definition"
            text = text.replace(old, new, 1)
        findings = check(text=text, staffing=staffing)
        told = "\n".join(map(str, findings))
        assert [f.code for f in findings if f.code not in also] == [code], told
        assert {f.code for f in findings} == {code, *also}, told
        found = next(f for f in findings if f.code == code)
        assert found.severity == ("error" if code.startswith("E-") else "warning")
        assert at in text.splitlines()[found.line - 1], f"line {found.line}: {text.splitlines()[found.line - 1]!r}"
        assert found.message.rstrip(".").count(".") or ":" in found.message, "a remedy is said"
        return found

    return run

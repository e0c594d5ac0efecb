"""What lies in the repository: every YAML loads, nothing of one machine or of a registry's address is in it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from config import ROOT

ABSOLUTE = re.compile(r"(?<![\w.])/(?:home|Users|root)/\w+")
REGISTRY_HOST = re.compile(r"https?://[^\s/]*(?:pypi|pythonhosted|npmjs|registry)\.[a-z]{2,}[^\s]*")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / part for part in listed.split("\0") if part and (ROOT / part).is_file()]


@pytest.mark.parametrize("path", sorted((ROOT / "workflows").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_yaml_loads(path: Path) -> None:
    assert YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) is not None


def test_locks_hold_hashes_and_no_addresses() -> None:
    for lock in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert text.count("--hash=sha256:") > text.count("==")
        assert "--index-url" not in text
        assert "file:" not in text
        assert not REGISTRY_HOST.search(text)


def test_nothing_names_one_machine_or_a_package_host() -> None:
    found = []
    for path in tracked():
        if path.suffix in {".png", ".jpg", ".woff2", ".ico", ".pdf"} or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if ABSOLUTE.search(text) or (path.suffix in {".txt", ".in", ".toml", ".json"} and REGISTRY_HOST.search(text)):
            found.append(path.relative_to(ROOT).as_posix())
    assert found == []


def test_secrets_and_databases_are_not_tracked() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [name for name in names if re.search(r"(^var/|\.db$|\.mo$|secrets\.env$|\.pem$)", name)] == []


PAGE = re.compile(r"(?<![\w{*-])([\w./-]*\w\.md)\b")


def test_every_page_that_is_named_is_there() -> None:
    """Comments and pages that point somewhere point at a page of this repository."""
    lost = []
    for path in tracked():
        if path.suffix not in {".py", ".yaml", ".md", ".toml", ".html", ".sh"} or path == Path(__file__):
            continue
        for name in PAGE.findall(path.read_text(encoding="utf-8")):
            if not any((folder / name).is_file() for folder in (ROOT, ROOT / "docs", ROOT / "static", path.parent)):
                lost.append(f"{path.relative_to(ROOT).as_posix()}: {name}")
    assert lost == []

"""The floors of the house: the import linter's contracts hold, and every package stands on a floor."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from config import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def floors() -> set[str]:
    (contract,) = (c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    return {part.strip(" ()") for layer in contract["layers"] for part in layer.split("|")}


def test_every_package_stands_on_a_floor() -> None:
    parts = {
        path.stem
        for path in (ROOT / "govservice").iterdir()
        if (path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))) and path.stem != "__init__"
    }
    assert parts - floors() == set()


def test_every_package_is_marked_as_one() -> None:
    folders = {path.parent for path in (ROOT / "govservice").rglob("*.py")}
    assert [f.relative_to(ROOT).as_posix() for f in folders if not (f / "__init__.py").exists()] == []


def test_imports_run_down_the_floors() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""`python -m tests.sim.bugs [--only NAME] [--check] [--seeds N]`: puts each bug into a copy of the tree and runs the
simulation there on a few seeds; the tree as it is must pass. `--write FILE` keeps the results as JSON lines.
Exit 0: at least 95 % were seen and the tree as it is passes; with `--check` all can be put in."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import ROOT
from tests.sim.bugs import Bug, apply
from tests.sim.bugs.catalogue import BUGS

AS_THEY_ARE = ("templates", "static", "translations")  # no bug is put into these
PARTS = ("govservice", "tests", "workflows", "migrations", "config.py", "alembic.ini", "pyproject.toml")
SEEDS, STEPS, PG_STEPS = (11, 12, 13), 4000, 1000
SEEN = re.compile(r"BROKEN (\w+): (.*?) \[\w+\]$", re.MULTILINE)


@dataclass
class Result:
    """Whether the simulation saw a bug; by which invariant, on which seed, after how many seconds."""

    name: str
    caught: bool
    law: str = ""
    what: str = ""
    seed: int = 0
    seconds: float = 0.0


@contextmanager
def copy() -> Iterator[Path]:
    """The tree without what git ignores."""
    with tempfile.TemporaryDirectory(prefix="sim-bugs-") as folder:
        root = Path(folder)
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "browser"))
            else:
                shutil.copy(ROOT / part, root / part)
        for part in AS_THEY_ARE:
            (root / part).symlink_to(ROOT / part)
        yield root


def play(root: Path, bug: Bug | None, seeds: Sequence[int] = SEEDS, server: str | None = None) -> Result:
    """Runs the simulation in a copy of the tree until something is seen."""
    name, started = bug.name if bug else "(none)", time.monotonic()
    for seed in seeds:
        postgres = bug is not None and bug.needs == "postgres"
        command = [sys.executable, "-m", "tests.sim", "--seed", str(seed), "--quiet"]
        command += ["--steps", str(PG_STEPS), "--postgres"] if postgres else ["--steps", str(STEPS)]
        ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=1200)
        if ran.returncode:
            found = SEEN.search(ran.stdout)
            law, what = (found[1], found[2]) if found else ("crash", ran.stderr.strip().splitlines()[-1][:200])
            return Result(name, True, law, what, seed, time.monotonic() - started)
    return Result(name, False, seconds=time.monotonic() - started)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.bugs", description=__doc__)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--check", action="store_true", help="only that every bug still applies")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="on so many seeds at most")
    parser.add_argument("--write", metavar="FILE", help="the results as JSON lines")
    said = parser.parse_args(arguments)
    chosen = [bug for bug in BUGS if not said.only or bug.name in said.only]
    results = []
    if not said.only and not said.check:
        with copy() as root:
            results.append(tell(play(root, None)))
    for bug in chosen:
        with copy() as root:
            apply(bug, root)
            if not said.check:
                results.append(tell(play(root, bug, SEEDS[: said.seeds])))
                keep(said.write, results)
    if said.check:
        sys.stdout.write(f"{len(chosen)} bugs, every one of them can be put in\n")
        return 0
    planted = [r for r in results if r.name != "(none)"]
    caught = sum(r.caught for r in planted)
    sys.stdout.write(f"{caught} of {len(planted)} seen\n")
    return int(any(r.caught for r in results if r.name == "(none)") or caught < 0.95 * len(planted))


def keep(file: str | None, results: Sequence[Result]) -> None:
    """What is known so far: a run that is cut short has told what it saw."""
    if file:
        lines = [json.dumps(result.__dict__, ensure_ascii=False) for result in results]
        Path(file).write_text("\n".join(lines) + "\n", encoding="utf-8")


def tell(result: Result) -> Result:
    seen = f"seen by {result.law} (seed {result.seed}): {result.what}" if result.caught else "NOT SEEN"
    sys.stdout.write(f"{result.name}: {seen}, {result.seconds:.1f} s\n")
    sys.stdout.flush()
    return result


if __name__ == "__main__":
    sys.exit(main())

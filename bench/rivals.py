"""The engine beside what people would take otherwise: SpiffWorkflow, python-statemachine or transitions with an ORM.

They are installed from PyPI into an environment of their own (`var/bench-rivals`), run in a process of their own on the
same PostgreSQL, and take turns with the engine round by round; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from bench.durable import server
from bench.figure import Figure, figure
from bench.office import KEYRING, Office
from config import ROOT
from govservice.models import migrate
from govservice.models.session import Database, make_engine

HOME = ROOT / "var" / "bench-rivals"
WANTED = (
    "SpiffWorkflow==3.2.0",
    "python-statemachine==3.2.2",
    "transitions==0.9.3",
    "SQLAlchemy>=2",
    "psycopg[binary]>=3",
)
ROUNDS, CASES = 7, 2
TARGET = 3.0


def environment() -> Path:
    """The interpreter of the rivals' environment; made on first use."""
    python = HOME / "bin" / "python"
    done = HOME / "installed.txt"
    if not done.is_file() or done.read_text() != "\n".join(WANTED):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *WANTED], check=True, stdout=sys.stderr)
        done.write_text("\n".join(WANTED))
    return python


def figures() -> Iterator[Figure]:
    python = environment()
    with server() as url:
        made = make_engine(url)
        migrate.upgrade(made)
        office = Office(Database(made, KEYRING))
        command = [str(python), str(Path(__file__).with_name("rival_play.py")), url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            names = json.loads(process.stdout.readline())["ready"]
            ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
            for number in range(ROUNDS + 1):
                ours = _ours(office)
                for name in names:
                    print(name, CASES, file=process.stdin, flush=True)
                    theirs = json.loads(process.stdout.readline())[name]
                    if number:  # the first round warms everybody
                        ratios[name].append((theirs[0] / ours[0], theirs[1] / ours[1]))
            process.stdin.close()
        made.dispose()
    for name, found in ratios.items():
        by_clock, of_process = (median(each) for each in zip(*found, strict=True))
        yield figure(f"rivals.{name}.step_over_engine_step", by_clock, "ratio", TARGET, "at_least")
        yield figure(f"rivals.{name}.cpu_over_engine_cpu", of_process, "ratio")


def _ours(office: Office) -> tuple[float, float]:
    """Seconds of a step by the clock, and of this process."""
    drafts = [office.draft() for _ in range(CASES)]
    began, worked = perf_counter(), process_time()
    steps = sum(office.play(draft) for draft in drafts)
    return (perf_counter() - began) / steps, (process_time() - worked) / steps

"""`flask demo load --cases N`: the demonstration's people and ninety days of history."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import click

from govservice.commands import runtime
from govservice.errors import NotAllowed

WIDTH = 30  # characters of the bar


@click.group()
def command() -> None:
    """Load the demonstration (demo mode only)."""


@command.command()
@click.option("--cases", type=click.IntRange(min=0), default=2000, show_default=True, help="0: the people alone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def load(cases: int, as_json: bool) -> None:
    """Load what is missing: definitions, the cast, and CASES cases with their history."""
    from govservice.operations import demo

    began = time.monotonic()
    try:
        done = demo.load(runtime(), cases, _quiet if as_json else Bar(sys.stderr.isatty()).show)
    except NotAllowed as refused:
        raise click.UsageError(str(refused)) from None
    seconds = time.monotonic() - began
    if as_json:
        facts = {"accounts": done.accounts, "new": done.new, "cases": done.cases, "seconds": round(seconds, 1)}
        click.echo(json.dumps(facts))
    elif done.new:
        click.echo(f"{done.new} cases with their history, {done.accounts} accounts; {seconds:.0f} seconds.")
    elif cases and done.cases:
        click.echo(f"The demonstration is there already ({done.cases} cases): nothing was added.")
    else:
        click.echo(f"{done.accounts} accounts; no cases.")


@command.command()
@click.option("--cases", type=click.IntRange(min=1), required=True, help="How many to add.")
@click.option(
    "--processes", type=click.IntRange(1, 64), help="PostgreSQL: how many play at once; the cores by default."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bulk(cases: int, processes: int | None, as_json: bool) -> None:
    """Add CASES cases over two years, for trials of size: real events, tasks and timers; papers and notices are not."""
    from govservice.operations import demo_bulk

    rt = runtime()
    lite = rt.database.engine.dialect.name == "sqlite"
    many = 1 if lite else processes or os.cpu_count() or 1
    began = time.monotonic()
    try:
        made = demo_bulk.bulk(rt, cases, _quiet if as_json else Bar(sys.stderr.isatty()).show, processes=many)
    except NotAllowed as refused:
        raise click.UsageError(str(refused)) from None
    seconds = time.monotonic() - began
    if as_json:
        click.echo(json.dumps({"cases": made, "seconds": round(seconds, 1), "processes": many}))
    else:
        click.echo(f"{made} cases in {seconds:.0f} seconds, {made / seconds:.0f} a second.")


def _quiet(_done: int, _total: int) -> None:
    """No progress."""


class Bar:
    """Progress with rate and time left: one line that moves on a terminal, else a line for every tenth."""

    def __init__(self, terminal: bool, write: Callable[[str], object] = sys.stderr.write) -> None:
        self.terminal, self.write = terminal, write
        self.began = time.monotonic()
        self.shown = -1.0
        self.told = 0

    def show(self, done: int, total: int) -> None:
        """Called often; writes seldom."""
        now = time.monotonic()
        if self.terminal:
            if now - self.shown >= 0.2 or (done == total and self.told != total):
                self.shown, self.told = now, done
                self.write("\r" + self.line(done, total, now))
                if done == total:
                    self.write("\n")
        elif done * 10 // total > self.told:
            self.told = done * 10 // total
            self.write(self.line(done, total, now) + "\n")
        sys.stderr.flush()

    def line(self, done: int, total: int, now: float) -> str:
        rate = done / max(now - self.began, 0.001)
        left = int((total - done) / rate) if rate else 0
        bar = "#" * (WIDTH * done // total)
        return f"[{bar:<{WIDTH}}] {done:>5} of {total} cases  {rate:5.0f}/s  {left // 60:02d}:{left % 60:02d} left "

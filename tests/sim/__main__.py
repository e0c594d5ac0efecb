"""`python -m tests.sim --seed S --steps N`: one seed, or several (`--seeds 3`: S, S+1, S+2), on SQLite in memory, or on
PostgreSQL with `--postgres` (or `--url URL`: an empty, migrated database). Exit 0: every invariant held, 1: one did not
(the seed, the invariant and the last acts are told)."""

from __future__ import annotations

import argparse
import sys
import traceback

from tests.sim.places import Places, quiet
from tests.sim.runner import Report, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after the other")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--transitions", type=int, default=0, help="go on until so many were committed")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--url")
    parser.add_argument("--quiet", action="store_true", help="no trace of the last acts")
    parser.add_argument("--counts", action="store_true", help="also how often what happened")
    said = parser.parse_args(arguments)
    quiet()
    with Places(postgres=said.postgres, url=said.url) as places:
        for seed in range(said.seed, said.seed + said.seeds):
            with places.fresh(seed) as url:
                report = run(seed, said.steps, url, said.transitions)
            sys.stdout.write(report.line() + f" [{report.digest}]\n")
            if said.counts:
                sys.stdout.write("".join(f"{n:7} {what}\n" for what, n in sorted(report.count.items())))
            if report.broken is not None:
                if not said.quiet:
                    tell(report)
                return 1
    return 0


def tell(report: Report) -> None:
    sys.stdout.write("\n".join(report.trace) + "\n")
    if report.broken is not None:
        sys.stdout.write("".join(traceback.format_exception(report.broken)))


if __name__ == "__main__":
    sys.exit(main())

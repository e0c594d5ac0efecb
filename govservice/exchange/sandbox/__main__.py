"""`python -m govservice.exchange.sandbox --port 8001`: the sandbox without Flask."""

from __future__ import annotations

import argparse

from govservice.exchange.sandbox.answers import DOORS
from govservice.exchange.sandbox.faults import Delay
from govservice.exchange.sandbox.province import DEFAULT_SEED
from govservice.exchange.sandbox.server import serve


def main(arguments: list[str] | None = None) -> None:
    """Serves until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="registry-sandbox", description="Serve a synthetic province's registries.")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free port and prints it")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--delay-ms", type=float, default=3.0, help="median of the log-normal delay")
    parser.add_argument("--sigma", type=float, default=0.3, help="sigma of the log-normal delay")
    parser.add_argument("--only", choices=sorted(DOORS), help="one register alone, as a process of its own")
    given = parser.parse_args(arguments)
    serve(given.port, given.seed, Delay(given.delay_ms, given.sigma), given.only)


if __name__ == "__main__":
    main()

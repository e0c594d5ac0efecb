"""`flask registry-sandbox`: a synthetic province's registries over HTTP, on this machine only."""

from __future__ import annotations

import click

from govservice.exchange.sandbox.province import DEFAULT_SEED


@click.command()
@click.option("--port", default=8001, show_default=True, help="0 takes a free port and prints it.")
@click.option("--seed", default=DEFAULT_SEED, show_default=True, help="The same seed gives the same province.")
@click.option("--delay-ms", default=3.0, show_default=True, help="Median of the log-normal delay.")
@click.option("--sigma", default=0.3, show_default=True, help="Sigma of the log-normal delay.")
def command(port: int, seed: int, delay_ms: float, sigma: float) -> None:
    """Serve a synthetic province's registries until SIGINT or SIGTERM."""
    from govservice.exchange.sandbox.__main__ import main

    main(["--port", str(port), "--seed", str(seed), "--delay-ms", str(delay_ms), "--sigma", str(sigma)])

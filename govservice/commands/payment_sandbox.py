"""`flask payment-sandbox`: a payment provider for demonstrations and tests, on this machine only. No money moves."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--port", default=8002, show_default=True, help="0 takes a free port and prints it.")
@click.option("--forget", is_flag=True, help="Keep no orders over a restart.")
def command(port: int, forget: bool) -> None:
    """Serve the portal's payment orders until SIGINT or SIGTERM. In demo mode only."""
    from config import ConfigError, from_env
    from govservice.payments.sandbox.server import serve

    try:
        settings = from_env()
    except ConfigError as fault:
        sys.exit(str(fault))
    if not settings.demo or settings.payment is None:
        raise click.UsageError("the sandbox takes no real money: it runs in demo mode only (GOVSERVICE_MODE=demo)")
    kept = None if forget else settings.var_dir / "payment-sandbox.json"
    serve(port, {settings.payment.merchant: settings.payment.key}, kept)

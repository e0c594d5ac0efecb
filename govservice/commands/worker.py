"""`flask worker`: drains the outbox and fires timers until SIGTERM."""

from __future__ import annotations

import signal

import click

from govservice import logs
from govservice.commands import runtime, settings


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now and end.")
def command(once: bool) -> None:
    """Drain the outbox and fire timers. Several workers may run side by side."""
    from govservice.worker import Worker

    logs.configure(settings().log_level)
    worker = Worker(runtime())
    if once:
        click.echo(f"{worker.round()} done")
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run()

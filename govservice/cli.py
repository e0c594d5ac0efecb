"""`flask ...`: the names of the commands; each is imported only when it is used.

`flask definitions check` must work where the definitions are broken, so the commands do not build the portal:
`wsgi.py` hands flask a bare application that carries them, and a command builds what it needs itself.
"""

from __future__ import annotations

from importlib import import_module

import click
from flask import Flask

COMMANDS = {
    "audit": "Check the hash chains and anchors.",
    "cases": "Look into one case: replay it from its events.",
    "clock": "Count legal limits; move the simulated clock (demo mode only).",
    "database": "Bring the database to the newest schema.",
    "definitions": "Check, show and publish definitions of services.",
    "demo": "Load the demonstration: people, departments, history.",
    "exchange": "Check and seal the log of what was asked of registries.",
    "payment-sandbox": "Serve a payment provider for demonstrations.",
    "registries": "See which registries and datasets are not asked; ask again.",
    "registry-sandbox": "Serve a synthetic province's registries.",
    "users": "Create, disable and reset accounts.",
    "worker": "Drain the outbox and fire timers.",
}


def load(name: str) -> click.Command:
    """The command of that name. Raises KeyError for a name that is not listed."""
    if name not in COMMANDS:
        raise KeyError(name)
    command: click.Command = import_module(f"govservice.commands.{name.replace('-', '_')}").command
    return command


class LazyCommand(click.Group):
    """Stands for a command until it is called; help lists need no import."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__(name=name, help=help)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        command = load(str(self.name))
        return command.make_context(info_name, args, parent=parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        return ctx.command.invoke(ctx)


def command_app() -> Flask:
    """A bare Flask application that carries the commands: no views, no database, no definitions."""
    app = Flask("govservice", static_folder=None)
    for name, help in COMMANDS.items():
        app.cli.add_command(LazyCommand(name, help))
    return app

"""The commands of `flask ...`: one module each, holding a click command or group named `command`.

Commands are thin: they read arguments, call an operation, print. Exit codes: 0 fine, 1 findings, 2 wrong use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from config import Settings
    from govservice.operations.runtime import Runtime


def settings() -> Settings:
    """The settings of the environment. Wrong ones end the command with code 2, every fault named."""
    from config import ConfigError, from_env

    try:
        return from_env()
    except ConfigError as fault:
        raise click.UsageError(str(fault)) from None


def runtime() -> Runtime:
    """The portal without its web. Broken definitions end the command with code 1, every problem listed."""
    from govservice.definitions.findings import DefinitionError
    from govservice.operations.startup import open_runtime

    try:
        return open_runtime(settings())
    except DefinitionError as fault:
        click.echo(str(fault), err=True)
        raise click.exceptions.Exit(1) from None

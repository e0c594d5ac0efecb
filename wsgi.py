"""What servers and `flask` load: the portal, or only its commands where a command is run."""

from __future__ import annotations

import os
import sys
import time

from flask import Flask
from sqlalchemy.exc import InterfaceError, OperationalError

from govservice import logs  # before anything can fail: unconfigured, structlog draws every local value of an error

REFUSED = 3  # gunicorn stops for good at this exit code instead of starting worker after worker
AGAIN = 0.5  # seconds until a database that did not answer is asked again
log = logs.get(__name__)


def load() -> Flask:
    """The portal. A start that is refused (settings, definitions, demo accounts) says everything that is wrong.

    A database that is away is waited for: a worker that is started anew while the database restarts must not bring
    the whole server down with it."""
    from config import ConfigError, from_env
    from govservice.app import StartRefused, create_app
    from govservice.definitions.findings import DefinitionError

    try:
        settings = from_env()
        logs.configure(settings.log_level)
        while True:
            try:
                return create_app(settings)
            except (OperationalError, InterfaceError) as away:
                if settings.database_url.startswith("sqlite"):
                    raise  # a file is not away for a while: its path or its rights are wrong
                log.error("start.waits_for_database", error=type(away.orig).__name__)
                time.sleep(AGAIN)
    except (ConfigError, DefinitionError, StartRefused) as refusal:
        print(f"The portal does not start.\n{refusal}", file=sys.stderr, flush=True)  # noqa: T201 - logs may not say this
        sys.exit(REFUSED)


if os.environ.get("FLASK_RUN_FROM_CLI") == "true" and not {"run", "routes", "shell"} & set(sys.argv[1:]):
    from config import LOG_LEVELS
    from govservice.cli import command_app

    level = os.environ.get("LOG_LEVEL", "INFO")  # a wrong one is named with every other fault of the settings
    logs.configure(level if level in LOG_LEVELS else "INFO")
    app = command_app()
else:
    app = load()

"""What two people put in force in another process is in force here too, within a second."""

from __future__ import annotations

from time import monotonic

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from govservice import logs
from govservice.errors import PortalError
from govservice.operations.in_force import take_in_force
from govservice.operations.runtime import Runtime

SECONDS = 1.0
log = logs.get("govservice.web.in_force")


def init_in_force(app: Flask, runtime: Runtime) -> None:
    """Looks into the database before a request, at most once a second. Starting a case looks for itself, always."""
    looked = float("-inf")

    def look() -> None:
        nonlocal looked
        if monotonic() - looked < SECONDS:
            return
        try:
            take_in_force(runtime)
        except (SQLAlchemyError, PortalError) as error:  # the page itself will find out, and say so
            log.warning("definitions.not_looked_up", error=type(error).__name__)
            return
        looked = monotonic()

    app.before_request(look)

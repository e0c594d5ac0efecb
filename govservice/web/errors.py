"""Faults as pages: what happened in the person's language, what was typed kept, the request's id, never a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from govservice import errors, logs
from govservice.queries.names import staff_names
from govservice.web.requests_log import request_id

RETRY_SECONDS = 30
STATUS: Mapping[type[errors.PortalError], int] = {
    errors.NotFound: 404,
    errors.Forbidden: 409,
    errors.NotAllowed: 409,
    errors.Stale: 409,
    errors.LostRace: 409,
    errors.Missing: 422,
    errors.Invalid: 422,
    errors.TooLarge: 413,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.Tampered: 500,
}
PAGES = {400: "400", 404: "404", 405: "404", 409: "409", 413: "413", 422: "422", 429: "429", 503: "503"}
TYPED = ("note", "reason", "opinion", "comment", "text")  # words that must not be lost with a refused form
MAX_KEPT = 4000
log = logs.get("govservice.web.errors")


def init_errors(app: Flask) -> None:
    app.register_error_handler(errors.PortalError, domain_fault)
    app.register_error_handler(CSRFError, form_fault)
    app.register_error_handler(HTTPException, http_fault)
    app.register_error_handler(DBAPIError, database_fault)
    app.register_error_handler(PoolTimeout, database_fault)
    app.register_error_handler(Exception, unknown_fault)


def status_of(fault: errors.PortalError) -> int:
    """The HTTP status of a domain error: that of its nearest known class."""
    return next((STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS), 500)


def sentence(fault: errors.PortalError) -> str:
    """The fault's sentence in the reader's language, with its facts filled in."""
    try:
        return str(gettext(fault.message)) % fault.facts
    except (KeyError, TypeError, ValueError):
        return str(gettext(fault.message))


def domain_fault(fault: errors.PortalError) -> Response:
    status = status_of(fault)
    if status >= 500:
        log.error("portal.fault", exc_info=fault, status=status)
    elif status not in (404, 422):
        log.warning("portal.refused", error=type(fault).__name__, status=status, facts=dict(fault.facts))
    if isinstance(fault, errors.NotFound) and type(fault) is errors.NotFound:
        return page(404)
    response = page(
        status,
        words=sentence(fault) if status != 500 else "",
        since=happened(fault.events) if isinstance(fault, errors.Stale) else [],
        fields=[str(gettext(text)) for text in getattr(fault, "fields", {}).values()]
        if isinstance(fault, errors.Invalid)
        else [],
        wait=getattr(fault, "retry_after", 0),
    )
    if isinstance(fault, errors.TooMany):
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def form_fault(fault: CSRFError) -> Response:
    """The form's token is missing, old or somebody else's, or it came from another site."""
    log.warning("form.refused", code="csrf", endpoint=request.endpoint)
    return page(400, csrf=True)


def http_fault(fault: HTTPException) -> Response:
    """Faults that Flask and Werkzeug raise; redirects they raise pass through."""
    if fault.response is not None:
        return make_response(fault.response)
    status = fault.code or 500
    if status < 400:
        return make_response(fault.get_response())
    if status >= 500:
        original = getattr(fault, "original_exception", None)
        log.error("http.fault", status=status, exc_info=original or fault)
    response = page(status)
    for name, value in fault.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def database_fault(fault: DBAPIError | PoolTimeout) -> Response:
    """The database does not answer, is busy or restarts: try again soon. Anything else of it is our own fault."""
    log.error("database.fault", exc_info=fault)
    away = isinstance(fault, (OperationalError, PoolTimeout)) or getattr(fault, "connection_invalidated", False)
    return page(503 if away else 500)


def unknown_fault(fault: Exception) -> Response:
    """Something nobody thought of. In tests and under a debugger it goes up."""
    if current_app.testing or current_app.debug:
        raise fault
    log.error("unknown.fault", exc_info=fault)
    return page(500)


def page(status: int, **facts: Any) -> Response:
    """The page of a status. A page that cannot be drawn (the fault may be in drawing) becomes two plain sentences."""
    given = {"words": "", "since": [], "fields": [], "wait": 0, "csrf": False} | facts
    name = PAGES.get(status, "400" if status < 500 else "500")
    try:
        body = render_template(
            f"errors/{name}.html", status=status, request_id=request_id(), typed=typed_words(), **given
        )
    except Exception as trouble:  # the last line of defence: nobody may see a trace
        log.error("error_page.fault", exc_info=trouble)
        body = PLAIN.format(id=request_id())
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


PLAIN = (
    '<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8"><title>暂时无法使用</title>'
    "<p>服务暂时无法使用，请稍后再试。"
    '<p lang="en">The service is not available at the moment. Please try again later.<p>{id}</html>'
)


def typed_words() -> list[str]:
    """Long words the person typed into the refused form, so that they can be copied."""
    if request.method != "POST" or request.content_length is None:
        return []
    try:
        return [v[:MAX_KEPT] for key in TYPED for v in request.form.getlist(key) if v.strip()]
    except HTTPException:  # the form itself is what was refused
        return []


def happened(events: Iterable[Any]) -> list[dict[str, Any]]:
    """What was done since the page was opened: when and by whom. `events` are of the engine or of the table."""
    listed = list(events)
    with current_app.extensions["runtime"].read() as session:
        names = staff_names(session, (str(event.actor) for event in listed))
    return [
        {"at": _moment(event), "staff": names.get(str(event.actor)), "system": event.actor == "system"}
        for event in listed
    ]


def _moment(event: Any) -> datetime | None:
    found = getattr(event, "moment", None) or event.at
    return found if isinstance(found, datetime) else None

"""JSON logs, one object a line: an event name and fields from a closed list. No personal data.

A field that is not in `FIELDS` is dropped and only its name is kept; an exception is told by its type and the
places it passed, not by its message, because database and validation errors quote the values they choke on.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

FIELDS = frozenset(
    (
        "event level timestamp logger pid worker "
        "request_id case case_id user endpoint method status ms bytes retry_after "
        "service step action code count seq topic attempts registry dataset outcome exchange "
        "error frames facts fields dropped findings file line command definition revision cases fired delivered"
    ).split()
)
MAX_TEXT = 200  # characters of one field
FRAMES = 12  # innermost places of an exception
# The first four quote addresses; `transitions` says a line for each edge of each machine that is built.
QUIET = ("httpx", "httpcore", "alembic", "werkzeug", "transitions")
NAMED = frozenset({"govservice", "config", "wsgi", "gunicorn", "alembic", "py"})  # loggers whose words we know

Event = MutableMapping[str, Any]


def configure(level: str = "INFO", stream: Any = None) -> None:
    """Sends structlog and the standard library's loggers to `stream` (standard error) as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _only_known_words],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exceptions,
                _only_known_fields,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get(name: str) -> Any:
    """A logger: `log.info("task.claimed", case=number, user=id)`."""
    return structlog.stdlib.get_logger(name)


def bind(**fields: object) -> None:
    """Adds fields (`request_id`, `case`, `user`) to every later line of this request or job."""
    bind_contextvars(**fields)


def clear() -> None:
    """Forgets the bound fields: at the start of a request or job."""
    clear_contextvars()


def _only_known_words(_logger: Any, _method: str, event: Event) -> Event:
    """A foreign library's message may quote values: only the words of loggers that we know are kept."""
    record: logging.LogRecord | None = event.get("_record")
    full = record.name if record else str(event.get("logger", ""))
    name = full.partition(".")[0]
    if full == "govservice":  # Flask's own logger: its words on an exception quote the address
        event["event"] = (
            "unhandled exception" if event.get("exc_info") or record and record.exc_info else "log from flask"
        )
    elif name not in NAMED:
        event["event"] = f"log from {name}"
    return event


def _exceptions(_logger: Any, _method: str, event: Event) -> Event:
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if info is True:
        info = sys.exc_info()
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if error is not None:
        event["error"] = type(error).__name__
        event["frames"] = [
            f"{_short(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-FRAMES:]
        ]
        facts = getattr(error, "facts", None)
        if isinstance(facts, Mapping):  # of a PortalError: identifiers and counts only
            event["facts"] = {str(key): str(value)[:MAX_TEXT] for key, value in facts.items()}
    return event


def _short(filename: str) -> str:
    return "/".join(filename.rsplit("/", 3)[-3:])


def _only_known_fields(_logger: Any, _method: str, event: Event) -> Event:
    kept = {key: _cut(value) for key, value in event.items() if key in FIELDS}
    if dropped := sorted(key for key in event if key not in FIELDS and not key.startswith("_")):
        kept["dropped"] = dropped
    return kept


def _cut(value: Any) -> Any:
    return value[:MAX_TEXT] if isinstance(value, str) else value

"""Domain errors: a sentence for the person, facts for the log. No HTTP here; the doors translate.

`message` is an English message id with `%(name)s` placeholders; a door translates it and fills in `facts`.
Facts are identifiers and counts, never personal data, so that they may be logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def N_(message: str) -> str:
    """Marks a message id, so that scripts/messages.py finds it; the doors translate it."""
    return message


class PortalError(Exception):
    """Base of every error that a person may see."""

    default = N_("Something went wrong.")

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        self.message = message or self.default
        self.facts = facts
        super().__init__(self.message)

    def __str__(self) -> str:
        try:
            return self.message % self.facts
        except (KeyError, TypeError, ValueError):
            return self.message


def told(error: Exception, **known: Any) -> dict[str, Any]:
    """Fields of a log line about an error: its type, its facts, and above them what the caller knows (a fact may carry
    the same name, such as `case_id`)."""
    facts = error.facts if isinstance(error, PortalError) else {}
    return {**{k: v for k, v in facts.items() if k != "event"}, **known, "error": type(error).__name__}


class NotFound(PortalError):
    """Not there, or not yours: both look alike (404)."""

    default = N_("There is nothing here that you may see.")


class Forbidden(PortalError):
    """The actor may not do this. `code` says why, for the log and for `available()`."""

    default = N_("You may not do this.")

    def __init__(self, code: str, message: str | None = None, **facts: Any) -> None:
        self.code = code
        super().__init__(message, code=code, **facts)


class NotAllowed(PortalError):
    """The action does not exist at the case's present step (409)."""

    default = N_("This is not possible at the moment.")


class Unverified(NotAllowed):
    """A decision would rely on data that was not looked at again, has changed, or that nobody verified (409).

    `ask` names the facts that the registries must be asked for first; empty where asking would not help: then
    `why` says by fact what stands in the way.
    """

    default = N_("The registers have to be asked again before this decision.")

    def __init__(self, message: str | None = None, *, ask: Sequence[str] = (), why: Mapping[str, str] | None = None):
        self.ask, self.why = tuple(ask), dict(why or {})
        super().__init__(message, ask=list(self.ask), why=self.why)


class Stale(PortalError):
    """The page showed an older state of the token or its data (409). `events` is what happened since."""

    default = N_("Somebody acted on this before you.")

    def __init__(self, message: str | None = None, events: Sequence[Any] = (), **facts: Any) -> None:
        self.events = tuple(events)
        super().__init__(message, **facts)


class LostRace(PortalError):
    """The compare-and-set on the case failed: the caller retries the whole transaction."""

    default = N_("Somebody acted on this at the same moment. Please try again.")


class Missing(PortalError):
    """A reason, field, material or attachment is missing (422). `fields` names them."""

    default = N_("Something is missing.")

    def __init__(self, fields: Sequence[str], message: str | None = None, **facts: Any) -> None:
        self.fields = tuple(fields)
        super().__init__(message, fields=list(fields), **facts)


class Invalid(PortalError):
    """Values that cannot be accepted (422). `fields` maps a field to its message id."""

    default = N_("Please check what you entered.")

    def __init__(self, fields: Mapping[str, str], message: str | None = None, **facts: Any) -> None:
        self.fields = dict(fields)
        super().__init__(message, **facts)


class KeyReused(Invalid):
    """The same idempotency key came with another request (422)."""

    default = N_("This form was already used for something else. Please open the page again.")

    def __init__(self) -> None:
        super().__init__({})


class TooLarge(PortalError):
    """More than is accepted (413)."""

    default = N_("This is too large.")


class TooMany(PortalError):
    """Too many tries in a while (429). `retry_after` in seconds."""

    default = N_("Too many tries. Please wait a little and try again.")

    def __init__(self, retry_after: int, message: str | None = None, **facts: Any) -> None:
        self.retry_after = retry_after
        super().__init__(message, retry_after=retry_after, **facts)


class Unavailable(PortalError):
    """Something that is needed does not answer (503)."""

    default = N_("This does not answer at the moment. Please try again in a few minutes.")


class Tampered(PortalError):
    """A chain, seal or invariant does not hold. Never shown in detail; it alarms the operator."""

    default = N_("The records of this case do not agree. The operator has been told.")

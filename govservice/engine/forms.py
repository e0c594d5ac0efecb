"""The form of a command: what comes in from outside is of the kind that the engine reads, or it is refused at the door.

Only the kind is asked here; whether a value fits (a revision that exists, a step of the definition) is asked where it
is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from govservice.engine.types import Command
from govservice.errors import N_, Invalid
from govservice.models.base import to_iso

MAX_NUMBER = 2**31 - 1  # what both databases keep in an integer column
MAX_WORD = 200  # characters of an identifier
SENTENCE = N_("This form cannot be sent. Please open the page again.")

Fits = Callable[[Any], bool]


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_NUMBER


def _word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_WORD and value.isprintable()


def _words(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(_word(each) for each in value)


def _text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _moment(value: Any) -> bool:
    """An instant as events hold it: canonical text, UTC."""
    try:
        return isinstance(value, str) and to_iso(datetime.fromisoformat(value)) == value
    except ValueError:
        return False


def _licence(value: Any) -> bool:
    """A licence to be renewed: which one, its last day and its end."""
    return (
        isinstance(value, Mapping) and _word(value.get("document")) and _word(value.get("expires_on"))
        and _moment(value.get("expires_at"))
    )  # fmt: skip


def _why(value: Any) -> bool:
    """Why what a case rests on is another now."""
    return value in ("settled", "given", "found")


def _maybe(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def _by_name(fits: Fits) -> Fits:
    return lambda value: isinstance(value, Mapping) and all(_word(k) and fits(v) for k, v in value.items())


KINDS: Mapping[str, Fits] = {
    "data_rev": _number, "changed": _words, "items": _maybe(_by_name(_text)), "files": _maybe(_by_name(_words)),
    "result": lambda value: isinstance(value, Mapping) and all(_word(name) for name in value), "opinion": _text,
    "step": _word, "timer": _word, "armed_seq": _number, "to": _word, "length": _text, "def_sha": _word,
    "number": _word, "service": _word, "person_id": _word, "organisation_id": _maybe(_word),
    "mandate_id": _maybe(_word), "area": _maybe(_word), "channel": _word, "parent": _maybe(_word),
    "supplied": _words, "facts": _words, "left": _words, "why": _why,
    "deferred": _maybe(_words), "pledges": _maybe(_by_name(_maybe(_number))),
    "steps": _maybe(_by_name(_word)), "fields": _maybe(_by_name(_word)), "case": _maybe(_word),
    "outcome": _maybe(_word), "attempt": _number, "starts_at": _moment,
    "renews": _maybe(_licence),
}  # fmt: skip
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "@open": ("def_sha", "number", "service", "person_id"), "@timer": ("timer", "armed_seq"), "@migrate": ("to",),
    "@invited": ("person_id",), "@child": ("service",), "@supply": ("data_rev", "supplied"),
    "@appoint": ("starts_at",), "@data": ("facts", "why"), "@settled": ("facts",),
}  # fmt: skip


def check_form(cmd: Command) -> None:
    """Raises Invalid naming what is missing or of another kind."""
    wrong = [name for name in REQUIRED.get(cmd.trigger, ()) if name not in cmd.data]
    wrong += [name for name, value in cmd.data.items() if name in KINDS and not KINDS[name](value)]
    if not (cmd.trigger.isprintable() and len(cmd.trigger) <= MAX_WORD):
        wrong.append("trigger")
    if cmd.token_id is not None and not _number(cmd.token_id):
        wrong.append("token")
    if cmd.on_behalf_of and not _word(cmd.on_behalf_of):
        wrong.append("on_behalf_of")
    if wrong:
        raise Invalid(dict.fromkeys(wrong, SENTENCE), SENTENCE)

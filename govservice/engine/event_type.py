"""What a type of event is, and the fields that several types share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TIMERS = "list of [token, key, clock or null, due or null]: timers armed or armed anew"
STAY = {
    "step": "path of the step",
    "kind": "applicant, human, auto or parallel",
    "assignee?": "id of the user who has it at once: whoever had this step before",
    "role?": "who works on it",
    "department?": "id of the department that role belongs to in the case's area",
    "limit?": "the step's own limit, such as 5wd",
    "due_on?": "its last day",
    "due_at?": "the first instant that is too late",
    "provisional?": "whether the due date reaches into a year whose make-up days are not announced",
    "calendar?": "version of the calendar it was counted by",
    "timers?": TIMERS,
    "effects?": "list of topics put into the outbox: the call of an auto step",
    "waits_on?": "applicant, at an auto step whose answer depends on them: the fee",
    "waits_for?": "gaps: the call of the auto step waits until deferred materials have come",
}
DATES = {
    "statutory_on": "last day by law",
    "statutory_at": "the first instant that is too late by law",
    "promised_on": "last day by the promise, or null",
    "promised_at": "the first instant that is too late by the promise, or null",
    "provisional": "whether a date reaches into a year whose make-up days are not announced",
}
ACT = {
    "role?": "role in which a member of staff acted; left out for applicants and the system",
    "text?": "id of the row of case_texts that holds what the person wrote",
    "text_sha?": "SHA-256 of those words with a salt",
    "files?": "attachments: list of SHA-256 by name",
}


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. `fields`: name (with `?` where it may be left out) -> meaning."""

    name: str
    meaning: str
    fields: Mapping[str, str] = field(default_factory=dict)
    v: int = 1

    @property
    def required(self) -> frozenset[str]:
        return frozenset(name for name in self.fields if not name.endswith("?"))

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(name.rstrip("?") for name in self.fields)

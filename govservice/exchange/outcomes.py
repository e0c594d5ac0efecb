"""How a call to a registry can end, what that means for the need it should meet, and what the citizen is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Every way a call ends. REFUSED, STALE and CONFLICT are found on our side; so is DENIED without a grant."""

    OK = "ok"
    NO_RECORD = "no_record"
    AMBIGUOUS = "ambiguous"
    IDENTITY_MISMATCH = "identity_mismatch"
    UNDER_INVESTIGATION = "under_investigation"
    WITHHELD = "withheld"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    BREAKER_OPEN = "breaker_open"
    RATE_LIMITED = "rate_limited"
    DENIED = "denied"
    SCHEMA_VIOLATION = "schema_violation"
    STALE = "stale"
    CONFLICT = "conflict"
    REFUSED = "refused"


GIVES_VALUES = frozenset({Outcome.OK, Outcome.UNDER_INVESTIGATION})
# Where the registry told us something about the person, the person sees that it was read.
IS_A_READ = GIVES_VALUES | {Outcome.AMBIGUOUS}
# The registry did not say whether it has a record: what was known before stays known.
SAYS_NOTHING = frozenset(
    {Outcome.TIMEOUT, Outcome.UNAVAILABLE, Outcome.BREAKER_OPEN, Outcome.RATE_LIMITED, Outcome.DENIED,
     Outcome.SCHEMA_VIOLATION}
)  # fmt: skip
BREAKER_FAILURES = frozenset({Outcome.TIMEOUT, Outcome.UNAVAILABLE})
# The registry answered as agreed, whatever it said.
BREAKER_SUCCESSES = frozenset(
    {Outcome.OK, Outcome.NO_RECORD, Outcome.AMBIGUOUS, Outcome.IDENTITY_MISMATCH, Outcome.UNDER_INVESTIGATION,
     Outcome.WITHHELD}
)  # fmt: skip

REQUIREMENT_STATE: Mapping[Outcome, str] = {
    Outcome.OK: "available",
    Outcome.UNDER_INVESTIGATION: "available",
    Outcome.NO_RECORD: "no_record",
    Outcome.AMBIGUOUS: "ambiguous",
    Outcome.IDENTITY_MISMATCH: "withheld",
    Outcome.WITHHELD: "withheld",
    Outcome.TIMEOUT: "deferred",
    Outcome.UNAVAILABLE: "deferred",
    Outcome.BREAKER_OPEN: "deferred",
    Outcome.RATE_LIMITED: "deferred",
    Outcome.DENIED: "deferred",
    Outcome.SCHEMA_VIOLATION: "deferred",
    Outcome.STALE: "stale",
    Outcome.CONFLICT: "contradicted",
    Outcome.REFUSED: "refused",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message id of the domain catalogue with its placeholders; `facts["registry"]` is {en, zh}: the door that
    translates picks the person's language of both."""

    message: str
    facts: Mapping[str, Mapping[str, str]]

    def text(self, locale: str, translate: Mapping[str, str] | None = None) -> str:
        """The sentence in a language, given the translation of the message (English needs none)."""
        message = (translate or {}).get(self.message, self.message)
        return message % {name: words["zh" if locale.startswith("zh") else "en"] for name, words in self.facts.items()}


def N_(message: str) -> str:
    """Marks a message id for extraction; the doors translate it."""
    return message


_SILENT = N_("The %(registry)s did not answer. You can go on: please give this information yourself.")
_TROUBLE = N_(
    "We could not read the answer of the %(registry)s; the fault is on our side. Please give this information yourself."
)
_WITHHELD = N_("The %(registry)s could not give us this information. Please give it yourself.")
SENTENCES: Mapping[Outcome, str] = {
    Outcome.OK: N_("From the %(registry)s."),
    Outcome.UNDER_INVESTIGATION: N_("From the %(registry)s, which is examining this entry at present."),
    Outcome.NO_RECORD: N_("The %(registry)s has no record of this. Please give the information yourself."),
    Outcome.AMBIGUOUS: N_("The %(registry)s has more than one record, and we cannot tell which one you mean. "
                         "Please give the information yourself."),
    Outcome.IDENTITY_MISMATCH: _WITHHELD,
    Outcome.WITHHELD: _WITHHELD,
    Outcome.TIMEOUT: _SILENT,
    Outcome.UNAVAILABLE: _SILENT,
    Outcome.BREAKER_OPEN: N_(
        "The %(registry)s is out of order at the moment. You can go on: please give this information yourself."
    ),
    Outcome.RATE_LIMITED: N_("The %(registry)s is very busy. You can go on: please give this information yourself."),
    Outcome.DENIED: _TROUBLE,
    Outcome.SCHEMA_VIOLATION: _TROUBLE,
    Outcome.STALE: N_("From the %(registry)s; this will be checked again."),
    Outcome.CONFLICT: N_("The %(registry)s says something else than you do. A clerk will compare both."),
    Outcome.REFUSED: N_("You chose to give this information yourself; the %(registry)s was not asked."),
}  # fmt: skip


def outcome_sentence(outcome: str, registry: Mapping[str, str]) -> Sentence:
    """What the citizen is told about a call's end. `registry` is the registry's name {en, zh}.

    Raises ValueError for a word that is no outcome.
    """
    return Sentence(SENTENCES[Outcome(outcome)], {"registry": registry})

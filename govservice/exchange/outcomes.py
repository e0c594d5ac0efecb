"""How a call to a registry can end, and what follows: for the need, for the next try, for the breaker, for the citizen.

One row per outcome (`CONDUCT`); everything else that asks about outcomes is drawn from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from govservice.errors import N_


class Outcome(StrEnum):
    """Every way a call ends. REFUSED and CONFLICT are found on our side; so are DENIED without a grant, and a
    SCHEMA_VIOLATION of a dataset that is in quarantine."""

    OK = "ok"
    NO_RECORD = "no_record"
    AMBIGUOUS = "ambiguous"
    IDENTITY_MISMATCH = "identity_mismatch"
    TAMPERED = "tampered"  # the answer is not one to our question, or its seal is broken
    UNDER_INVESTIGATION = "under_investigation"  # or known in part only: a value with a reservation of the registry
    WITHHELD = "withheld"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    BREAKER_OPEN = "breaker_open"
    RATE_LIMITED = "rate_limited"
    DENIED = "denied"
    SCHEMA_VIOLATION = "schema_violation"  # also: our question was wrong for them (400)
    STALE = "stale"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Retry(StrEnum):
    """When the same question may be asked again."""

    NEVER = "never"  # the answer stands; it is asked anew only before a decision
    LATER = "later"  # in the background, further and further apart (`retries.next_try`)
    AT_ONCE = "at_once"  # once on another connection, then as LATER
    WHEN_TOLD = "when_told"  # not before the time that the registry names, then as LATER
    WHEN_CLOSED = "when_closed"  # when the breaker closes
    WHEN_MENDED = "when_mended"  # somebody has to mend a grant, an address or the dataset's description first
    REFRESH = "refresh"  # as soon as the source has something newer


class Counts(StrEnum):
    """What a call's end is to the breaker, or to the dataset's own count of faults that no waiting mends."""

    SUCCESS = "success"
    FAILURE = "failure"
    FAULT = "fault"  # of the agreement between us and them; never opens the breaker
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Conduct:
    """What an outcome means. `state` is the requirement's; `sentence` a message id for the citizen."""

    state: str
    sentence: str
    retry: Retry
    counts: Counts
    gives_values: bool = False
    is_read: bool = False  # the registry told us something about the person: the person sees that it was read
    says_nothing: bool = False  # not whether there is a record: what was known before stays known
    alarm: bool = False  # somebody else's record, or a forged answer: a loud line in the log


_SILENT = N_("The %(registry)s did not answer. You can go on: please give this information yourself.")
_TROUBLE = N_(
    "We could not read the answer of the %(registry)s; the fault is on our side. Please give this information yourself."
)
_NOTHING_SAID = N_("The %(registry)s could not give us this information. Please give it yourself.")
CONDUCT: Mapping[Outcome, Conduct] = {
    Outcome.OK: Conduct(
        "available", N_("From the %(registry)s."), Retry.NEVER, Counts.SUCCESS, gives_values=True, is_read=True
    ),
    Outcome.NO_RECORD: Conduct(
        "no_record",
        N_("The %(registry)s has no record of this. Please give the information yourself; if a record is missing "
           "there, that register can correct it."),
        Retry.NEVER, Counts.SUCCESS,
    ),
    Outcome.AMBIGUOUS: Conduct(
        "ambiguous",
        N_("The %(registry)s has more than one record, and we cannot tell which one you mean. "
           "Please give the information yourself."),
        Retry.NEVER, Counts.SUCCESS, is_read=True,
    ),
    Outcome.IDENTITY_MISMATCH: Conduct("withheld", _NOTHING_SAID, Retry.NEVER, Counts.SUCCESS, alarm=True),
    Outcome.TAMPERED: Conduct("withheld", _NOTHING_SAID, Retry.NEVER, Counts.SUCCESS, alarm=True),
    Outcome.UNDER_INVESTIGATION: Conduct(
        "available", N_("From the %(registry)s, which is examining this entry at present."),
        Retry.NEVER, Counts.SUCCESS, gives_values=True, is_read=True,
    ),
    Outcome.WITHHELD: Conduct(
        "withheld",
        N_("The %(registry)s may not give this information to anybody. Please give it yourself."),
        Retry.NEVER, Counts.SUCCESS,
    ),
    Outcome.TIMEOUT: Conduct("deferred", _SILENT, Retry.LATER, Counts.FAILURE, says_nothing=True),
    Outcome.UNAVAILABLE: Conduct("deferred", _SILENT, Retry.AT_ONCE, Counts.FAILURE, says_nothing=True),
    Outcome.BREAKER_OPEN: Conduct(
        "deferred",
        N_("The %(registry)s is out of order at the moment. You can go on: please give this information yourself."),
        Retry.WHEN_CLOSED, Counts.NOTHING, says_nothing=True,
    ),
    Outcome.RATE_LIMITED: Conduct(
        "deferred", N_("The %(registry)s is very busy. You can go on: please give this information yourself."),
        Retry.WHEN_TOLD, Counts.NOTHING, says_nothing=True,
    ),
    Outcome.DENIED: Conduct("deferred", _TROUBLE, Retry.WHEN_MENDED, Counts.FAULT, says_nothing=True),
    Outcome.SCHEMA_VIOLATION: Conduct("deferred", _TROUBLE, Retry.WHEN_MENDED, Counts.FAULT, says_nothing=True),
    Outcome.STALE: Conduct(
        "stale", N_("From the %(registry)s; this will be checked again."),
        Retry.REFRESH, Counts.NOTHING, gives_values=True, is_read=True,
    ),
    Outcome.CONFLICT: Conduct(
        "contradicted",
        N_("The %(registry)s says something else than another source. Please give the information yourself; "
           "a clerk will compare both."),
        Retry.NEVER, Counts.NOTHING, is_read=True,
    ),
    Outcome.REFUSED: Conduct(
        "refused", N_("You chose to give this information yourself, so we did not ask the %(registry)s."),
        Retry.NEVER, Counts.NOTHING,
    ),
}  # fmt: skip

GIVES_VALUES = frozenset(o for o, conduct in CONDUCT.items() if conduct.gives_values)
IS_A_READ = frozenset(o for o, conduct in CONDUCT.items() if conduct.is_read)
SAYS_NOTHING = frozenset(o for o, conduct in CONDUCT.items() if conduct.says_nothing)
BREAKER_FAILURES = frozenset(o for o, conduct in CONDUCT.items() if conduct.counts is Counts.FAILURE)
BREAKER_SUCCESSES = frozenset(o for o, conduct in CONDUCT.items() if conduct.counts is Counts.SUCCESS)
FAULTS = frozenset(o for o, conduct in CONDUCT.items() if conduct.counts is Counts.FAULT)
ALARMS = frozenset(o for o, conduct in CONDUCT.items() if conduct.alarm)
# A value stands in the form, and the registry or its age says that one should not lean on it.
RESERVED = GIVES_VALUES - {Outcome.OK}
# Nothing is decided on: silence, and what comes out of an old copy.
NOT_TO_DECIDE_ON = SAYS_NOTHING | {Outcome.STALE}
REQUIREMENT_STATE: Mapping[Outcome, str] = {outcome: conduct.state for outcome, conduct in CONDUCT.items()}
SENTENCES: Mapping[Outcome, str] = {outcome: conduct.sentence for outcome, conduct in CONDUCT.items()}


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


def outcome_sentence(outcome: str, registry: Mapping[str, str]) -> Sentence:
    """What the citizen is told about a call's end. `registry` is the registry's name {en, zh}.

    Raises ValueError for a word that is no outcome.
    """
    return Sentence(SENTENCES[Outcome(outcome)], {"registry": registry})

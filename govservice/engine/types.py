"""What goes into the engine and what comes out. The state itself is in `state.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from govservice.definitions import compiled
from govservice.definitions.catalogue import Catalogue
from govservice.worktime.calendar import Calendar

if TYPE_CHECKING:
    from govservice.engine.state import CaseState

MAIN = compiled.MAIN
NOTHING: Mapping[str, Any] = MappingProxyType({})


def moment(text: str) -> datetime:
    """The instant of a canonical text: aware, UTC."""
    return datetime.fromisoformat(text)


# -- what comes in


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `roles` are (role code, department id); a citizen has a person, and an organisation when acting for
    one."""

    id: str
    kind: Literal["user", "system", "applicant"]
    roles: tuple[tuple[str, str], ...]
    person_id: str | None
    organisation_id: str | None = None
    name: str = ""
    mandate_id: str | None = None  # the right by which it acts for the organisation
    acts_for: tuple[str, ...] = ()  # organisations that a member of staff may act for in private: no case of theirs
    recused: tuple[str, ...] = ()  # cases of relatives, by the registries: a member of staff keeps away from them
    deputy_for: tuple[Actor, ...] = ()  # absent colleagues, each with the roles that this one stands in for today

    @property
    def every_role(self) -> tuple[tuple[str, str], ...]:
        """The roles of one's own and those of absent colleagues."""
        return tuple(dict.fromkeys((*self.roles, *(pair for each in self.deputy_for for pair in each.roles))))

    @property
    def ids(self) -> tuple[str, ...]:
        """Oneself and the colleagues whom one stands in for."""
        return (self.id, *(each.id for each in self.deputy_for))


SYSTEM = Actor("system", "system", (), None)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the person's page showed: the version of the token, the revision of the answers, and who had the task
    ("" for nobody). None: not looked at."""

    token_version: int | None
    data_rev: int | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One wish to change a case. `now` is aware; `idem` is the idempotency key, bound to the actor.

    `data` holds JSON values only: `items` and `opinion` are words of people and never reach an event.
    """

    case_id: str | None
    trigger: str
    idem: str
    now: datetime
    actor: Actor
    on_behalf_of: str | None = None
    token_id: int | None = None
    expected: Expected | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[str, ...] = ()
    reason: str | None = None
    assignee: Actor | None = None  # to whom a task is given


class TextRef(NamedTuple):
    """Where the words of a command are kept: row of `case_texts`, and the digest that the event carries."""

    id: str
    sha: str


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a decision may look at beside the state: departments, typed answers by field (None: not loaded), the
    words that came with the command. `calendar` lets `available` weigh guards that read `case.submitted_on`."""

    catalogue: Catalogue
    values: Mapping[str, Any] | None = None
    text: TextRef | None = None
    calendar: Calendar | None = None


# -- what comes out


class Event(NamedTuple):
    """One fact of a case. `data` is JSON; docs/events.md lists every type with its fields."""

    seq: int
    at: str
    type: str
    v: int
    actor: str
    on_behalf_of: str | None
    token_id: int | None
    data: Mapping[str, Any]
    idem: str

    @property
    def moment(self) -> datetime:
        return moment(self.at)


class Refusal(NamedTuple):
    """Why an action is not possible for this actor now. `message` is an English message id, `facts` fill it."""

    code: str
    message: str
    facts: Mapping[str, Any] = NOTHING

    @property
    def text(self) -> str:
        return self.message % self.facts if self.facts else self.message


class Needs(NamedTuple):
    """What must come with an action."""

    reason: bool = False
    fields: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    items: bool = False  # a correction names the fields and materials that are wrong
    length: bool = False  # a pause says how long it will take


@dataclass(frozen=True, slots=True)
class Offer:
    """One action at one token as one actor sees it. `why_not` is None exactly where `allowed`.

    `kind`: action | always | claim | release | notice | resubmit | extend. `second`: it confirms what a first
    person did.
    """

    token_id: int
    step: str
    action: str
    label: Mapping[str, str]
    kind: str
    needs: Needs
    allowed: bool
    why_not: Refusal | None = None
    primary: bool = False
    correction: bool = False
    second: bool = False
    two_people: bool = False
    hint: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a command. `replayed`: the key was used before; then this is what it did at the time."""

    case_id: str
    version: int
    seq_from: int
    seq_to: int
    state: CaseState
    events: tuple[Event, ...]
    replayed: bool = False
    fired: int = 0  # timers that were due and acted first

"""What goes into the engine, what comes out, and the state it folds from events.

Instants inside a state and inside events are canonical ISO text (UTC, microseconds, `Z`; `models.base.to_iso`), days are
`YYYY-MM-DD`: text order is time order, and a state is JSON without conversion. Properties give `datetime` where people need it.
The parts of a state are named tuples: a change makes a new one, so that identity tells what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from govservice.definitions.catalogue import Catalogue
from govservice.worktime.calendar import Calendar

MAIN = 1  # id of the main token
NOTHING: Mapping[str, Any] = MappingProxyType({})


def moment(text: str) -> datetime:
    """The instant of a canonical text: aware, UTC."""
    return datetime.fromisoformat(text)


# -- what comes in


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `roles` are (role code, department id); a citizen has a person, and an organisation when acting for one."""

    id: str
    kind: Literal["user", "system", "applicant"]
    roles: tuple[tuple[str, str], ...]
    person_id: str | None
    organisation_id: str | None = None
    name: str = ""
    mandate_id: str | None = None  # the right by which it acts for the organisation


SYSTEM = Actor("system", "system", (), None)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the person's page showed: the version of the token and the revision of the answers."""

    token_version: int | None
    data_rev: int | None = None


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


class TextRef(NamedTuple):
    """Where the words of a command are kept: row of `case_texts`, and the digest that the event carries."""

    id: str
    sha: str


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a decision may look at beside the state: departments, typed answers by field (None: not loaded), the words that
    came with the command. `calendar` lets `available` weigh guards that read `case.submitted_on`."""

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
    """Why an action is not possible for this actor now. `message` is an English message id, `facts` fill its placeholders."""

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


@dataclass(frozen=True, slots=True)
class Offer:
    """One action at one token as one actor sees it. `why_not` is None exactly where `allowed`.

    `kind`: action | always | claim | release | notice | resubmit. `second`: it confirms what a first person did.
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


# -- the state


class Token(NamedTuple):
    """Where a part of the case stands. `pauses`: [start, end | None, kind] of the present stay.

    `confirmed`: (action, actor, at) of the first of two people. `acted`: since it entered its branch or was resubmitted.
    """

    id: int
    kind: str
    parent: int | None
    scope: str
    step: str
    status: str
    outcome: str | None
    round: int
    version: int
    data_rev: int
    entered_at: str
    entered_seq: int
    waits_for: str | None = None
    acted: bool = False
    pauses: tuple[tuple[str, str | None, str], ...] = ()
    confirmed: tuple[str, str, str] | None = None

    @property
    def open(self) -> bool:
        return self.status != "ended"

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None


class Task(NamedTuple):
    """Work for a role of a department while a token stays. `watch`: only to be seen, after an escalation."""

    opened_seq: int
    token_id: int
    step: str
    role: str
    department: str
    assignee: str | None
    claimed_at: str | None
    opened_at: str
    status: str
    watch: bool = False


class ClockState(NamedTuple):
    """A limit that counts: `limit:<name>` of the case, `step:<token>:<seq>` of a stay. Dates are None while paused."""

    key: str
    token_id: int | None
    statutory: str
    promised: str | None
    started_at: str
    stopped_at: str | None
    paused_since: str | None
    pauses: tuple[tuple[str, str | None, str], ...]
    statutory_on: str | None
    statutory_at: str | None
    promised_on: str | None
    promised_at: str | None
    provisional: bool
    calendar: str

    @property
    def running(self) -> bool:
        return self.stopped_at is None and self.paused_since is None


class TimerState(NamedTuple):
    """Something that happens by itself at `due_at` (None: paused). `key`: `acceptance:0`, `correction:lapse`, `limit:intake:promised`."""

    token_id: int
    key: str
    clock_key: str | None
    due_at: str | None
    armed_seq: int

    @property
    def name(self) -> str:
        return f"{self.token_id}/{self.key}"


class Ask(NamedTuple):
    """One department's request for a correction, before and while the notice is out."""

    token_id: int
    step: str
    items: tuple[str, ...]
    text_id: str | None
    seq: int
    notified: bool


class Notice(NamedTuple):
    """The correction notice that the applicant has not answered yet."""

    seq: int
    at: str
    scope: str  # path of the step or of the parallel step
    items: tuple[str, ...]
    tokens: tuple[int, ...]
    lapse_at: str


class Visit(NamedTuple):
    """One stay of a token in a step."""

    token_id: int
    seq: int
    step: str
    department: str | None
    role: str | None
    waited_on: str
    entered_at: str


class Left(NamedTuple):
    """The end of a stay."""

    token_id: int
    seq: int
    entered_at: str
    left_at: str
    action: str
    actor: str | None
    pauses: tuple[tuple[str, str | None, str], ...]


class TaskEnd(NamedTuple):
    task: Task
    status: str  # done | cancelled
    at: str


class TimerEnd(NamedTuple):
    timer: TimerState
    status: str  # fired | cancelled


class ClockEnd(NamedTuple):
    clock: ClockState


Journal = list[Visit | Left | TaskEnd | TimerEnd | ClockEnd]


@dataclass(slots=True)
class CaseState:
    """The fold of a case's events. Treat as frozen outside `evolve`: `evolve` and `decide` work on copies.

    `ctx` and `journal` are not folded: what a decision may look at, and the rows that ended on the way.
    """

    case_id: str = ""
    seq: int = 0
    version: int = 0
    last_key: str = ""  # actor and idempotency key of the last batch
    last_at: str = ""
    number: str = ""
    service: str = ""
    def_sha: str = ""
    applicant_id: str = ""
    organisation_id: str | None = None
    mandate_id: str | None = None
    channel: str = "online"
    area: str | None = None
    status: str = "draft"
    outcome: str | None = None
    data_rev: int = 0
    opened_at: str = ""
    closed_at: str | None = None
    milestones: dict[str, str] = field(default_factory=dict)
    tokens: dict[int, Token] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)  # open and waiting ones, by opened_seq
    clocks: dict[str, ClockState] = field(default_factory=dict)  # limits of the case, stopped too; running stays
    timers: dict[str, TimerState] = field(default_factory=dict)  # armed and paused ones
    acts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # who acted at a step since its scope was entered
    rounds: dict[str, int] = field(default_factory=dict)  # how often a parallel step was entered
    asks: dict[int, Ask] = field(default_factory=dict)
    notice: Notice | None = None
    noticed: tuple[str, ...] = ()  # steps whose requests were in a notice already
    changes: tuple[tuple[int, tuple[str, ...]], ...] = ()  # revisions of the answers and what they changed
    flags: tuple[str, ...] = ()
    ctx: Ctx | None = field(default=None, compare=False, repr=False)
    journal: Journal = field(default_factory=list, compare=False, repr=False)

    def copy(self) -> CaseState:
        """An independent state with an empty journal (parts are immutable and shared)."""
        return CaseState(
            self.case_id, self.seq, self.version, self.last_key, self.last_at, self.number, self.service, self.def_sha,
            self.applicant_id, self.organisation_id, self.mandate_id, self.channel, self.area, self.status,
            self.outcome, self.data_rev, self.opened_at, self.closed_at, dict(self.milestones), dict(self.tokens),
            dict(self.tasks), dict(self.clocks), dict(self.timers), dict(self.acts), dict(self.rounds),
            dict(self.asks), self.notice, self.noticed, self.changes, self.flags, self.ctx, [],
        )  # fmt: skip

    @property
    def main(self) -> Token:
        return self.tokens[MAIN]

    def branches_of(self, block: str) -> list[Token]:
        """Tokens of a parallel step's branches, in the order of their ids."""
        prefix = block + "."
        return [t for t in self.tokens.values() if t.kind == "branch" and t.scope.startswith(prefix)]

    def token_of(self, scope: str) -> Token | None:
        return next((t for t in self.tokens.values() if t.scope == scope), None) if scope else self.tokens.get(MAIN)

    def step_clock(self, token: Token) -> ClockState | None:
        return self.clocks.get(f"step:{token.id}:{token.entered_seq}")

    def task_of(self, token_id: int) -> Task | None:
        """The task of a token's present stay (not one that only watches)."""
        return next((t for t in self.tasks.values() if t.token_id == token_id and not t.watch), None)


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

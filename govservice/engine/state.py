"""The state that a case's events fold to.

Instants are canonical ISO text (UTC, microseconds, `Z`; `models.base.to_iso`), days are `YYYY-MM-DD`: text order is
time order, and a state is JSON without conversion (`types.moment` gives a datetime). The parts of a state are named
tuples: a change makes a new one, so that identity tells what changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from govservice.engine.types import MAIN, Ctx

Pauses = tuple[tuple[str, str | None, str], ...]  # (start, end | None, kind)


class Token(NamedTuple):
    """Where a part of the case stands. `pauses` are those of the present stay.

    `scope`: "" for the main token, `review.food` for a branch, `review.consent/0` for the first part of a branch that
    has one for each element of a list.

    `confirmed`: (action, actor, at, for which absent colleague or None) of the first of two people. `acted`: since it
    entered its branch, or since the last resubmission it took part in.
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
    pauses: Pauses = ()
    confirmed: tuple[str, str, str, str | None] | None = None
    person: str | None = None  # who was asked, where the branch is another person's

    @property
    def open(self) -> bool:
        return self.status != "ended"

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def branch(self) -> str:
        """The scope of its branch as the definition knows it: without the number of the element."""
        return self.scope.partition("/")[0]


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
    limit: str | None = None  # of one that only watches: key of the limit that its role may extend


class ClockState(NamedTuple):
    """A limit that counts: `limit:<name>` of the case, `step:<token>:<seq>` of a stay. Dates are None while paused."""

    key: str
    token_id: int | None
    statutory: str
    promised: str | None
    started_at: str
    stopped_at: str | None
    paused_since: str | None
    pauses: Pauses
    statutory_on: str | None
    statutory_at: str | None
    promised_on: str | None
    promised_at: str | None
    provisional: bool
    calendar: str
    extended: int = 0  # how often it was extended

    @property
    def running(self) -> bool:
        return self.stopped_at is None and self.paused_since is None


class TimerState(NamedTuple):
    """Something that happens by itself at `due_at` (None: paused).

    `key`: `<step>:<id of its rule>`, `correction:collect|warn|lapse`, `deferral:<material>:warn|lapse` or
    `limit:<name>:promised|statutory`.
    """

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


class Kept(NamedTuple):
    """An answer to an auto step that came before a token stood there (a persistent trigger); used on arrival."""

    step: str
    trigger: str
    result: Mapping[str, Any]
    seq: int


class Hold(NamedTuple):
    """Excluded time that runs at a token: a hearing, an expert review. Ends at the latest at `until_at`. `trigger`: the
    act that began it."""

    token_id: int
    kind: str
    since: str
    until_on: str
    until_at: str
    trigger: str


class Gap(NamedTuple):
    """A material that may come later (容缺受理). Open while `closed_at` is None; too late from `due_at` on."""

    material: str
    opened_at: str
    due_on: str
    due_at: str
    provisional: bool
    closed_at: str | None = None


class Pledged(NamedTuple):
    """A promise given instead of a proof (告知承诺): which words (`digest` of that version), when, by whom."""

    material: str
    pledge: str
    version: int
    digest: str
    made_at: str
    by: str


class Child(NamedTuple):
    """A child case of a bundle. `case` is its id once it exists; `attempt` counts how often it was asked for."""

    service: str
    step: str
    status: str  # waiting | asked | open | ended
    case: str | None
    outcome: str | None
    attempt: int
    at: str


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
    pauses: Pauses


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
    kept: dict[str, Kept] = field(default_factory=dict)  # answers that came early, by step
    holds: tuple[Hold, ...] = ()  # excluded time that runs, in the order it began
    gaps: dict[str, Gap] = field(default_factory=dict)  # by material, closed ones too
    pledges: dict[str, Pledged] = field(default_factory=dict)  # by material, those that stand
    parent_id: str | None = None  # the bundle's case, of a child
    children: dict[str, Child] = field(default_factory=dict)  # of a bundle, by service
    hands: dict[str, str] = field(default_factory=dict)  # who acted at a step last: it comes back to them
    places: dict[str, str] = field(default_factory=dict)  # the area of a role that has one of its own, by role
    ctx: Ctx | None = field(default=None, compare=False, repr=False)
    journal: Journal = field(default_factory=list, compare=False, repr=False)

    def copy(self) -> CaseState:
        """An independent state with an empty journal (parts are immutable and shared)."""
        return CaseState(
            self.case_id, self.seq, self.version, self.last_key, self.last_at, self.number, self.service, self.def_sha,
            self.applicant_id, self.organisation_id, self.mandate_id, self.channel, self.area, self.status,
            self.outcome, self.data_rev, self.opened_at, self.closed_at, dict(self.milestones), dict(self.tokens),
            dict(self.tasks), dict(self.clocks), dict(self.timers), dict(self.acts), dict(self.rounds),
            dict(self.asks), self.notice, self.noticed, self.changes, self.flags, dict(self.kept), self.holds,
            dict(self.gaps), dict(self.pledges), self.parent_id, dict(self.children), dict(self.hands), self.places,
            self.ctx, [],
        )  # fmt: skip

    def place_of(self, role: str) -> str | None:
        """Where the people of a role sit: the area that the answers named for it, else the case's."""
        return self.places.get(role, self.area)

    @property
    def main(self) -> Token:
        return self.tokens[MAIN]

    @property
    def open_gaps(self) -> list[Gap]:
        """What was put off and has not come yet."""
        return [gap for gap in self.gaps.values() if gap.closed_at is None]

    def branches_of(self, block: str) -> list[Token]:
        """Tokens of a parallel step's branches, in the order of their ids."""
        prefix = block + "."
        return [t for t in self.tokens.values() if t.kind == "branch" and t.scope.startswith(prefix)]

    def parts_of(self, scope: str) -> list[Token]:
        """A branch's tokens of the present round: one, or one for each element of its list; none before it began."""
        round = self.rounds.get(scope.partition(".")[0], 0)
        part = scope + "/"  # asked at every step: compared without taking scopes apart
        return [
            t for t in self.tokens.values()
            if t.round == round and (t.scope == scope or t.scope.startswith(part)) and t.kind == "branch"
        ]  # fmt: skip

    def token_of(self, scope: str) -> Token | None:
        return next((t for t in self.tokens.values() if t.scope == scope), None) if scope else self.tokens.get(MAIN)

    def step_clock(self, token: Token) -> ClockState | None:
        return self.clocks.get(f"step:{token.id}:{token.entered_seq}")

    def task_of(self, token_id: int) -> Task | None:
        """The task of a token's present stay (not one that only watches)."""
        return next((t for t in self.tasks.values() if t.token_id == token_id and not t.watch), None)

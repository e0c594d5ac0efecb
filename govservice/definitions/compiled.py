"""The compiled form of a definition: what the engine runs and the desks draw.

`compile.py` builds it once from a validated `Service`; it is frozen and shared by every case pinned to its hash.
A *path* names a step: `acceptance` for a step of the main token, `review.food.desk` for a step inside a branch of
a parallel step. The machine's states are exactly these paths plus one final state per branch outcome
(`review.food#approved`); nothing else may be a state. A consulted department answers at a side step of its own,
`decision@ask@environment`, which is its own scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from govservice.definitions.schema_base import MILESTONES, Milestone
from govservice.definitions.schema_steps import StepKind
from govservice.worktime.duration import Duration

if TYPE_CHECKING:
    from transitions import Machine

    from govservice.definitions.expressions import Expression
    from govservice.definitions.joins import JoinRule
    from govservice.definitions.schema import Service
    from govservice.definitions.schema_form import PostCheck

Text = Mapping[str, str]  # {"en": ..., "zh": ...}
EdgeKind = Literal["action", "answer", "join", "lapse", "always"]
MAIN = 1  # id of the token that is the case itself; those of branches have other ids
LimitKind = Literal["intake", "decision", "delivery"]
_KINDS: Mapping[Milestone, LimitKind] = {
    "received": "intake", "accepted": "intake", "decided": "decision", "delivered": "delivery",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One alternative of an edge: the first whose guard holds is taken; the last one has no guard.

    Exactly one of `to` (path of a step in the same scope) and `end` (outcome of the branch) is set;
    an edge with `correction` has a single target back to its own step.
    """

    to: str | None = None
    end: str | None = None
    guard: Expression | None = None


@dataclass(frozen=True, slots=True)
class Consultation:
    """What an action asks other departments for: an opinion within a limit. `asks`: path of the side step of each
    department, in the order of the file; `blocking`: the asking step goes on only when all have answered."""

    asks: tuple[str, ...]
    limit: Duration
    blocking: bool
    on_timeout: Literal["no_objection", "escalate"]


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a step. `name` is the machine's trigger: an action's id, `@ok`/`@fail`, `@join0`, `@lapse`."""

    name: str
    source: str
    kind: EdgeKind
    targets: tuple[Target, ...]
    by: str  # role code, "applicant" or "system"
    label: Text
    guard: Expression | None = None
    correction: bool = False
    once: bool = False  # a correction that is not asked for again at the same stay
    reason: bool = False
    conditions: str | None = None  # its words are conditions of the grant: path of the step that checks them
    requires_fields: tuple[str, ...] = ()
    requires_attachments: tuple[str, ...] = ()
    requires_gaps: bool = False
    effects: tuple[str, ...] = ()
    marks: Milestone | None = None
    not_same_as: tuple[str, ...] = ()  # step paths
    two_people: bool = False
    flag: str | None = None
    siblings: Literal["cancel", "wait"] = "wait"  # joins only
    join: JoinRule | None = None
    escape: bool = False  # withdraw, lapse: not counted as a way to complete
    hint: Text | None = None
    pause: str | None = None  # kind of excluded time that begins here
    length: Duration | None = None  # of that pause; None = said when acting
    notice: Text | None = None  # what the applicant is told of it
    resume: str | None = None  # kind of excluded time that ends here
    result: Mapping[str, str] = field(default_factory=dict)  # answers only: type by name of what it brings
    internal: bool = False  # its words are for colleagues, not for the applicant
    consult: Consultation | None = None  # other departments are asked; the token stays where it is


@dataclass(frozen=True, slots=True)
class TimerRule:
    """A timer of a step, armed when the step is entered (or when its clock starts).

    `at` is a fraction of a limit (`80%limit`: of the step's own limit, or of the case limit named by `of`) or a
    duration from entry. `do` is `warn`, `escalate`, `lapse` or the name of an action of the step.
    """

    id: str  # unique within its step: "0", "1", ...
    at: Duration
    do: str
    of: str | None = None  # name of a case limit ("intake"); None = the step's own limit
    as_of: Milestone | None = None  # `as: received`: the act takes effect from that milestone (deemed acceptance)
    to: str | None = None  # path, for `lapse`
    to_role: str | None = None  # for `escalate`
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A step that begins when a case ends, where its condition holds."""

    step: str
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Step:
    path: str
    kind: StepKind
    title: Text
    scope: str  # "" for the main token, "review.food" inside a branch
    owner: str | None  # role code; None for applicant, auto and end steps
    limit: Duration | None
    timers: tuple[TimerRule, ...]
    reads: tuple[str, ...] | None  # its own or of its branch; None = everything
    outcome: str | None = None  # of an end
    effects: tuple[str, ...] = ()  # of an end
    opens: tuple[Opening, ...] = ()  # of an end: work that begins with it
    call: str | None = None  # of an auto step: "document.issue"
    requires_gaps: bool = False
    retry: Mapping[str, object] | None = None
    after_close: bool = False
    person: str | None = None  # field with the identifier of the other person whose step it is
    appointment: str | None = None  # kind of meeting for which the applicant chooses a time
    asked_at: str | None = None  # of a consulted department's side step: path of the step that asks
    asked_by: str | None = None  # and the action by which it does


@dataclass(frozen=True, slots=True)
class CorrectionPolicy:
    """What `correction: true` does in a scope."""

    within: Duration
    lapse_to: str  # path of the end the case lapses to
    notice: Literal["once", "each"] = "once"
    collect_within: Duration | None = None
    siblings: Literal["continue", "suspend"] = "continue"
    clock: Literal["pause_any", "pause_all", "run"] = "pause_any"
    recheck: Literal["reads_changed"] | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    scope: str  # "review.food"
    name: str  # "food"
    block: str  # "review"
    title: Text
    owner: str
    start: str  # path
    reads: tuple[str, ...]
    when: Expression | None
    outcomes: tuple[str, ...]  # declared by its edges, plus "not_needed" where `when` or `each` is set
    each: str | None = None  # field whose list has one part of the branch for each element
    person: str | None = None  # field with the identifier of the other person who acts at its applicant's steps

    @property
    def reads_answers(self) -> bool:
        """Whether entering it needs the applicant's answers."""
        return self.when is not None or self.each is not None


@dataclass(frozen=True, slots=True)
class Block:
    """A parallel step: its branches, its correction policy and its join edges in order (`@join0`, `@join1`, ...)."""

    path: str
    branches: tuple[Branch, ...]
    correction: CorrectionPolicy | None
    joins: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """By how much a limit may be extended, and which role may do it (Administrative Licensing Law art. 42)."""

    by: Duration
    role: str
    once: bool


@dataclass(frozen=True, slots=True)
class Spawn:
    """A child case of a bundle. `given`: field of the child -> field of the bundle's form, or `service.field` for what
    another child brought forth; `waits_for` are those others."""

    service: str
    when: Expression | None
    given: Mapping[str, str]
    waits_for: tuple[str, ...]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """How it can end, in the words that join rules may name."""
        ends = ["granted", "refused", "withdrawn", "lapsed", "terminated", "failed"]
        return (*ends, *(["prevented"] if self.waits_for else []), *(["not_needed"] if self.when else []))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A step of kind `cases`: its children in the order of the file, and its join edges in order."""

    path: str
    spawns: tuple[Spawn, ...]
    joins: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A clock of the case between two milestones."""

    name: str
    start: Milestone
    stop: Milestone
    statutory: Duration
    promised: Duration | None
    basis: Text
    pauses: tuple[str, ...]
    extend: Extension | None = None

    @property
    def kind(self) -> LimitKind:
        """What the limit is for: it follows from the milestone it ends with, for names are the definition's own."""
        return _KINDS[self.stop]


@dataclass(frozen=True, slots=True)
class Deferral:
    """A material that may come later: before the step `until`, at the latest `within`; else the case ends at `to`.
    `condition`: to whom that is open; None = to everybody."""

    until: str
    within: Duration
    to: str
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A definition ready to run. `sha` is the hash of the canonical JSON of the service: its version."""

    service: Service
    sha: str
    start: str
    steps: Mapping[str, Step]
    out: Mapping[str, tuple[Edge, ...]]  # every edge by source path, `always` actions included
    blocks: Mapping[str, Block]
    bundles: Mapping[str, Bundle]
    limits: Mapping[str, Limit]
    granting: frozenset[str]  # steps of the main token from which a granted end can be reached, that end included
    correction: CorrectionPolicy | None  # of the main token
    deferrals: Mapping[str, Deferral]  # by material
    amounts: Mapping[str, Expression]  # by field that is computed when the document is issued
    post_checks: Mapping[str, PostCheck]  # by material whose pledge is checked after the case has closed
    page_conditions: Mapping[str, Expression]  # `show_if` by page id; a page without one is always shown
    materiality: Mapping[str, Expression]  # `revalidate.material` by fact, where it is an expression
    machine: Machine = field(repr=False, compare=False)  # flat, shared, never mutated, no model bound
    fact_conditions: Mapping[str, Expression] = field(default_factory=dict)  # `if` by fact; without one it is asked for
    pledge_conditions: Mapping[str, Expression] = field(default_factory=dict)  # by material: to whom its pledge is open
    not_asked: Mapping[str, Expression] = field(default_factory=dict)  # by material: `unless`
    implied: frozenset[str] = frozenset()  # fields that conditions read and the file does not show (`implied.py`)

    @property
    def code(self) -> str:
        return self.service.service

    def edge(self, source: str, name: str) -> Edge | None:
        """The edge of that name out of a step, or None."""
        return next((e for e in self.out.get(source, ()) if e.name == name), None)

    def parts_of(self, name: str) -> frozenset[str]:
        """The words by which `reads` names a field or a material: itself, its first part, the fact behind it."""
        field, material = self.service.fields.get(name), self.service.materials.get(name)
        replaced = material.replaced_by if material is not None else None
        facts = {field.fact if field is not None else None, replaced.fact if replaced is not None else None}
        return frozenset({name, name.partition(".")[0], *(fact for fact in facts if fact)})

    @property
    def promise_conditions(self) -> tuple[Expression, ...]:
        """Every condition that says to whom a pledge or a deferral is open."""
        deferred = (deferral.condition for deferral in self.deferrals.values() if deferral.condition is not None)
        return (*self.pledge_conditions.values(), *deferred)

    def limit(self, kind: LimitKind) -> Limit | None:
        """The limit for acceptance, decision or delivery; of several the one that begins last; None where none is."""
        found = [limit for limit in self.limits.values() if limit.kind == kind]
        return max(found, key=lambda limit: MILESTONES.index(limit.start), default=None)

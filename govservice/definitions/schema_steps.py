"""The way of a case: steps, actions, timers, branches, joins, corrections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from govservice.definitions.schema_base import (
    AnyDuration,
    Call,
    ExpressionText,
    FieldName,
    Flag,
    Id,
    Length,
    Line,
    Milestone,
    Node,
    Ordered,
    Pausing,
    Text,
    target_or_list,
    written_as,
)
from govservice.definitions.schema_form import FieldType

StepPath = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)?$")]
Backoff = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}[smh]\.\.[1-9][0-9]{0,3}[smh]$")]
EndOutcome = Literal["granted", "refused", "withdrawn", "lapsed", "terminated"]
StepKind = Literal["applicant", "human", "auto", "parallel", "cases", "end"]


class Alternative(Node):
    """One way of `to: [...]`; the first whose guard holds is taken, the last has no guard."""

    guard: ExpressionText | None = None
    to: Id | None = None
    end: Id | None = None


Targets = Annotated[tuple[Alternative, ...], BeforeValidator(target_or_list), Field(min_length=1)]


class Requires(Node):
    """What must be there before an action: form fields, named attachments, all deferred materials."""

    fields: tuple[FieldName, ...] = ()
    attachments: tuple[Id, ...] = ()
    gaps: Literal["closed"] | None = None


class PauseRule(Node):
    """Stops the clock for a reason the law names; the length and the notice are given here or when acting."""

    kind: Pausing
    length: Length | None = None
    notice: Text | None = None


class Consult(Node):
    """Asks other departments beside the way of the case."""

    departments: tuple[Id, ...] = Field(min_length=1)
    limit: Length
    blocking: Flag = True
    on_timeout: Literal["no_objection", "escalate"] = "escalate"


class Action(Node):
    """What a person does at a step. Exactly one of `to`, `end`, `correction`, or a pause, resume or consult."""

    label: Text
    hint: Text | None = None
    to: Targets | None = None
    end: Id | None = None
    correction: Flag = False
    once: Literal[True] | None = None  # of a correction: not a second time while the case stands at this step
    by: Id | None = None  # default: the step's owner; `system`: only a timer does it
    guard: ExpressionText | None = None
    requires: Requires | None = None
    reason: Flag = False
    conditions: Id | None = None  # the words are conditions, one on a line; the step that looks whether they are kept
    effects: tuple[Call, ...] = ()
    marks: Milestone | None = None
    not_same_as: tuple[StepPath, ...] = ()
    two_people: Flag = False
    pause: Annotated[PauseRule, BeforeValidator(written_as("kind"))] | None = None  # or a kind, and beside it:
    length: Length | None = None
    notice: Text | None = None
    resume: Pausing | None = None
    consult: Consult | None = None


class AlwaysAction(Action):
    """A case-wide action of the main token, possible at every step but ends and those of `unless`."""

    unless: tuple[Id, ...] = ()


class Answer(Node):
    """How a case goes on after an auto step's answer. `result` declares what the answer brings, by name and type."""

    to: Targets | None = None
    end: Id | None = None
    marks: Milestone | None = None
    flag: Id | None = None
    effects: tuple[Call, ...] = ()
    result: Ordered[Id, FieldType] | None = None


class Retry(Node):
    max: Annotated[int, Field(strict=True, ge=0, le=100)]
    backoff: Backoff


class Do(Node):
    call: Call
    retry: Retry | None = None


class TimerNode(Node):
    """Acts by itself at a time: `warn`, `escalate`, `lapse`, or an action of the step."""

    at: AnyDuration
    do: Id
    of: Id | None = None
    as_of: Milestone | None = Field(default=None, alias="as")
    to: Id | None = None
    to_role: Id | None = None
    note: Text | None = None


class CorrectionNode(Node):
    """What `correction: true` does. The keys from `notice` on belong to a parallel step's branches."""

    within: Length
    lapse_to: Id | None = None  # may be left out where only one end fits
    notice: Literal["once", "each"] = "once"
    collect_within: Length | None = None
    siblings: Literal["continue", "suspend"] = "continue"
    clock: Literal["pause_any", "pause_all", "run"] = "pause_any"
    recheck: Literal["reads_changed"] | None = None


class JoinNode(Node):
    """A rule over branch outcomes; rules are weighed in order, one without `if` may stand last."""

    condition: Line | None = Field(default=None, alias="if")
    to: Id
    siblings: Literal["cancel", "wait"] = "wait"
    marks: Milestone | None = None
    effects: tuple[Call, ...] = ()


class Spawn(Node):
    """A child case of a bundle."""

    service: Id
    when: ExpressionText | None = None
    with_: Ordered[FieldName, FieldName] | None = Field(default=None, alias="with")


class Opens(Node):
    """Work that begins when a case ends here, and lives on after it: a step that says `after_close: true`."""

    step: Id
    when: ExpressionText | None = None


class BranchStep(Node):
    """A step inside a branch; its owner is the branch's unless it names its own."""

    title: Text | None = None
    kind: Literal["human", "auto", "applicant"] = "human"
    owner: Id | None = None
    limit: Length | None = None
    actions: Ordered[Id, Action] | None = None
    timers: tuple[TimerNode, ...] = ()
    do: Do | None = None
    answers: Ordered[Id, Answer] | None = None
    requires: Requires | None = None
    appointment: Id | None = None


class BranchNode(Node):
    """One department's part of a parallel step."""

    title: Text | None = None
    owner: Id
    reads: tuple[Id, ...] = ()
    when: ExpressionText | None = None
    each: FieldName | None = None
    person: FieldName | None = None
    start: Id
    steps: Ordered[Id, BranchStep]


class StepNode(Node):
    """A step of the main token. Which keys fit which kind is checked in `shape.py`, so that all faults show at once."""

    kind: StepKind
    title: Text | None = None
    owner: Id | None = None
    limit: Length | None = None
    actions: Ordered[Id, Action] | None = None
    timers: tuple[TimerNode, ...] = ()
    do: Do | None = None
    answers: Ordered[Id, Answer] | None = None
    requires: Requires | None = None
    appointment: Id | None = None
    reads: tuple[Id, ...] = ()
    after_close: Flag = False
    branches: Ordered[Id, BranchNode] | None = None
    correction: CorrectionNode | None = None
    join: tuple[JoinNode, ...] = ()
    spawn: tuple[Spawn, ...] = ()
    outcome: EndOutcome | None = None
    opens: tuple[Opens, ...] | None = None
    effects: tuple[Call, ...] = ()

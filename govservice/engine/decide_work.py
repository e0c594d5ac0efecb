"""The bench on which one decision is made: a working copy of the state, and the events so far.

Everything a decision does goes through `emit`: the event is recorded and folded at once, so that the next question is
asked of the state as it has become. `decide` stays pure because the copy and the list are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from transitions import MachineError

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Branch, Compiled, Edge, Step
from govservice.definitions.expressions import Expression
from govservice.definitions.values import elements, typed_as
from govservice.engine.clocks import Deadline, deadline
from govservice.engine.events import VERSIONS
from govservice.engine.evolve import fold
from govservice.engine.state import CaseState, Token
from govservice.engine.types import MAIN, Actor, Command, Ctx, Event, moment
from govservice.errors import NotAllowed, Tampered
from govservice.worktime.calendar import Calendar
from govservice.worktime.duration import Duration

MICRO_STEPS = 64


class CalendarsLike(Protocol):
    """What is needed of `worktime.calendar.Calendars`."""

    def for_area(self, area: str | None) -> Calendar: ...


class Cursor:
    """The model of one trigger: `transitions` moves it, nothing is ever bound to the shared machine."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Work:
    """One decision in the making. `at` is the canonical text of its instant, never before the case's last event."""

    __slots__ = ("_cal", "_values", "actor", "at", "calendars", "cmd", "ctx", "d", "events", "micro", "obo",
                 "result", "st")  # fmt: skip

    def __init__(self, d: Compiled, st: CaseState, cmd: Command, calendars: CalendarsLike, at: str) -> None:
        self.d, self.cmd, self.calendars = d, cmd, calendars
        self.st = st.copy()
        self.ctx: Ctx | None = st.ctx
        self.at = max(at, st.last_at)
        self.actor: Actor = cmd.actor
        self.obo = cmd.on_behalf_of or (cmd.actor.organisation_id if cmd.actor.kind == "applicant" else None)
        self.events: list[Event] = []
        self.micro = 0
        self.result: Mapping[str, Any] = dict(cmd.data.get("result", {}))  # what an auto step's answer brought
        self._cal: Calendar | None = None
        self._values: Mapping[str, Any] | None = None

    # -- recording

    def emit(self, type: str, token_id: int | None, data: Mapping[str, Any]) -> Event:
        event = Event(
            self.st.seq + 1, self.at, type, VERSIONS[type], self.actor.id, self.obo, token_id, data, self.cmd.idem
        )
        self.events.append(event)
        fold(self.st, event)
        return event

    # -- the machine

    def take(self, source: str, edge: Edge, role: str | None = None) -> str:
        """The state that an edge leads to now. Raises NotAllowed naming what was missing where a guard refuses."""
        self.micro += 1
        if self.micro > MICRO_STEPS:
            raise Tampered("A case went round in circles.", case_id=self.st.case_id, step=source)
        cursor = Cursor(source)
        try:
            seen = self.values(edge, role) if guarded(edge) else {}
            moved = self.d.machine.events[edge.name].trigger(cursor, seen)
        except (KeyError, MachineError) as error:
            raise NotAllowed(action=edge.name, step=source) from error
        if not moved:
            missing = edge.guard.evaluate(self.values(edge, role)).missing if edge.guard else ()
            raise NotAllowed("The conditions for this are not met.", action=edge.name, missing=list(missing))
        return cursor.state

    def values(self, edge: Edge | None = None, role: str | None = None) -> Mapping[str, Any]:
        """What expressions see: answers, `case.*`, and for guards `actor.*` and `result.*`."""
        if self._values is None:
            if self.ctx is None or self.ctx.values is None:  # `needs.reads_answers` was wrong: never guess
                raise Tampered("An expression was weighed without the answers.", case_id=self.st.case_id)
            self._values = case_values(self.st, self.ctx, self.cal)
        if edge is None or not needs_more(edge):
            return self._values
        result = {f"result.{name}": value for name, value in typed_as(edge.result, self.result).items()}
        department = self.department(role) if role else None
        return {**self._values, "actor.role": role, "actor.department": department, **result}

    def elements(self, branch: Branch) -> tuple[str, ...]:
        """What a branch with `each` has a part for: the entries of its list in the present answers, each once."""
        return elements(self.values().get(branch.each or ""))

    def is_open(self, condition: Expression | None) -> bool:
        """Whether a promise is open to this applicant: a condition that cannot be weighed opens nothing."""
        return condition is None or bool(condition.evaluate(self.values()).value)

    # -- who and when

    @property
    def cal(self) -> Calendar:
        if self._cal is None:
            self._cal = self.calendars.for_area(self.st.area)
        return self._cal

    def forget_area(self) -> None:
        """The case's area has become known: the calendar and `case.area` may differ now."""
        self._cal = self._values = None

    def forget_values(self) -> None:
        """Something that expressions read has changed, beside the answers."""
        self._values = None

    def deadline(self, start: str, limit: Duration, pauses: Any = ()) -> Deadline:
        return deadline(self.cal, start, limit, pauses)

    def department(self, role: str) -> str:
        """Id of the department that a role belongs to, where the role sits. Raises NotAllowed where there is none."""
        return department_of(self.d, self.ctx, role, self.st.place_of(role))

    def token(self, id: int | None) -> Token:
        return self.st.tokens[id or MAIN]

    def step(self, path: str) -> Step:
        return self.d.steps[path]


def guarded(edge: Edge) -> bool:
    """Whether anything is evaluated on the way along an edge (its last target has no guard)."""
    return edge.guard is not None or len(edge.targets) > 1


def needs_more(edge: Edge) -> bool:
    """Whether an edge's guards read more than the case's own values."""
    guards = [g for g in (edge.guard, *(t.guard for t in edge.targets)) if g is not None]
    return any(name.startswith(("actor.", "result.")) for g in guards for name in g.names)


def case_values(st: CaseState, ctx: Ctx | None, cal: Calendar | None) -> dict[str, Any]:
    """Answers and `case.*` as expressions read them."""
    received = st.milestones.get("received")
    return {
        **(ctx.values if ctx is not None and ctx.values is not None else {}),
        "case.number": st.number, "case.area": st.area, "case.channel": st.channel,
        "case.submitted_on": cal.local_date(moment(received)) if received and cal is not None else None,
        "case.pledges": sorted(st.pledges),
    }  # fmt: skip


_DEPARTMENTS: dict[tuple[str, str, str | None], tuple[Catalogue, str]] = {}  # a definition and a catalogue never change


def department_of(d: Compiled, ctx: Ctx | None, role: str, area: str | None) -> str:
    """Raises NotAllowed where no department of that kind decides in the area."""
    if ctx is None:
        raise NotAllowed("No department answers for this in that area.", role=role, area=area)
    key = (d.sha, role, area)
    known = _DEPARTMENTS.get(key)
    if known is not None and known[0] is ctx.catalogue:
        return known[1]
    found = ctx.catalogue.department_for(d.service.roles[role].department, area)
    if found is None:
        raise NotAllowed("No department answers for this in that area.", role=role, area=area)
    _DEPARTMENTS[key] = (ctx.catalogue, found)
    return found

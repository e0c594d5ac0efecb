"""The stage on which `explore` plays a definition: everybody is there, nobody looks at the clock, and every condition
may come out either way as long as some answers that the form accepts make it so.

`decide` itself, the moves and the machine are the engine's own; only the conditions are answered by an `Oracle`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, time
from functools import lru_cache
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.catalogue_schema import Pledge
from govservice.definitions.compiled import Block, Branch, Compiled
from govservice.definitions.expression_types import TEXT
from govservice.definitions.expressions import Expression, compile_expression
from govservice.definitions.machine import build_machine
from govservice.definitions.schema import Service
from govservice.definitions.verify_data import Data
from govservice.definitions.verify_known import changing_names, is_fleeting
from govservice.engine.clocks import Deadline
from govservice.engine.decide import carried_out
from govservice.engine.decide_work import Work
from govservice.engine.state import CaseState
from govservice.engine.types import Actor, Command, Ctx
from govservice.errors import NotAllowed
from govservice.models.base import to_iso
from govservice.worktime.calendar import Calendar
from govservice.worktime.duration import Duration

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # any moment does: no clock moves while a definition is explored
AREA = "anywhere"
ASKED = "asked"  # whoever a branch of another person was asked of
ORACLE = "?"  # the name under which conditions find the oracle among a case's values
Known = frozenset[tuple[str, bool]]  # conditions that have been weighed, by their text, and how they came out
LARGE = 1_500  # mixtures of a parallel step's branches, above which one branch goes on at a time


class Choice(NamedTuple):
    """A condition that came out one way. `open`: the other way is possible too."""

    source: str
    value: bool
    open: bool


class Outcome(NamedTuple):
    """What a command leads to under some choices. `after` is None where it is refused then."""

    after: CaseState | None
    known: Known
    choices: tuple[Choice, ...]
    events: tuple[Any, ...]


class Everywhere(Catalogue):
    """A country in which every kind of department answers for every area."""

    def department_for(self, kind: str, area: str | None) -> str | None:
        return kind


class OneCalendar:
    """One calendar for every area, without holidays."""

    def for_area(self, area: str | None) -> Calendar:
        return _calendar()


@lru_cache(maxsize=1)
def _calendar() -> Calendar:
    return Calendar(
        code="any", version="any", zone=ZoneInfo("UTC"), opens=time(9), closes=time(17), holidays=frozenset(),
        makeup=frozenset(), announced_to=NOW.year, first_year=NOW.year, last_year=NOW.year,
    )  # fmt: skip


class Timeless(Work):
    """A decision for which every date is the same: no date can change where a case may go."""

    __slots__ = ()

    def deadline(self, start: str, limit: Duration, pauses: Any = ()) -> Deadline:
        return _SOME_DAY

    def is_open(self, condition: Expression | None) -> bool:
        """Whoever may promise does: what nobody promises is as if it were brought at once."""
        return True

    def elements(self, branch: Branch) -> tuple[str, ...]:
        """A list with no entry, one, or two: more would go on as two do."""
        oracle: Oracle = self.values()[ORACLE]
        some, several = counted(branch.each or "")
        return ("1", "2")[: oracle.answer(some) and 1 + oracle.answer(several)]


def counted(name: str) -> tuple[str, str]:
    """The conditions that stand for the length of a list."""
    return f"{name} has entries", f"{name} has several entries"


_AT = to_iso(NOW)
_SOME_DAY = Deadline(_AT[:10], _AT, False)


@dataclass(slots=True)
class Oracle:
    """Answers conditions: as known, else as the script says, else "yes"; what it was asked is kept in order.

    A condition over answers of the form is remembered, for the answers stay; one over who acts or what a registry
    says anew may come out otherwise the next time.
    """

    world: World
    known: dict[str, bool]
    script: tuple[bool, ...]
    asked: list[Choice]
    here: dict[str, bool]

    def answer(self, source: str) -> bool:
        said = self.known.get(source, self.here.get(source))
        if said is not None:
            return said
        fleeting = source in self.world.fleeting
        may = {v: fleeting or self.world.can_be(self.known, source, v) for v in (True, False)}
        value = self.script[len(self.asked)] if len(self.asked) < len(self.script) else may[True]
        self.asked.append(Choice(source, value, may[not value]))
        (self.here if fleeting else self.known)[source] = value
        return value


class World:
    """One definition on that stage."""

    def __init__(self, compiled: Compiled) -> None:
        found: dict[str, Expression] = {}
        parts = {f.name: swapped(getattr(compiled, f.name), found) for f in fields(compiled) if f.name in _PARTS}
        for name in {name for edges in compiled.out.values() for edge in edges for name in edge.requires_fields}:
            found.setdefault(f"has({name})", compile_expression(f"has({name})", {name: TEXT}))
        machine = build_machine(compiled.start, parts["steps"], parts["out"])
        service = compiled.service.model_copy(update={"area": None})  # whichever area: all have their departments
        self.d: Compiled = replace(compiled, sha=f"explored:{compiled.sha}", service=service, machine=machine, **parts)
        self.data = Data(compiled.service, found.values())
        changing = changing_names(compiled)
        self.fleeting = frozenset(e.source for e in found.values() if any(is_fleeting(n, changing) for n in e.names))
        self.names = {source: each.names for source, each in found.items()}
        self.needs = {
            (path, edge.name): tuple(f"has({name})" for name in edge.requires_fields)
            for path, edges in compiled.out.items()
            for edge in edges
        }
        for block in compiled.blocks.values():
            for name in (branch.each for branch in block.branches if branch.each is not None):
                self.names |= dict.fromkeys(counted(name), frozenset({name}))
        self.large = frozenset(block.path for block in compiled.blocks.values() if mixtures(compiled, block) > LARGE)
        self.once = frozenset(path for path, edges in compiled.out.items() if any(edge.once for edge in edges))
        self.people = 2 + 2 * max((len(e.not_same_as) for edges in compiled.out.values() for e in edges), default=0)
        self._asked: dict[str, frozenset[str]] = {}
        pledged = _pledges(service)
        words = {name: Pledge(version=1, title=_NO_WORDS, text=_NO_WORDS) for name in pledged.values()}
        self.catalogue, self.calendars = Everywhere(pledges=words), OneCalendar()
        # Everything that can be promised is: what is brought at once is as if it had never been put off.
        self.promises: Mapping[str, Any] = {
            "deferred": sorted(compiled.deferrals), "pledges": dict.fromkeys(pledged, 1),
        }  # fmt: skip
        self.ctx = Ctx(self.catalogue, {}, None, _calendar())

    def actors(self, by: str) -> tuple[Actor, ...]:
        """Who may act as this: of each role so many people that four eyes never lack anybody (staffing is checked by
        itself)."""
        if by == "applicant":
            return (Actor("applicant", "applicant", (), "person"),)
        if by == "person":
            return (Actor(ASKED, "applicant", (), ASKED),)
        if by == "system":
            return (Actor("system", "system", (), None),)
        role = self.d.service.roles.get(by)
        held = ((by, role.department),) if role is not None else ()
        return tuple(Actor(f"{by}.{n}", "user", held, None) for n in range(1, self.people + 1))

    def outcomes(self, st: CaseState, known: Known, command: Command, step: str = "") -> Iterator[Outcome]:
        """Everything that a command can lead to here, one outcome for each way in which conditions may come out. A
        field that an action requires is a condition too."""
        scripts: list[tuple[bool, ...]] = [()]
        while scripts:
            script = scripts.pop()
            oracle = Oracle(self, dict(known), script, [], {})
            st.ctx = Ctx(self.catalogue, {ORACLE: oracle}, None, _calendar())
            fits = all(oracle.answer(need) for need in self.needs.get((step, command.trigger), ()))
            after, events = self._decide(st, command) if fits else (None, ())
            asked = oracle.asked
            for index in range(len(script), len(asked)):
                if asked[index].open:
                    scripts.append((*(c.value for c in asked[:index]), not asked[index].value))
            yield Outcome(after, frozenset(oracle.known.items()), tuple(asked), events)

    def _decide(self, st: CaseState, command: Command) -> tuple[CaseState | None, tuple[Any, ...]]:
        try:
            work = carried_out(Timeless(self.d, st, command, self.calendars, _AT))
        except NotAllowed:
            return None, ()
        work.st.ctx, work.st.journal = None, []
        return work.st, tuple(work.events)

    def can_be(self, known: Mapping[str, bool], source: str, value: bool) -> bool:
        """Whether a condition may come out like this beside the others."""
        if source not in self.data.conditions:  # the length of a list: one that must be filled in has an entry
            return value or source.endswith("several entries") or not self.names[source] & self.data.known
        weighed = {s: v for s, v in known.items() if s in self.data.conditions}
        return self.data.can_be({**weighed, source: value})

    def still_asked(self, step: str, known: Known) -> Known:
        """What is worth remembering at a step of the main token: conditions that bear on one that may be weighed on the
        way from here. Cases that differ in nothing else go on alike."""
        if not known:
            return known
        if step not in self._asked:
            self._asked[step] = self._bearing(step)
        return frozenset(said for said in known if said[0] in self._asked[step])

    def _bearing(self, step: str) -> frozenset[str]:
        ahead, todo = {step}, [step]
        while todo:
            for edge in self.d.out.get(todo.pop(), ()):
                for target in edge.targets:
                    if target.to is not None and target.to not in ahead:
                        ahead.add(target.to)
                        todo.append(target.to)
        names: set[str] = set()
        for path, edges in self.d.out.items():
            if path.partition(".")[0] in ahead:
                for guard in (g for e in edges for g in (e.guard, *(t.guard for t in e.targets)) if g is not None):
                    names |= guard.names
                names |= {name for e in edges for name in e.requires_fields}
        for block in self.d.blocks.values():
            if block.path in ahead:
                names |= {name for b in block.branches if b.when is not None for name in b.when.names}
                names |= {b.each for b in block.branches if b.each is not None}
        for end in self.d.steps.values():
            if end.path in ahead:
                names |= {name for o in end.opens if o.when is not None for name in o.when.names}
        for bundle in self.d.bundles.values():
            if bundle.path in ahead:
                names |= {name for s in bundle.spawns if s.when is not None for name in s.when.names}
        return frozenset(source for source, reads in self.names.items() if reads & names)

    def forget(self, known: Known, changed: frozenset[str]) -> Known:
        """What is still known of the conditions once these answers have changed."""
        return frozenset(said for said in known if not self.names[said[0]] & changed)


def mixtures(compiled: Compiled, block: Block) -> int:
    """Roughly in how many ways the branches of a parallel step can stand beside each other."""
    sizes = []
    for branch in block.branches:
        inner = [path for path, step in compiled.steps.items() if step.scope == branch.scope]
        asking = sum(any(edge.correction for edge in compiled.out[path]) for path in inner)
        size = len(inner) + 2 * asking + len(branch.outcomes)
        sizes.append(size * size if branch.each is not None else size)
    return prod(sizes)


def _pledges(service: Service) -> dict[str, str]:
    """The pledge that may stand for a material, by material."""
    replaced = {name: material.replaced_by for name, material in service.materials.items()}
    return {name: way.pledge for name, way in replaced.items() if way is not None and way.pledge is not None}


_NO_WORDS = {"en": "-", "zh": "-"}
_PARTS = ("steps", "out", "blocks", "bundles")


def swapped(value: Any, found: dict[str, Expression]) -> Any:
    """A copy of a part of a definition whose conditions ask the oracle; `found` collects them by their text."""
    if isinstance(value, Expression):
        found.setdefault(value.source, value)
        return replace(value, run=_asking(value.source))
    if isinstance(value, Mapping):
        return MappingProxyType({key: swapped(each, found) for key, each in value.items()})
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(swapped(each, found) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: swapped(getattr(value, f.name), found) for f in fields(value) if f.init}
        return replace(value, **{k: v for k, v in changed.items() if v is not getattr(value, k)})
    return value


def _asking(source: str) -> Any:
    def run(values: Mapping[str, Any], _missing: list[str], _item: Any) -> bool:
        oracle: Oracle = values[ORACLE]
        return oracle.answer(source)

    return run

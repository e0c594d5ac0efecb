"""The way of a service as people read it: the steps of a grant in order, drawn from the definition itself.

A step's usual way out is its first action (or answer) from which a grant can still be reached; of what has conditions
(alternatives, join rules of branches) the last that leads there, which stands without one. Asking for a correction and
refusing are not the way, they are told elsewhere. Works for any service, loops included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from govservice.definitions.compiled import Branch, Compiled, Edge, Step
from govservice.definitions.library import Definitions
from govservice.models.cases import Case
from govservice.worktime.duration import Duration

Text = Mapping[str, str]
_CONDITION = re.compile(r"^\s*([a-z][a-z0-9_.]*)\s*(>=|<=|==|>|<)\s*([0-9]+(?:\.[0-9]+)?|True|False)\s*$")


@dataclass(frozen=True, slots=True)
class Condition:
    """`menu.seats > 0` taken apart, so that a page can say it in words; `field` is a name of the form."""

    field: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class WayBranch:
    title: Text
    department: str | None  # kind of department
    limit: Duration | None  # sum of its steps' working days where all have one
    condition: Condition | None
    conditional: bool


@dataclass(frozen=True, slots=True)
class WayStep:
    """`kind` as in the definition. `branches` only of a parallel step, at least two."""

    path: str
    kind: str
    title: Text
    department: str | None
    limit: Duration | None
    branches: tuple[WayBranch, ...] = ()
    role: Text | None = None  # title of the role that holds it
    owner: str | None = None  # its code


def way(compiled: Compiled) -> list[WayStep]:
    """The steps from the draft to the grant, ends left out."""
    found: list[WayStep] = []
    path: str | None = compiled.start
    while path is not None and path not in {step.path for step in found}:
        step = compiled.steps[path]
        if step.kind == "end":
            break
        found.append(_way_step(compiled, step))
        path = _next(compiled, step)
    return found


def way_to_the_paper(compiled: Compiled) -> list[WayStep]:
    """The same as far as it concerns who applies: until the paper is there. What offices then tell each other is
    theirs."""
    steps = way(compiled)
    there = [n for n, s in enumerate(steps) if brings_the_paper(compiled, s.path)]
    return steps[: there[0] + 1] if there else steps


def brings_the_paper(compiled: Compiled, path: str) -> bool:
    """Whether the paper is there when this step is done."""
    return any(edge.marks == "delivered" for edge in compiled.out.get(path, ()))


def edges_of(compiled: Compiled, step: Step) -> tuple[Edge, ...]:
    """Ways out of a step: its actions and answers, or its joins."""
    if step.path in compiled.blocks:
        return compiled.blocks[step.path].joins
    if step.path in compiled.bundles:
        return compiled.bundles[step.path].joins
    return tuple(e for e in compiled.out.get(step.path, ()) if e.kind in ("action", "answer"))


def _next(compiled: Compiled, step: Step) -> str | None:
    edges = edges_of(compiled, step)
    for edge in reversed(edges) if step.kind == "parallel" else edges:
        if edge.correction:
            continue
        for target in reversed(edge.targets):
            if target.to in compiled.granting and target.to != step.path:
                return target.to
    return None


def _way_step(compiled: Compiled, step: Step) -> WayStep:
    block = compiled.blocks.get(step.path)
    branches = tuple(_way_branch(compiled, branch) for branch in block.branches) if block else ()
    kind, role = department_kind(compiled, step.owner), role_title(compiled, step.owner)
    return WayStep(step.path, step.kind, step.title, kind, step.limit, branches, role, step.owner)


def _way_branch(compiled: Compiled, branch: Branch) -> WayBranch:
    limits = [s.limit for s in compiled.steps.values() if s.scope == branch.scope and s.kind == "human"]
    known = [limit for limit in limits if limit is not None and limit.unit == "wd"]
    total = Duration(sum(limit.n for limit in known), "wd") if known and len(known) == len(limits) else None
    return WayBranch(
        branch.title, department_kind(compiled, branch.owner), total,
        condition_of(branch.when.source) if branch.when else None, branch.when is not None,
    )  # fmt: skip


def condition_of(source: str) -> Condition | None:
    """A comparison of one field with a constant; None for anything longer."""
    match = _CONDITION.match(source)
    return Condition(match[1], match[2], match[3]) if match else None


def department_kind(compiled: Compiled, role: str | None) -> str | None:
    """The kind of department that a role of the definition belongs to."""
    found = compiled.service.roles.get(role) if role else None
    return found.department if found else None


def role_title(compiled: Compiled, role: str | None) -> Text | None:
    """The title of a role of the definition."""
    found = compiled.service.roles.get(role) if role else None
    return found.title if found else None


def accepting_role(compiled: Compiled) -> str | None:
    """The role whose people accept an application: an office that only collects it, and lets it count as accepted when
    nobody answers, is another. None where nobody accepts."""
    accepts = [edge for edges in compiled.out.values() for edge in edges if edge.marks == "accepted"]
    by_people = [edge for edge in accepts if edge.by in compiled.service.roles]
    edge = next(iter(by_people or accepts), None)
    return compiled.steps[edge.source].owner if edge is not None else None


def departments(compiled: Compiled, definitions: Definitions, area: str | None) -> list[Text]:
    """Names of the departments that take part, the one that answers for the service first; of the area where known."""
    kinds = [compiled.service.department]
    for step in compiled.steps.values():
        kind = department_kind(compiled, step.owner)
        if kind and kind not in kinds:
            kinds.append(kind)
    return [department_name(definitions, kind, area) for kind in kinds]


def place_of(case: Case, role: str | None) -> str | None:
    """Where the people of a role sit: the area that the answers named for it, else the case's."""
    return json.loads(case.places).get(role, case.area) if case.places else case.area


def department_name(definitions: Definitions, kind: str, area: str | None) -> Text:
    """A department's name in an area, or the name of its kind."""
    catalogue = definitions.catalogue
    found = catalogue.department_for(kind, area) if area else None
    return catalogue.departments[found].name if found else catalogue.kinds.get(kind, {"en": kind, "zh": kind})

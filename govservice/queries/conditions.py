"""The conditions under which something is granted (附条件许可): whoever sets them says each on a line.

An action with `conditions: STEP` sets them; that step looks afterwards whether they are kept, and its limit says until
when. What was said last at a step counts; what a parallel step has said falls when it begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled, Edge
from govservice.definitions.library import Definitions
from govservice.models.cases import Case, CaseEvent
from govservice.queries.tracking import happenings, words_of
from govservice.queries.way import department_kind, department_name, place_of
from govservice.worktime.calendar import Calendar
from govservice.worktime.limits import due_on

Text = Mapping[str, str]
MOST = 50  # lines that one act may hold
ENTERED, LEFT, MOVED = "step.entered", "step.left", "case.migrated"  # to another version: steps may have new names


@dataclass(frozen=True, slots=True)
class Condition:
    """One line. `by`: the department that set it; `checker`: who looks whether it is kept, at the latest `until`
    (None while nothing is issued); `check`: the step at which they do ("" once it stands on a document)."""

    text: str
    by: Text
    checker: Text
    until: date | None = None
    check: str = ""

    def as_json(self) -> dict[str, Any]:
        said = {"text": self.text, "by": dict(self.by), "checker": dict(self.checker)}
        return said | ({"until": self.until.isoformat()} if self.until is not None else {})


def from_json(stored: Mapping[str, Any]) -> Condition:
    until = stored.get("until")
    return Condition(stored["text"], stored["by"], stored["checker"], date.fromisoformat(until) if until else None)


def set_for(
    session: Session, definitions: Definitions, compiled: Compiled, case: Case,
    sees: Callable[[Mapping[str, Any]], bool] = lambda _act: True,
) -> list[Condition]:  # fmt: skip
    """Every condition that stands, in the order in which they were set, of the acts whose words the reader `sees`;
    empty for whoever was erased."""
    if not any(edge.conditions for edges in compiled.out.values() for edge in edges):
        return []
    rows = session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.type.in_((ENTERED, LEFT, MOVED)))
        .order_by(CaseEvent.seq)
    ).all()
    told = happenings(definitions, compiled, case, rows, {})
    acts = [act for act in standing(compiled, ((h.type, h.data) for h in told)) if sees(act)]
    words = words_of(session, case, [act.get("text") for act in acts])
    return [
        Condition(line, *_who(definitions, compiled, case, edge), check=str(edge.conditions))
        for act in acts
        if (edge := compiled.edge(str(act["step"]), str(act["trigger"]))) is not None
        for line in lines(words.get(str(act.get("text")), ""))
    ]


def standing(compiled: Compiled, events: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """The acts whose conditions hold: of each step the last, if it set any."""
    last: dict[str, Mapping[str, Any]] = {}
    for kind, data in events:
        step = str(data.get("step"))
        if kind == ENTERED and step in compiled.blocks:
            last = {path: act for path, act in last.items() if not path.startswith(f"{step}.")}
        elif kind == LEFT:
            last.pop(step, None)
            edge = compiled.edge(step, str(data.get("trigger")))
            if edge is not None and edge.conditions is not None:
                last[step] = data
    return list(last.values())


def lines(stored: str) -> list[str]:
    """What stands on each line of the words of an act."""
    said = str(json.loads(stored).get("reason") or "") if stored else ""
    return [line.strip() for line in said.splitlines() if line.strip()][:MOST]


def _who(definitions: Definitions, compiled: Compiled, case: Case, edge: Edge) -> tuple[Text, Text]:
    check = compiled.steps[str(edge.conditions)]
    roles = compiled.service.roles
    code = compiled.steps[edge.source].owner
    kind = department_kind(compiled, code) or compiled.service.department
    by = department_name(definitions, kind, place_of(case, code))
    checker = roles.get(check.owner or "")
    return by, checker.title if checker is not None and checker.title is not None else check.title


def dated(compiled: Compiled, calendar: Calendar, found: Collection[Condition], issued: datetime) -> list[Condition]:
    """The same with the last day of the check of each, counted from the issue."""
    limits = {each.check: compiled.steps[each.check].limit for each in found}
    until = {check: due_on(calendar, issued, limit) for check, limit in limits.items() if limit is not None}
    return [replace(each, until=until.get(each.check)) for each in found]

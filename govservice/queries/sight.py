"""How far a clerk sees into a case: a step of a branch sees what its branch `reads`, a step of the case itself what it
`reads` by itself, or all.

What is not read is not fetched, so that it cannot leak into a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.models.casedata import read_form
from govservice.models.cases import Case, CaseEvent
from govservice.models.papers import File

# Events that say which revision of the answers was sent.
PINNING = ("step.left", "correction.resubmitted", "gap.closed", "data.changed")


@dataclass(frozen=True, slots=True)
class Sight:
    """What the steps of a clerk may see. `parts`: first parts of fields, facts and materials; None = everything.

    `paths` are the steps, `scopes` the branches that they belong to.
    """

    compiled: Compiled
    parts: frozenset[str] | None
    scopes: frozenset[str]
    paths: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return self.parts is None

    def sees(self, name: str) -> bool:
        """Whether a field or a material is among the parts."""
        if self.parts is None:
            return True
        return bool(self.compiled.parts_of(name) & self.parts)

    def sees_fact(self, fact: str) -> bool:
        return self.parts is None or fact in self.parts

    def sees_attachment(self, slot: str) -> bool:
        """A report of the own branch (a second person must read it); those of other branches are for the decision."""
        if self.parts is None:
            return True
        own = [path for path, step in self.compiled.steps.items() if step.scope in self.scopes or path in self.paths]
        return any(slot in edge.requires_attachments for path in own for edge in self.compiled.out.get(path, ()))

    def sees_words(self, event: Mapping[str, Any]) -> bool:
        """What was written at the own step or in the own branch, or by whoever sent the case to the departments."""
        path = str(event.get("step", ""))
        if self.parts is None or path in self.paths:
            return True
        step = self.compiled.steps.get(path)
        if step is None:
            return False
        if any(asked in self.scopes for asked in event.get("asks", ())):
            return True  # the question that a consulted department is to answer
        if step.asked_at is not None and self.compiled.steps[step.asked_at].scope in self.scopes:
            return True  # what it answered, for the branch that asked
        if step.scope:
            return step.scope in self.scopes
        edge = self.compiled.edge(path, str(event.get("trigger", "")))
        blocks = {scope.partition(".")[0] for scope in self.scopes}
        return edge is not None and any(target.to in blocks for target in edge.targets)

    def sees_file(self, file: File, sent: frozenset[str]) -> bool:
        """A file that was part of what the applicant sent (`sent`), or came with an act."""
        if file.kind == "attachment":
            return self.sees_attachment(file.slot)
        return file.id in sent and file.slot in self.compiled.service.materials and self.sees(file.slot)


def sight_of(compiled: Compiled, paths: Iterable[str]) -> Sight:
    """What somebody working at these steps sees. Steps that the definition does not know give no sight."""
    steps = [compiled.steps[path] for path in paths if path in compiled.steps]
    parts = None if any(s.reads is None for s in steps) else frozenset(p for s in steps for p in s.reads or ())
    return Sight(compiled, parts, frozenset(s.scope for s in steps if s.scope), frozenset(s.path for s in steps))


def sent_revisions(session: Session, case: Case) -> list[tuple[datetime, int]]:
    """When the answers were sent, and which revision of them: the first one, and each that followed."""
    events = session.execute(
        select(CaseEvent.at, CaseEvent.data)
        .where(CaseEvent.case_id == case.id, CaseEvent.type.in_(PINNING))
        .order_by(CaseEvent.seq)
    )
    found: dict[int, datetime] = {}
    for at, said in events:
        data = json.loads(said)
        if data.get("rev") and data.get("why") != "settled":  # a register answered late: nobody sent anything
            found.setdefault(data["rev"], at)
    return [(at, rev) for rev, at in sorted(found.items())]


def sent_files(session: Session, case: Case) -> frozenset[str]:
    """Ids of the files of every revision that was sent: what the applicant only prepares is nobody's to see."""
    events = session.scalars(
        select(CaseEvent.data).where(CaseEvent.case_id == case.id, CaseEvent.type.in_(PINNING))
    ).all()
    revisions = {rev for rev in (json.loads(data).get("rev") for data in events) if rev}
    forms = [read_form(session, case.applicant_id, case.id, rev) for rev in sorted(revisions)]
    return frozenset(id for form in forms for ids in form.materials.values() for id in ids)

"""Everything about a case that a clerk's step may see, on one page.

A step of a branch sees what its branch `reads`; a step of the main token sees all. What is not read is not fetched,
so it cannot leak into a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.exchange.evidence import FactView, current_facts
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.papers import File
from govservice.models.session import box_of
from govservice.models.work import CaseNote
from govservice.operations.runtime import Runtime
from govservice.queries.names import staff_names

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One value: where it comes from, whether a correction changed it, what it was before."""

    name: str
    label: Text
    value: Text
    kind: str  # register | you
    source: Text
    at: datetime | None
    changed: bool = False
    before: Text | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A file of the case: a material of the applicant or an attachment of a clerk's act."""

    id: str
    title: Text
    name: str
    mime: str
    size: int
    revision: int
    at: datetime
    current: bool
    by_applicant: bool


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    by: Text
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseFile:
    rows: tuple[Row, ...]
    papers: tuple[Paper, ...]
    notes: tuple[Note, ...]
    everything: bool  # False: only what the branch reads

    @property
    def changed(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.changed)

    @property
    def seen(self) -> list[str]:
        """Names of what is shown, for the record of reads."""
        return [*(r.name for r in self.rows), *(f"file:{p.id}" for p in self.papers if p.current)]


def parts_read(compiled: Compiled, steps: Iterable[str]) -> frozenset[str] | None:
    """What the steps may see: names of pages' first parts, facts and materials; None = everything."""
    found: set[str] = set()
    for path in steps:
        step = compiled.steps.get(path)
        if step is None:
            continue
        if step.reads is None:
            return None
        found.update(step.reads)
    return frozenset(found)


def may_see(compiled: Compiled, parts: frozenset[str] | None, name: str) -> bool:
    """Whether a field or material is among the parts."""
    if parts is None:
        return True
    field = compiled.service.fields.get(name)
    fact = field.fact if field else None
    return name in parts or name.partition(".")[0] in parts or fact in parts


def case_file(
    rt: Runtime, session: Session, case: Case, compiled: Compiled, steps: Iterable[str], department_ids: Iterable[str],
    changed: Mapping[str, int] | None = None,
) -> CaseFile:  # fmt: skip
    """What a clerk working at `steps` sees. `changed` maps a name to the revision before its last correction."""
    parts = parts_read(compiled, steps)
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    facts = current_facts(session, case.id, rt.definitions.catalogue)
    older = {
        name: read_form(session, case.applicant_id, case.id, rev)
        for name, rev in (changed or {}).items()
        if may_see(compiled, parts, name)
    }
    rows = [*_answer_rows(compiled, parts, form, facts, older, case), *_fact_rows(rt, compiled, parts, facts)]
    return CaseFile(
        tuple(rows), tuple(_papers(session, case, compiled, parts, form)), tuple(_notes(session, case, department_ids)),
        parts is None,
    )  # fmt: skip


def _answer_rows(
    compiled: Compiled, parts: frozenset[str] | None, form: Form, facts: Mapping[str, FactView],
    older: Mapping[str, Form], case: Case,
) -> list[Row]:  # fmt: skip
    rows = []
    for name, question in compiled.service.fields.items():
        if form.answers.get(name) in (None, "", []) or not may_see(compiled, parts, name):
            continue
        before = older[name].answers.get(name) if name in older else None
        view = facts.get(question.fact or "")
        from_register = form.sources.get(name, "").startswith("fact:") and view is not None
        rows.append(
            Row(
                name,
                question.label,
                question.shown(form.answers[name]),
                "register" if from_register else "you",
                view.registry_name if view and from_register else {"en": "Applicant", "zh": "申请人"},
                view.fetched_at if view and from_register else case.received_at,
                name in older,
                question.shown(before) if before not in (None, "", []) else None,
            )  # fmt: skip
        )
    return rows


def _fact_rows(
    rt: Runtime, compiled: Compiled, parts: frozenset[str] | None, facts: Mapping[str, FactView]
) -> list[Row]:
    """Facts that fill no field of the form (they replace a document): shown with their own labels."""
    rows = []
    for fact, view in facts.items():
        if parts is not None and fact not in parts:
            continue
        for name, value in view.values.items():
            if name in compiled.service.fields or value in (None, "", []):
                continue
            kind = rt.definitions.catalogue.facts.get(name)
            label = kind.label if kind else {"en": name, "zh": name}
            rows.append(Row(name, label, _shown(value), "register", view.registry_name, view.fetched_at))
    return rows


def _shown(value: Any) -> Text:
    if isinstance(value, list):
        return {"en": ", ".join(map(str, value)), "zh": "、".join(map(str, value))}
    return {"en": str(value), "zh": str(value)}


def _papers(
    session: Session, case: Case, compiled: Compiled, parts: frozenset[str] | None, form: Form
) -> Iterable[Paper]:
    """Files that were part of what was sent, and attachments of acts; earlier versions after the present ones."""
    current = {id for ids in form.materials.values() for id in ids}
    box = box_of(session, case.applicant_id)
    files = session.scalars(
        select(File).where(File.case_id == case.id, File.removed_at.is_(None)).order_by(File.uploaded_at)
    )
    for file in sorted(files, key=lambda f: (f.kind != "material", f.slot, f.id not in current)):
        material = compiled.service.materials.get(file.slot)
        if file.kind == "material" and (material is None or not may_see(compiled, parts, file.slot)):
            continue
        if file.kind == "attachment" and parts is not None:
            continue  # another department's report is for the lead and the decision
        if box is None or file.display_name_enc is None:
            continue
        title = material.label if material else attachment_title(file.slot)
        name = box.open_text(file.display_name_enc, f"files:{file.id}")
        yield Paper(
            file.id, title, name, file.mime, file.size, file.revision, file.uploaded_at,
            file.kind == "attachment" or file.id in current, file.kind == "material",
        )  # fmt: skip


ATTACHMENTS: Mapping[str, Text] = {
    "site_report": {"en": "Report of the site visit", "zh": "现场核查报告"},
    "inspection_record": {"en": "Record of the inspection", "zh": "现场核查记录"},
}


def attachment_title(slot: str) -> Text:
    """What an attachment is called; definitions name them freely, so an unknown one shows its own name."""
    return ATTACHMENTS.get(slot, {"en": slot.replace("_", " ").capitalize(), "zh": slot})


def _notes(session: Session, case: Case, department_ids: Iterable[str]) -> Sequence[Note]:
    """Internal notes of the clerk's own departments, newest first."""
    box = box_of(session, case.applicant_id)
    rows = session.scalars(
        select(CaseNote)
        .where(CaseNote.case_id == case.id, CaseNote.department_id.in_(set(department_ids)))
        .order_by(CaseNote.at.desc())
    ).all()
    names = staff_names(session, (r.by for r in rows))
    return [
        Note(box.open_text(r.text_enc, f"case_notes:{r.id}"), names.get(r.by, {"en": "", "zh": ""}), r.at)
        for r in rows
        if box is not None and r.text_enc is not None
    ]

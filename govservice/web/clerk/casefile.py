"""Everything about a case that a clerk's step may see, on one page. How far it sees is said in `sight.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.periods import period_words
from govservice.definitions.questions import Question
from govservice.exchange.evidence import ACCOUNT, FactView, current_facts
from govservice.models.casedata import AGAIN, ISSUED, SHARED, YOU, Form, read_form
from govservice.models.cases import Case
from govservice.models.papers import File, name_of
from govservice.models.session import box_of
from govservice.models.work import CaseNote
from govservice.operations.runtime import Runtime
from govservice.queries.names import staff_names
from govservice.queries.sight import Sight, sent_files
from govservice.web.access import current_runtime

Text = Mapping[str, str]


SOURCES: Mapping[str, Text] = {
    YOU: {"en": "Applicant", "zh": "申请人"},
    ACCOUNT: {"en": "Account and mandate", "zh": "账户和授权信息"},
    SHARED: {"en": "Another part of the application", "zh": "联办的其他事项"},
    ISSUED: {"en": "Issued here", "zh": "本事项核发"},
}


def _teller(source: str) -> Text:
    """Who said it, where no register did; an answer taken over from an earlier application names that one."""
    if source.startswith(AGAIN):
        number = source.removeprefix(AGAIN)
        return {"en": f"Applicant, as in application {number}", "zh": f"申请人（沿用办件 {number} 的填报）"}
    return SOURCES.get(source, SOURCES[YOU])


class Change(NamedTuple):
    """The last correction of an answer: the revision before it, and when the applicant sent it."""

    before: int
    at: datetime


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
    lines: tuple[str, ...] = ()  # a list that has no words of its own, one entry a line
    party: Text | None = None  # what the account or the mandate says where the applicant typed something else
    register: Text | None = None  # what the register says where the applicant put something else in its place


@dataclass(frozen=True, slots=True)
class Paper:
    """A file of the case: a material of the applicant or an attachment of a clerk's act."""

    id: str
    slot: str
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
    changed: tuple[Row, ...]  # answers and documents that a correction changed
    everything: bool  # False: only what the branch reads
    left: tuple[Text, ...] = ()  # labels of what the applicant was asked to correct and left as it was

    @property
    def seen(self) -> list[str]:
        """Names of what is shown of the applicant's, for the record of reads."""
        given = (p.slot for p in self.papers if p.by_applicant)
        return list(dict.fromkeys([*(r.name for r in self.rows), *given]))


def case_file(
    rt: Runtime, session: Session, case: Case, sight: Sight, department_ids: Iterable[str],
    changed: Mapping[str, Change] | None = None, left: Iterable[str] = (),
) -> CaseFile:  # fmt: skip
    """What a clerk with this sight sees of the case. `changed`: what the applicant corrected, by name; `left`: what
    they were asked to correct and left as it was."""
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    facts = current_facts(session, case.id, rt.definitions.catalogue)
    seen = {name: change for name, change in (changed or {}).items() if sight.sees(name)}
    older = {rev: read_form(session, case.applicant_id, case.id, rev) for rev in {c.before for c in seen.values()}}
    rows = [*_answer_rows(rt, sight, form, facts, seen, older, case), *_fact_rows(rt, sight, facts)]
    papers = tuple(_papers(session, case, sight, form))
    changes = [*(r for r in rows if r.changed), *_changed_papers(sight, papers, seen, older)]
    return CaseFile(
        tuple(rows), papers, tuple(_notes(session, case, department_ids)), tuple(changes), sight.everything,
        tuple(_label(sight, name) for name in left if sight.sees(name)),
    )  # fmt: skip


def _answer_rows(
    rt: Runtime, sight: Sight, form: Form, facts: Mapping[str, FactView], changed: Mapping[str, Change],
    older: Mapping[int, Form], case: Case,
) -> list[Row]:  # fmt: skip
    rows, areas = [], rt.definitions.catalogue.areas
    for name, question in sight.compiled.service.fields.items():
        if form.answers.get(name) in (None, "", []) or not sight.sees(name):
            continue
        change = changed.get(name)
        before = older[change.before].answers.get(name) if change else None
        source = form.sources.get(name, YOU)
        view = facts.get(question.fact or source.removeprefix("fact:"))
        from_register = source.startswith("fact:") and view is not None
        told = _source(view) if view and from_register else _teller(source)
        party = view.party.get(name) if view and source == YOU else None
        register = view.values.get(name) if view and source == YOU else None
        rows.append(
            Row(
                name,
                question.label,
                question.shown(form.answers[name], areas),
                "register" if from_register or source in (ACCOUNT, SHARED, ISSUED) else "you",
                told,
                _as_of(case, view, name, form.answers[name])
                if view and from_register
                else change.at
                if change
                else case.received_at,
                change is not None,
                question.shown(before, areas) if before not in (None, "", []) else None,
                party=question.shown(party, areas) if party not in (None, form.answers[name]) else None,
                register=question.shown(register, areas) if otherwise(question, register, form.answers[name]) else None,
            )  # fmt: skip
        )
    return rows


def _source(view: FactView) -> Text:
    """Who told it, and of which time where the fact says so."""
    if view.as_of is None:
        return view.registry_name
    period = period_words(view.as_of)
    return {language: f"{name} · {period[language]}" for language, name in view.registry_name.items()}


def otherwise(question: Question, register: Any, answer: Any) -> bool:
    """Whether a register says another thing than the answer: 785 and 785.00 yuan are one sum."""
    if question.type in ("integer", "decimal") and register is not None:
        with suppress(ArithmeticError):  # no number: compared as it stands
            return Decimal(str(register)) != Decimal(str(answer))
    return register not in (None, answer)


def _as_of(case: Case, view: FactView, name: str, value: Any) -> datetime | None:
    """When the register said this: what it says since, of something else, gives an older value no younger date."""
    return view.fetched_at if view.values.get(name) == value else case.received_at


def _label(sight: Sight, name: str) -> Text:
    service = sight.compiled.service
    known = service.fields.get(name) or service.materials.get(name)
    return known.label if known is not None else {"en": name, "zh": name}


def _fact_rows(rt: Runtime, sight: Sight, facts: Mapping[str, FactView]) -> list[Row]:
    """Facts that fill no field of the form (they replace a document): shown with their own labels."""
    rows = []
    for fact, view in facts.items():
        if not sight.sees_fact(fact):
            continue
        for name, value in view.values.items():
            if name in sight.compiled.service.fields or value in (None, "", []):
                continue
            kind = rt.definitions.catalogue.facts.get(name)
            label = kind.label if kind else {"en": name, "zh": name}
            lines = tuple(map(str, value)) if isinstance(value, list) else ()
            source = _source(view)
            area = rt.definitions.catalogue.areas.get(str(value)) if kind and kind.type == "district" else None
            shown = area.name if area is not None else _shown(value)
            rows.append(Row(name, label, shown, "register", source, view.fetched_at, lines=lines))
    return rows


def _shown(value: Any) -> Text:
    if isinstance(value, list):
        return {"en": ", ".join(map(str, value)), "zh": "、".join(map(str, value))}
    return {"en": str(value), "zh": str(value)}


def _papers(session: Session, case: Case, sight: Sight, form: Form) -> Iterable[Paper]:
    """Files that were part of what was sent, and attachments of acts; earlier versions after the present ones."""
    current, sent = {id for ids in form.materials.values() for id in ids}, sent_files(session, case)
    files = session.scalars(
        select(File).where(File.case_id == case.id, File.removed_at.is_(None)).order_by(File.uploaded_at)
    )
    for file in sorted(files, key=lambda f: (f.kind != "material", f.slot, f.id not in current)):
        name = name_of(session, file) if sight.sees_file(file, sent) else None
        if name is None:
            continue
        material = sight.compiled.service.materials.get(file.slot)
        title = material.label if material else attachment_title(file.slot)
        yield Paper(
            file.id, file.slot, title, name, file.mime, file.size, file.revision, file.uploaded_at,
            file.kind == "attachment" or file.id in current, file.kind == "material",
        )  # fmt: skip


def _changed_papers(
    sight: Sight, papers: Sequence[Paper], changed: Mapping[str, Change], older: Mapping[int, Form]
) -> Iterable[Row]:
    """A material whose files a correction replaced: the names of the new ones beside the old."""
    for slot, change in changed.items():
        material = sight.compiled.service.materials.get(slot)
        if material is None:
            continue
        before = older[change.before].materials.get(slot, ())
        new = [p.name for p in papers if p.slot == slot and p.current and p.id not in before]
        old = [p.name for p in papers if p.id in before]
        yield Row(slot, material.label, _shown(new), "you", SOURCES[YOU], change.at, True, _shown(old))


def attachment_title(slot: str) -> Text:
    """What an attachment is called; one that the catalogue does not know shows its own name."""
    known = current_runtime().definitions.catalogue.attachments
    return known.get(slot, {"en": slot.replace("_", " ").capitalize(), "zh": slot})


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

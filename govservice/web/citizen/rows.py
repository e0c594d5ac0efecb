"""Rows of answers: what the check page, the confirmation and "everything you sent" list, with the source of each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext
from markupsafe import Markup

from govservice.queries.way import department_name, way
from govservice.web.citizen.context import Filing, again_words, asked_note, source_of
from govservice.web.citizen.promised import promise_words
from govservice.web.i18n import date_text, size_text, text
from govservice.worktime.limits import due_on

Row = dict[str, Any]


def own_rows(filing: Filing, change: bool = True) -> list[Row]:
    """What the applicant answered (it can be wrong), each with its way to change it."""
    rows = []
    for page in filing.shown_pages:
        for name in page.fields:
            if filing.fields[name].issued and name not in filing.form.answers:
                continue
            if not filing.form.own(name) and name not in filing.slots.fields:
                continue
            href = url_for("citizen.page", number=filing.number, page=page.page)
            actions = [{"text": gettext("Change"), "href": href}] if change and name in filing.slots.fields else []
            value, label = filing.answer(name), filing.fields[name].label
            source = source_of(filing, name)
            if not value and (owes := _owed_by(filing, name)):
                value, source = gettext("The register is still being asked"), owes
            rows.append({"key": label, "value": value, "source": source, "actions": actions, "id": f"row-{name}"})
    return rows


def _owed_by(filing: Filing, name: str) -> Row | None:
    """The badge of an answer that a register still owes: the applicant did not leave it out."""
    view = filing.facts.get(str(filing.fields[name].fact))
    if view is None or view.filled or view.state not in ("deferred", "fetching"):
        return None
    return {"kind": "waiting", "name": view.registry_name, "note": ""}


def material_rows(filing: Filing, change: bool = True) -> list[Row]:
    """Documents: the files given, or that there is none yet."""
    rows = []
    for name, material in filing.compiled.service.materials.items():
        files = filing.files.get(name, ())
        promise = promise_words(filing, name)
        if name not in filing.slots.materials and not files and not promise:
            continue
        links = [
            Markup('<a href="{}">{}</a> <span class="gs-list__meta">{}</span>').format(
                url_for("citizen.download", file_id=f.id), f.name, size_text(f.size)
            )
            for f in files
        ]
        href = url_for("citizen.upload", number=filing.number, slot=name)
        words = gettext("Replace") if files else gettext("Change") if promise else gettext("Upload")
        actions = [{"text": words, "href": href}] if change and name in filing.slots.materials else []
        day = date_text(files[-1].uploaded_at) if files else ""
        if name in filing.form.again:
            day = gettext("%(day)s, %(where)s", day=day, where=again_words(filing.form.again[name]))
        source = {"kind": "document", "name": gettext("Document from you"), "note": day} if files else None
        if promise and not files:
            links, source = [_promise(filing, name, promise)], _promise_source(filing, name)
        rows.append({"key": material.label, "value": Markup("").join(links), "source": source, "actions": actions})
    return rows


def _promise(filing: Filing, name: str, words: str) -> Markup:
    """What stands instead of the document; of a pledge its words whole, as they were agreed to."""
    given = filing.form.pledges.get(name)
    said = text(given["text"]) if given is not None else ""
    return Markup('{} <span class="gs-list__meta">{}</span>').format(words, said)


def _promise_source(filing: Filing, name: str) -> Row | None:
    return {"kind": "pledge", "name": gettext("Pledge"), "note": ""} if name in filing.form.pledges else None


def fact_groups(filing: Filing) -> list[Row]:
    """What registers gave, page by page, then the facts that are no field of the form."""
    groups = []
    for page in filing.shown_pages:
        rows = [_fact_row(filing, name) for name in page.fields if _from_register(filing, name)]
        if rows:
            groups.append({"title": page.title, "rows": rows})
    rest = _other_facts(filing)
    if rest:
        groups.append({"title": gettext("Also from registers"), "rows": rest})
    return groups


def _from_register(filing: Filing, name: str) -> bool:
    given = not filing.form.own(name) and name in filing.form.answers
    return given and name not in filing.hidden and name not in filing.slots.fields


def _fact_row(filing: Filing, name: str) -> Row:
    wrong = {"text": gettext("This is wrong"), "href": url_for("public.help", _anchor="register")}
    return {
        "key": filing.fields[name].label, "value": filing.answer(name), "source": source_of(filing, name),
        "actions": [wrong] if filing.case.status == "draft" else [],
    }  # fmt: skip


def _other_facts(filing: Filing) -> list[Row]:
    """Facts that stand in no field: an address as it is, of a list (health certificates) how many entries."""
    rows = []
    for view in filing.facts.values():
        for name, value in view.values.items():
            if name in filing.fields or name in filing.hidden:
                continue
            source = {"kind": "register", "name": view.registry_name, "note": asked_note(view)}
            listed = isinstance(value, (list, tuple))
            value_words = gettext("%(count)s entries", count=len(value)) if listed else filing.answer_to(name, value)
            rows.append({"key": filing.labels.get(name, name), "value": value_words, "source": source, "actions": []})
    return rows


def promised_answer(filing: Filing, now: datetime) -> date | None:
    """The day by which it would be accepted if it were sent now."""
    limit = filing.compiled.limit("intake")
    if limit is None:
        return None
    calendar = filing.rt.calendars.for_area(filing.case.area)
    return due_on(calendar, now, limit.promised or limit.statutory)


def receiver(filing: Filing) -> str:
    """Name of the department that accepts: the owner of the step after the draft."""
    steps = way(filing.compiled)
    kind = steps[1].department if len(steps) > 1 else None
    return text(department_name(filing.rt.definitions, kind, filing.case.area)) if kind else ""

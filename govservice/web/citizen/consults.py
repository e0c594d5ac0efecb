"""What the applicant is told of opinions between departments (who was asked and until when, and that the answer came;
what it says is for the colleagues who decide), and of meetings."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort
from flask_babel import gettext
from sqlalchemy.orm import Session

from govservice.definitions.on_change import is_change_step
from govservice.models.base import from_iso
from govservice.queries.tracking import CasePage, Happening, department_at
from govservice.web.access import current_runtime
from govservice.web.appointments import bring_text, hour_text, kind_name, meetings_of, place_of_meeting
from govservice.web.i18n import date_text, text
from govservice.web.words import list_text

Item = dict[str, Any]


def data_told(page: CasePage, happening: Happening) -> Item:
    """What the application rests on has changed, and by whom it was told."""
    catalogue, facts = current_runtime().definitions.catalogue, page.compiled.service.facts
    named = [facts[name].dataset or "" for name in happening.data["facts"] if name in facts]
    codes = dict.fromkeys(code for each in named if (code := catalogue.registry_of(each)) is not None)
    registers = list_text([text(catalogue.registries[code].title) for code in codes])
    words = {
        "settled": gettext("What the register says was taken over: %(registers)s", registers=registers),
        "given": gettext("You gave what was still owed: %(registers)s", registers=registers),
        "found": gettext("A register says something else than your application: %(registers)s", registers=registers),
    }  # fmt: skip
    return {"title": words[happening.data["why"]], **({} if happening.data["why"] == "given" else {"by": ""})}


def consult_told(page: CasePage, happening: Happening) -> Item:
    if is_change_step(happening.data["step"]):
        day = date_text(date.fromisoformat(happening.data["due_on"]))
        who = _department(page, happening)
        return {
            "title": gettext("%(department)s looks at the change, until %(day)s", department=who, day=day),
            "by": "",
        }
    day = date_text(date.fromisoformat(happening.data["due_on"]))
    who = _department(page, happening)
    title = gettext("%(department)s was asked for its opinion, until %(day)s", department=who, day=day)
    return {"title": title, "by": "", "note": gettext("the clock runs on meanwhile")}


def appointment_told(page: CasePage, happening: Happening) -> Item:
    """When the department comes, and whether that was moved."""
    when = hour_text(current_runtime(), page.case, from_iso(happening.data["starts_at"]))
    what = kind_name(happening.data["kind"])
    if any(
        h.type == happening.type and h.token_id == happening.token_id and h.seq < happening.seq for h in page.happenings
    ):
        return {"title": gettext("%(what)s: moved to %(when)s", what=what, when=when)}
    return {"title": gettext("%(what)s: %(when)s", what=what, when=when)}


def meeting_letter(session: Session, page: CasePage, about: Happening | None) -> dict[str, Any]:
    """When and where the department comes, what is to be there, and whether another time may still be chosen."""
    if about is None:
        abort(404)
    made = [h for h in page.happenings if h.type == about.type and h.token_id == about.token_id]
    later = next((h for h in made if h.seq > about.seq), None)
    here = next((m for m in meetings_of(current_runtime(), session, page.case) if m["token"] == about.token_id), None)
    rt = current_runtime()
    return {
        "what": kind_name(about.data["kind"]), "when": hour_text(rt, page.case, from_iso(about.data["starts_at"])),
        "moved": hour_text(rt, page.case, from_iso(later.data["starts_at"])) if later is not None else "",
        "by_system": about.system, "place": place_of_meeting(session, page.case, page.compiled),
        "bring": bring_text(about.data["kind"]), "office": _department(page, about),
        "token": about.token_id if here is not None and later is None else None,
    }  # fmt: skip


def opinion_told(page: CasePage, happening: Happening) -> Item:
    who = _department(page, happening)
    if happening.data.get("deemed"):
        return {"title": gettext("%(department)s gave no opinion in time: that counts as no objection", department=who)}
    return {"title": gettext("%(department)s gave its opinion", department=who)}


def _department(page: CasePage, happening: Happening) -> str:
    return text(department_at(current_runtime().definitions, page.compiled, page.case, happening.data))

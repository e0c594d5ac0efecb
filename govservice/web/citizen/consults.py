"""What the applicant is told of opinions between departments (who was asked and until when, and that the answer came;
what it says is for the colleagues who decide), and of meetings."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext

from govservice.models.base import from_iso
from govservice.queries.tracking import CasePage, Happening, department_at
from govservice.web.access import current_runtime
from govservice.web.appointments import hour_text, kind_name
from govservice.web.i18n import date_text, text

Item = dict[str, Any]


def consult_told(page: CasePage, happening: Happening) -> Item:
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


def opinion_told(page: CasePage, happening: Happening) -> Item:
    who = _department(page, happening)
    if happening.data.get("deemed"):
        return {"title": gettext("%(department)s gave no opinion in time: that counts as no objection", department=who)}
    return {"title": gettext("%(department)s gave its opinion", department=who)}


def _department(page: CasePage, happening: Happening) -> str:
    return text(department_at(current_runtime().definitions, page.compiled, page.case, happening.data))

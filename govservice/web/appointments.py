"""The page on which a time for a meeting is chosen, for the applicant and for the department; what is said of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import redirect, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import HiddenField

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, load_state
from govservice.errors import Forbidden, NotAllowed, NotFound
from govservice.models.base import from_iso, new_id, to_iso
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.operations import appointing
from govservice.operations.runtime import Runtime
from govservice.web.forms_ui import ChoiceField, PortalForm
from govservice.web.i18n import date_text, text
from govservice.web.titles import Titles

HOMES = ("person.address", "org.address")  # where somebody is registered is not where they are met


def kind_name(kind: str) -> str:
    return {"inspection": str(_("Inspection on site"))}.get(kind, kind)


def bring_text(kind: str) -> str:
    """What has to be there when the department comes."""
    inspection = _(
        "Somebody who knows the premises lets the inspectors in. Have the originals of the documents that you sent at "
        "hand. Nothing is to be paid for the visit."
    )
    words = {"inspection": str(inspection)}
    return words.get(kind, "")


def place_of_meeting(session: Session, case: Case, compiled: Compiled) -> str:
    """The address that the application is about; "" where it names none."""
    fields = compiled.service.fields
    answers = read_form(session, case.applicant_id, case.id).answers
    found = (answers.get(name) for name, field in fields.items() if field.type == "address" and name not in HOMES)
    return next((str(value) for value in found if value), "")


def hour_text(rt: Runtime, case: Case, at: datetime) -> str:
    """Thursday 5 March, 09:00 to 10:00, in the hours of the case's area."""
    zone = rt.calendars.for_area(case.area).zone
    begins, ends = at.astimezone(zone), appointing.until(at).astimezone(zone)
    day = date_text(begins.date(), weekday=True)
    return str(_("%(day)s, %(begins)s to %(ends)s", day=day, begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}"))


def days_of(rt: Runtime, case: Case, free: list[datetime]) -> list[dict[str, Any]]:
    """The hours that may be chosen, day by day: {day, hours: (value, words)}."""
    zone = rt.calendars.for_area(case.area).zone
    found: dict[date, list[tuple[str, str]]] = {}
    for at in free:
        begins, ends = at.astimezone(zone), appointing.until(at).astimezone(zone)
        words = _("%(begins)s to %(ends)s", begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}")
        found.setdefault(begins.date(), []).append((to_iso(at), str(words)))
    return [{"day": day, "hours": hours} for day, hours in found.items()]


def meetings_of(rt: Runtime, session: Session, case: Case) -> list[dict[str, Any]]:
    """What meetings the case's present steps ask for: {token, title, kind, when, by}; `when` "" where none is set."""
    state = load_state(session, case.id)
    compiled = rt.definitions.by_sha(case.def_sha)
    known = appointing.appointments_of(session, case.id, list(state.tokens.values()))
    found = []
    for token in state.tokens.values():
        step = compiled.steps.get(token.step)
        if not token.open or step is None or step.appointment is None:
            continue
        made = known.get(token.id)
        found.append({
            "token": token.id, "title": text(step.title), "kind": kind_name(step.appointment),
            "when": hour_text(rt, case, made.starts_at) if made is not None else "",
            "by_system": made is not None and made.made_by == "system",
        })  # fmt: skip
    return found


def page(rt: Runtime, case: Case, actor: Actor, token: int, *, layout: str, back: str, now: datetime,
         more: Mapping[str, Any] | None = None) -> Response | str | tuple[str, int]:  # fmt: skip
    """Shows the free hours, or takes the one that was chosen. Raises NotFound where there is nothing to choose."""
    with rt.read() as session:
        place = appointing.place_of(rt, session, case.id, token)
        if place is None:
            raise NotFound()
        free = appointing.free_hours(rt, session, place, now)
        present = appointing.appointment_of(session, place)
    form = _form([(to_iso(hour), hour_text(rt, case, hour)) for hour in free])
    if form.is_submitted():
        chosen = form["hour"].data
        if not chosen:
            form["hour"].errors = [_("Choose a time")]
        else:
            try:
                at, idem = from_iso(chosen), form["idem"].data or new_id()
                appointing.choose(rt, actor, case.id, token, at, idem=idem, now=now)
                return redirect(back, 303)
            except ValueError:
                form["hour"].errors = [_("Choose a time")]
            except (NotAllowed, Forbidden) as refused:
                form["hour"].errors = [_(refused.message)]
    if not form["idem"].data:
        form["idem"].data = new_id()
    step = rt.definitions.by_sha(case.def_sha).steps.get(load_step(rt, case, token))
    shown = render_template(
        "layouts/appointment.html", layout=layout, form=form, case=case, back=back, kind=kind_name(place.kind),
        title_of_step=text(step.title) if step is not None else "", none=not free,
        days=days_of(rt, case, free),
        present=hour_text(rt, case, present.starts_at) if present is not None else "",
        **({**Titles(rt).for_templates(), **(more or {})}),
    )  # fmt: skip
    return (shown, 409 if form["hour"].data else 422) if form["hour"].errors else shown


def load_step(rt: Runtime, case: Case, token: int) -> str:
    with rt.read() as session:
        return load_state(session, case.id).tokens[token].step


def _form(choices: list[tuple[str, str]]) -> PortalForm:
    class AppointmentForm(PortalForm):
        idem = HiddenField()

    AppointmentForm.hour = ChoiceField(lazy_gettext("Free times"), choices=choices)
    return AppointmentForm()

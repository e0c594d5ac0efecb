"""Acting on a case: the page of one action, the act itself, and the page for whoever was not the first."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from govservice.engine import Actor, Applied
from govservice.errors import N_, Forbidden, LostRace, NotAllowed, NotFound, PortalError, Stale
from govservice.models.base import new_id
from govservice.operations import deciding
from govservice.operations.runtime import Runtime
from govservice.web import ad_hoc, appointments
from govservice.web.access import audience, current_runtime
from govservice.web.clerk.access import Opened, clerk, open_case, weigh_case
from govservice.web.clerk.acting import Filled, act_form, expected_of, read, whole
from govservice.web.clerk.blueprint import blueprint
from govservice.web.clerk.casepage import applicant_of
from govservice.web.clerk.cases import after, record_read
from govservice.web.clerk.desk import Desk, about_of, conflict_of, desk_of, not_sent, tried, typed_by
from govservice.web.clerk.held import held_up
from govservice.web.clerk.typed import of_token, typed_in
from govservice.web.forms_ui import PortalForm

Answer = str | Response | tuple[str, int]
OPENS = "_open"  # names the button that only opens the page of an action
FIRST = (Stale, NotAllowed, Forbidden, LostRace)  # somebody was first, or it may not be


@blueprint.route("/cases/<number>/<int:token>/<action>", methods=["GET", "POST"])
@audience("clerk", uploads=True)
def act(number: str, token: int, action: str) -> Answer:
    """The page of one action (opened by a link, or by a button that brings along what was typed), and the act itself.
    A fault shows it again with what was typed; who was not the first learns who was, and keeps the words."""
    rt, actor = current_runtime(), clerk()
    weigh_case(rt, actor, number)
    with rt.read() as session:
        opened = open_case(session, actor, number)
        desk = desk_of(rt, session, opened, actor, token, action)
    form = act_form(desk.edges, desk.items, of_token(request.form, token) if request.method == "POST" else None)
    if request.method == "GET" or OPENS in request.form:
        if OPENS in request.form:  # from the page of the case, with the opinion that was typed there
            form.idem.data = None
        return _asked(rt, actor, desk, form)
    expected = expected_of(form)
    filled = read(form, desk.needs, desk.edges, desk.items, rt.settings.max_upload_mb)
    if filled.errors and desk.possible and desk.is_current(expected):
        for name, sentence in filled.errors.items():
            form[name].errors = [sentence]
        return _act_page(rt, actor, desk, form), 422
    try:
        applied = deciding.act(
            rt, actor, opened.case.id, token, action, expected=expected, idem=form.idem.data or new_id(),
            now=rt.now(), reason=filled.reason, items=filled.items, opinion=filled.opinion,
            attachments=filled.attachments, length=filled.length,
        )  # fmt: skip
    except FIRST as fault:
        return _conflict(rt, actor, opened, token, fault, desk, filled)
    return after(rt, actor, number, _what_came(applied, token), typed_in(request.form).without_opinion(token))


def _what_came(applied: Applied, token: int) -> str:
    if applied.state.outcome not in (None, "granted") and any(e.type == "case.closed" for e in applied.events):
        return "ended"
    if any(e.type == "consult.opened" for e in applied.events):
        return "consulted"
    stands = applied.state.tokens.get(token)
    waits = stands.waits_for if stands is not None else None
    return {"second_person": "first", "correction_notice": "asked", "correction": "waits"}.get(waits or "", "moved")


def _asked(rt: Runtime, actor: Actor, desk: Desk, form: PortalForm) -> Answer:
    """The empty page of the action, or why there is none."""
    if desk.offer is None:
        fault: PortalError = NotAllowed(N_("This step was finished before you."))
        return _conflict(rt, actor, desk.opened, desk.token_id, fault, desk)
    if desk.offer.why_not is not None:
        fault = NotAllowed(desk.offer.why_not.message, **desk.offer.why_not.facts)
        return _conflict(rt, actor, desk.opened, desk.token_id, fault, desk)
    if not form.idem.data:  # else the language was switched: it is still the page that was opened before
        form.idem.data, form.token_version.data = new_id(), str(desk.state.tokens[desk.token_id].version)
        form.data_rev.data, form.seen.data = str(desk.state.data_rev), str(desk.state.seq)
    return _act_page(rt, actor, desk, form)


def _act_page(rt: Runtime, actor: Actor, desk: Desk, form: PortalForm) -> str:
    _record_name(rt, actor, desk.opened, desk.person_id)
    token = desk.state.tokens[desk.token_id]
    first = desk.names.get(token.confirmed[1]) if token.confirmed and desk.offer and desk.offer.second else None
    return render_template(
        "clerk/act.html", case=desk.opened.case, compiled=desk.compiled, offer=desk.offer, items=desk.items, form=form,
        applicant=desk.applicant, first=first, about=about_of(desk), again=desk.asks_again,
    )  # fmt: skip


def _record_name(rt: Runtime, actor: Actor, opened: Opened, person_id: str | None) -> None:
    """The page says a person's name: that is a read. An organisation's name is public."""
    if person_id is not None:
        with rt.write() as session:
            record_read(session, actor, opened, ["person.name"], "task", rt.now())


def _conflict(
    rt: Runtime, actor: Actor, opened: Opened, token: int, fault: PortalError, desk: Desk | None = None,
    filled: Filled | None = None, label: str = "",
) -> tuple[str, int]:  # fmt: skip
    """409: what happened since the page was opened (who, what, when), and everything that was typed."""
    typed = typed_by(desk, filled.reason, filled.opinion, filled.items) if desk and filled else []
    typed += not_sent(typed_in(request.form), token if desk and filled else None)
    seen = whole(request.form.get("seen"))
    with rt.read() as session:
        shown = conflict_of(rt, session, opened, token, fault, seen, typed)
        applicant, person = applicant_of(session, opened.case)
        held = held_up(rt, session, opened, fault)
    _record_name(rt, actor, opened, person)
    files = bool(filled and filled.attachments)
    page = render_template(
        "clerk/conflict.html", case=opened.case, applicant=applicant, conflict=shown, files=files, held=held,
        label=tried(desk, seen) if desk else label,
    )  # fmt: skip
    return page, 409


@blueprint.route("/cases/<number>/<int:token>/@assign", methods=["GET", "POST"])
@audience("clerk")
def assign(number: str, token: int) -> Answer:
    """The lead of a parallel step gives a branch's task to somebody."""
    return _ad_hoc(number, token, "assign")


@blueprint.route("/cases/<number>/<int:token>/@cancel", methods=["GET", "POST"])
@audience("clerk")
def take_back(number: str, token: int) -> Answer:
    """Whoever asked another department takes the question back."""
    return _ad_hoc(number, token, "cancel")


@blueprint.route("/cases/<number>/<int:token>/@appoint", methods=["GET", "POST"])
@audience("clerk")
def appoint(number: str, token: int) -> Answer:
    """The department sets or moves the time of a meeting."""
    rt, actor = current_runtime(), clerk()
    weigh_case(rt, actor, number)
    with rt.read() as session:
        opened = open_case(session, actor, number)
        if token not in {task.token_id for task in opened.tasks}:
            raise NotFound()
    back = url_for("clerk.case", number=number)
    return appointments.page(rt, opened.case, actor, token, layout="layouts/staff.html", back=back, now=rt.now())


def _ad_hoc(number: str, token: int, act: str) -> Answer:
    rt, actor = current_runtime(), clerk()
    weigh_case(rt, actor, number)
    with rt.read() as session:
        opened = open_case(session, actor, number)
        back, done = url_for("clerk.case", number=number), url_for("clerk.case", number=number, done="recorded")
        return ad_hoc.page(rt, session, opened.case, actor, token, act, desk="clerk", back=back, done=done)


@blueprint.post("/cases/<number>/<int:token>/claim")
@audience("clerk")
def claim(number: str, token: int) -> Answer:
    """Takes the task and opens the case."""
    return _simply(number, token, deciding.claim, "claim")


@blueprint.post("/cases/<number>/<int:token>/release")
@audience("clerk")
def release(number: str, token: int) -> Answer:
    """Puts the task back into the department's list."""
    return _simply(number, token, deciding.release, "release")


def _simply(number: str, token: int, do: Callable[..., Applied], name: str) -> Answer:
    """The page that sends this has one key for all its buttons; each act makes its own of it."""
    rt, actor = current_runtime(), clerk()
    weigh_case(rt, actor, number)
    with rt.read() as session:
        opened = open_case(session, actor, number)
    idem = f"{request.form.get('idem') or new_id()}:{name}:{token}"
    try:
        do(rt, actor, opened.case.id, token, idem=idem, now=rt.now())
    except FIRST as fault:
        wanted = {"claim": _("Claim this task"), "release": _("Give the task back")}[name]
        return _conflict(rt, actor, opened, token, fault, label=str(wanted))
    typed = typed_in(request.form)
    if name == "release" and not typed:
        return redirect(url_for("clerk.worklist"))
    return after(rt, actor, number, "" if name == "claim" else "released", typed)

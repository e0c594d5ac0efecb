"""The page of a case, acting on it, its notes and files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from flask import make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, CaseState, Offer
from govservice.errors import NotAllowed, NotFound
from govservice.exchange.accesses import Read, record_reads
from govservice.models.base import new_id
from govservice.models.casedata import read_form
from govservice.operations import deciding
from govservice.operations.files import content_of
from govservice.web.access import audience, case_file, current_runtime
from govservice.web.clerk import casepage
from govservice.web.clerk.access import Opened, clerk, open_case
from govservice.web.clerk.acting import Item, act_form, expected_of, items_of, read
from govservice.web.clerk.blueprint import blueprint, helpers
from govservice.web.clerk.casefile import may_see, parts_read
from govservice.web.forms_ui import PortalForm
from govservice.web.words import MASKED


@blueprint.get("/cases/<number>")
@audience("clerk")
def case(number: str) -> str:
    """Everything for the decision on one page; opening it is a read that the applicant sees."""
    rt, actor = current_runtime(), clerk()
    now = rt.now()
    with rt.write() as session:
        opened = open_case(session, actor, number)
        page = casepage.build(rt, session, opened, actor, now)
        _record_read(session, actor, opened, page, now)
    values = {name: getattr(page, name) for name in page.__dataclass_fields__}
    return render_template(
        "clerk/case.html", masked_names=MASKED, days_left=casepage.days_left(rt, page.case, now),
        notice=_done_words(request.args.get("done")), **values, **helpers(rt),
    )  # fmt: skip


def _record_read(session: Session, actor: Actor, opened: Opened, page: casepage.Page, now: datetime) -> None:
    task = opened.tasks[0]
    read_ = Read(opened.case.applicant_id, opened.case.id, page.file.seen, "task")
    record_reads(session, actor.id, task.role, task.department_id, [read_], now)


def _done_words(done: str | None) -> str:
    words = {"moved": _("Done. The case has moved on."), "first": _("Done. A second person must confirm it.")}
    return str(words.get(done or "", ""))


@blueprint.route("/cases/<number>/<int:token>/<action>", methods=["GET", "POST"])
@audience("clerk", uploads=True)
def act(number: str, token: int, action: str) -> str | Response | tuple[str, int]:
    """The page of one action, and the act itself. A fault of the form shows it again with what was typed; a race
    that was lost becomes the page that says what happened and keeps the words (`web/errors.py`)."""
    rt, actor = current_runtime(), clerk()
    now = rt.now()
    with rt.read() as session:
        opened = open_case(session, actor, number)
        compiled = rt.definitions.by_sha(opened.case.def_sha)
        state, offers = casepage.offers_of(rt, session, opened.case, actor)
        applicant, _person = casepage.applicant_of(session, opened.case)
        answers = read_form(session, opened.case.applicant_id, opened.case.id, opened.case.data_rev)
        names = casepage.names_in(session, state)
    offer = next((o for o in offers if o.token_id == token and o.action == action), None)
    if offer is None:
        raise _gone(opened, token)
    if offer.why_not is not None and request.method == "GET":
        raise NotAllowed(offer.why_not.message, **offer.why_not.facts)
    present = {**{n: s for n, s in answers.sources.items() if s == "you"}, **answers.materials}
    items = items_of(compiled, parts_read(compiled, opened.steps), present)
    form = act_form(offer, items)
    if request.method == "GET":
        form.idem.data, form.token_version.data = new_id(), str(state.tokens[token].version)
        form.data_rev.data = str(state.data_rev)
        return _act_page(opened, compiled, offer, items, form, applicant, state, names)
    filled = read(form, offer, items, rt.settings.max_upload_mb)
    if filled.errors and offer.why_not is None:
        for name, sentence in filled.errors.items():
            form[name].errors = [sentence]
        return _act_page(opened, compiled, offer, items, form, applicant, state, names), 422
    applied = deciding.act(
        rt, actor, opened.case.id, token, action, expected=expected_of(form), idem=form.idem.data or new_id(), now=now,
        reason=filled.reason, items=filled.items, opinion=filled.opinion, attachments=filled.attachments,
    )  # fmt: skip
    waits = token in applied.state.tokens and applied.state.tokens[token].waits_for == "second_person"
    return redirect(url_for("clerk.case", number=number, done="first" if waits else "moved"))


def _gone(opened: Opened, token: int) -> Exception:
    """Somebody was first, where the clerk's role had this task; else there was never anything here."""
    if any(t.token_id == token for t in opened.tasks):
        return NotAllowed("This step was finished before you.", case_id=opened.case.id)
    return NotFound()


def _act_page(
    opened: Opened, compiled: Compiled, offer: Offer, items: list[Item], form: PortalForm, applicant: str,
    state: CaseState, names: Mapping[str, Mapping[str, str]],
) -> str:  # fmt: skip
    confirmed = state.tokens[offer.token_id].confirmed
    return render_template(
        "clerk/act.html", case=opened.case, compiled=compiled, offer=offer, items=items, form=form, applicant=applicant,
        first=names.get(confirmed[1]) if confirmed and offer.second else None,
    )  # fmt: skip


@blueprint.post("/cases/<number>/notes")
@audience("clerk")
def note(number: str) -> Response:
    """Keeps an internal note; an empty one is no note."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        opened = open_case(session, actor, number)
    words = (request.form.get("text") or "").strip()
    if words:
        deciding.add_note(rt, actor, opened.case.id, opened.departments[0], words, now=rt.now())
    return redirect(url_for("clerk.case", number=number))


@blueprint.get("/files/<file_id>")
@audience("clerk")
def file(file_id: str) -> Response:
    """A file of a case, if the clerk's step reads it: download only, and a read that the applicant sees."""
    rt, actor = current_runtime(), clerk()
    with rt.write() as session:
        found, its_case = case_file(file_id, session)
        opened = open_case(session, actor, its_case.number)
        compiled = rt.definitions.by_sha(its_case.def_sha)
        parts = parts_read(compiled, opened.steps)
        seen = may_see(compiled, parts, found.slot) if found.kind == "material" else parts is None
        if not seen:
            raise NotFound()
        name, content = content_of(session, rt.storage, found)
        task = opened.tasks[0]
        reads = [Read(its_case.applicant_id, its_case.id, [found.slot], "download")]
        record_reads(session, actor.id, task.role, task.department_id, reads, rt.now())
    response = make_response(content)
    response.headers["Content-Type"] = found.mime
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response

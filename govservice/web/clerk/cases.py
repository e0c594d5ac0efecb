"""The page of a case, its notes and files."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from flask import make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor
from govservice.errors import NotFound
from govservice.exchange.accesses import Purpose, Read, record_reads
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.operations import deciding
from govservice.operations.files import content_of
from govservice.operations.runtime import Runtime
from govservice.queries.sight import sent_files, sight_of
from govservice.web.access import audience, case_file, current_runtime
from govservice.web.clerk import casepage, relied
from govservice.web.clerk.access import Opened, clerk, open_case, weigh_case
from govservice.web.clerk.blueprint import blueprint, helpers
from govservice.web.clerk.typed import NOTHING, Typed, typed_in
from govservice.web.language import switched_in_place
from govservice.web.timeline import outcome_name


@blueprint.get("/cases/<number>")
@audience("clerk")
def case(number: str) -> str:
    """Everything for the decision on one page; opening it is a read that the applicant sees."""
    rt, actor = current_runtime(), clerk()
    typed = typed_in(request.form) if switched_in_place() else NOTHING
    return case_page(rt, actor, number, request.args.get("done"), typed)


def case_page(
    rt: Runtime, actor: Actor, number: str, done: str | None = "", typed: Typed = NOTHING, note_error: str = ""
) -> str:  # fmt: skip
    """The page as it stands now, with what was typed on it before and not sent."""
    now = rt.now()
    weigh_case(rt, actor, number)
    with rt.read() as session:
        opened = open_case(session, actor, number)
        page = casepage.build(rt, session, opened, actor, now)
        registers = relied.relied_of(rt, session, opened, sight_of(page.compiled, opened.steps))
    with rt.write() as session:  # before anything is shown: no record, no page
        record_read(session, actor, opened, page.file.seen, "task", now)
    values = {name: getattr(page, name) for name in page.__dataclass_fields__}
    return render_template(
        "clerk/case.html", masked_names=masked(rt, page.compiled), typed=typed, note_error=note_error,
        left=casepage.time_left(rt, page.case, now), relied=registers, notice=_done_words(done, page.case),
        **values, **helpers(rt),
    )  # fmt: skip


def masked(rt: Runtime, compiled: Compiled) -> frozenset[str]:
    """Values that are shown without their middle: people's numbers, of those too who are asked to agree."""
    asked = {b.person for block in compiled.blocks.values() for b in block.branches if b.person is not None}
    return frozenset(rt.definitions.catalogue.masked) | asked


def after(rt: Runtime, actor: Actor, number: str, done: str, typed: Typed) -> Response | str:
    """Where an act leads: the page of the case; at once where something was typed on it that was not sent."""
    if typed:
        return case_page(rt, actor, number, done, typed)
    return redirect(url_for("clerk.case", number=number, done=done or None))


def record_read(
    session: Session, actor: Actor, opened: Opened, what: list[str], purpose: Purpose, now: datetime
) -> None:
    """A row that the applicant sees, in the role that gives the clerk the case."""
    task = opened.tasks[0]
    read = Read(opened.case.applicant_id, opened.case.id, what, purpose)
    record_reads(session, actor.id, task.role, task.department_id, [read], now)


def _done_words(done: str | None, case: Case) -> str:
    """What came of the act; how the case ended, where the act ended it without a grant."""
    if done == "ended" and case.status == "closed":
        return str(_("The case is closed: %(outcome)s.", outcome=outcome_name(case.outcome or "")))
    words = {
        "moved": _("Done. The case has moved on."),
        "first": _("Done. A second person must confirm it."),
        "asked": _("Done. The request for a correction is kept."),
        "waits": _("Done. The applicant has been told and the case waits for their answer."),
        "recorded": _("Done. It is recorded with the case."),
        "consulted": _("Done. The departments have been asked."),
        "note": _("The note is kept."),
        "settled": _("Recorded. The decision can go on."),
        "checked": _("The registers were asked again."),
        "young": _("The registers were asked less than half a minute ago. Their answer is shown."),
        "released": _("Done. The task is back in the list of your department."),
    }
    return str(words.get(done or "", ""))


@blueprint.post("/cases/<number>/notes")
@audience("clerk")
def note(number: str) -> Response | str | tuple[str, int]:
    """Keeps an internal note; an empty one is no note, and the same form sent twice keeps one."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        opened = open_case(session, actor, number)
    typed = typed_in(request.form)
    words = typed.note.strip()
    if len(words) > deciding.MAX_TEXT:
        fault = _("Write at most %(n)s characters", n=deciding.MAX_TEXT)
        return case_page(rt, actor, number, typed=typed, note_error=str(fault)), 422
    if words:
        idem = request.form.get("idem") or new_id()
        deciding.add_note(rt, actor, opened.case.id, opened.departments[0], words, idem=idem, now=rt.now())
    return after(rt, actor, number, "note" if words else "", typed.without_note())


@blueprint.get("/files/<file_id>")
@audience("clerk")
def file(file_id: str) -> Response:
    """A file of a case, if the clerk's step reads it: download only, and a read that the applicant sees."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        found, its_case = case_file(file_id, session)
        opened = open_case(session, actor, its_case.number)
        sight = sight_of(rt.definitions.by_sha(its_case.def_sha), opened.steps)
        if not sight.sees_file(found, sent_files(session, its_case)):
            raise NotFound()
        name, content = content_of(session, rt.storage, found)
    with rt.write() as session:
        record_read(session, actor, opened, [found.slot], "download", rt.now())
    return download(name, found.mime, content)


def download(name: str, mime: str, content: bytes) -> Response:
    """A file that somebody gave: never shown inside the portal, never run (RFC 6266 for its name)."""
    response = make_response(content)
    response.headers["Content-Type"] = mime
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response

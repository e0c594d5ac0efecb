"""Documents: choose a file, remove it, replace it. Plain multipart forms; the server judges the content."""

from __future__ import annotations

import hashlib
from io import BytesIO

from flask import abort, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from govservice.errors import Invalid, NotAllowed, PortalError, TooLarge
from govservice.operations import filing as operations
from govservice.operations import reusing
from govservice.operations.files import content_of
from govservice.web.access import audience, case_file, current_actor, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, filing_of, known_items, not_a_draft, record_fellow_read
from govservice.web.citizen.items import back_href, next_href
from govservice.web.citizen.promised import instead_of


@blueprint.route("/my/cases/<number>/documents/<slot>", methods=["GET", "POST"])
@audience("citizen", uploads=True)
def upload(number: str, slot: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    if (elsewhere := not_a_draft(filing)) is not None:
        return elsewhere
    if slot not in filing.compiled.service.materials:
        abort(404)
    if slot not in filing.slots.materials:
        return redirect(next_href(filing), 303)
    if request.method == "GET":
        return upload_page(filing, slot, "")
    given = [f for f in request.files.getlist("file") if f.filename]
    go_on = request.form.get("then") != "stay"
    if not given and go_on and _may_go_on(filing, slot):
        return redirect(next_href(filing, slot), 303)
    problem = attach_all(filing, slot, given) if given else gettext("Choose a file")
    if problem:
        return upload_page(filing_of(number), slot, problem), 422
    fresh = filing_of(number)
    return redirect(next_href(fresh, slot) if go_on else url_for("citizen.upload", number=number, slot=slot), 303)


def _may_go_on(filing: Filing, slot: str) -> bool:
    """Without a file: one is there, something stands instead of it, or it is not needed."""
    promised = slot in filing.form.pledges or slot in filing.form.deferred
    return promised or bool(filing.files.get(slot)) or not filing.compiled.service.materials[slot].required


def attach_all(filing: Filing, slot: str, given: list[FileStorage]) -> str:
    """Stores the files; "" or the sentence about the first that cannot be taken. The same file again is not stored
    twice: a form sent twice leaves one."""
    held = {row.sha256 for row in filing.files.get(slot, ())}
    for file in given:
        content = file.read()
        if hashlib.sha256(content).hexdigest() in held:
            continue
        try:
            operations.attach(filing.rt, filing.actor, filing.case.id, slot, file.filename or "", content, now=now())
        except (Invalid, TooLarge, NotAllowed) as error:
            return problem_of(error, slot)
        held.add(hashlib.sha256(content).hexdigest())
    return ""


def problem_of(error: PortalError, slot: str) -> str:
    """The error's sentence in the reader's language."""
    message = error.fields.get(slot, error.message) if isinstance(error, Invalid) else error.message
    return str(gettext(message, **{k: v for k, v in error.facts.items() if isinstance(v, (str, int))}))


def upload_page(filing: Filing, slot: str, problem: str, about: str = "file") -> str:
    """`about`: id of the input that the problem is about."""
    return render_template(
        "citizen/upload.html",
        filing=filing,
        slot=slot,
        material=filing.compiled.service.materials[slot],
        files=filing.files.get(slot, ()),
        problem=problem,
        about=about,
        instead=instead_of(filing, slot),
        papers=_papers(filing, slot),
        back=back_href(filing, slot),
        known=known_items(filing),
    )


def _papers(filing: Filing, slot: str) -> list[reusing.Paper]:
    with filing.rt.read() as session:
        return reusing.papers_for(filing.rt, session, filing.actor, filing.case, slot, filing.form, now())


@blueprint.post("/my/cases/<number>/documents/<slot>/before")
@audience("citizen")
def from_before(number: str, slot: str) -> Response | tuple[str, int]:
    """A document given before is used once more."""
    filing = filing_of(number)
    if filing.case.status == "draft" and slot in filing.slots.materials:
        try:
            reusing.take_paper(filing.rt, filing.actor, filing.case.id, slot, request.form.get("file", ""), now=now())
        except TooLarge as full:
            return upload_page(filing, slot, problem_of(full, slot)), 422
    return redirect(url_for("citizen.upload", number=number, slot=slot), 303)


@blueprint.post("/my/cases/<number>/documents/<slot>/remove")
@audience("citizen")
def remove(number: str, slot: str) -> Response:
    filing = filing_of(number)
    if request.form.get("file") in {row.id for row in filing.files.get(slot, ())}:
        operations.detach(filing.rt, filing.actor, filing.case.id, request.form["file"], now=now())
    if filing.case.status != "draft":
        return redirect(url_for("citizen.correct", number=number), 303)
    return redirect(url_for("citizen.upload", number=number, slot=slot), 303)


@blueprint.get("/my/files/<file_id>")
@audience("citizen")
def download(file_id: str) -> Response:
    """A file as it was given, for download only: never shown inside a page."""
    rt = current_runtime()
    with rt.read() as session:
        file, case = case_file(file_id, session)
        name, content = content_of(session, rt.storage, file)
        mime = file.mime
    actor = current_actor()
    assert actor is not None  # the audience of this view
    record_fellow_read(rt, actor, case, [file.slot], "download")
    answer = send_file(BytesIO(content), mimetype=mime, as_attachment=True, download_name=name, max_age=0)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer

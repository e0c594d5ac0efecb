"""Pages of versions: a list, one service, one proposal with what differs and what the checks found, moving cases.

A designer proposes; a designer or a supervisor decides, never the same person. What does not hold is shown with its
findings and changes nothing.
"""

from __future__ import annotations

from itertools import islice

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.definitions.findings import DefinitionError
from govservice.definitions.reader import MAX_BYTES
from govservice.engine import Actor
from govservice.errors import Missing, NotFound
from govservice.models.versions import Proposal
from govservice.operations import migrating, proposing
from govservice.operations.publishing import changed_files
from govservice.operations.runtime import Runtime
from govservice.queries.names import staff_names
from govservice.queries.versions import VersionLine, proposal_lines, version_lines
from govservice.web.access import audience, current_actor, current_runtime
from govservice.web.forms_ui import PortalForm, TextField
from govservice.web.titles import Titles

blueprint = Blueprint("designer", __name__, url_prefix="/designer", template_folder=None)
Answer = str | Response | tuple[str, int]
SHOWN = 200  # cases of a dry run that are listed


def actor() -> Actor:
    found = current_actor()
    if found is None:
        raise NotFound()
    return found


@blueprint.get("/")
@audience("designer", "supervisor")
def services() -> str:
    """Every service with its version in force, running cases and what waits."""
    return _list()


def _list(findings: DefinitionError | None = None, *, no_file: bool = False) -> str:
    """The page, with what was wrong with a proposal: its findings, or that no file (or too large a one) came."""
    rt = current_runtime()
    with rt.read() as session:
        lines = version_lines(session)
        waiting = [p for p in proposal_lines(session) if p.status == "open"]
        changed = [code for code in changed_files(rt, session) if code not in {p.service for p in waiting}]
        names = staff_names(session, [p.proposed_by for p in waiting])
    return render_template(
        "designer/services.html", in_force=[line for line in lines if line.status == "published"],
        older=_on_older(lines),
        waiting=waiting, changed=changed, names=names, designs=_designs(),
        findings=findings.findings if findings else (), no_file=no_file, **Titles(rt).for_templates(),
    )  # fmt: skip


def _on_older(lines: list[VersionLine]) -> dict[str, int]:
    """Running cases of each service that a version not in force any more still holds."""
    found = dict.fromkeys((line.service for line in lines), 0)
    for line in lines:
        found[line.service] += line.running if line.status != "published" else 0
    return found


def _designs() -> bool:
    return any(role == "designer" for role, _ in actor().roles)


@blueprint.post("/propose")
@audience("designer", uploads=True)
def propose_upload() -> Answer:
    """Proposes the definition in an uploaded file."""
    given = request.files.get("file")
    raw = given.stream.read(MAX_BYTES + 1) if given is not None else b""
    if not raw or len(raw) > MAX_BYTES:
        return _list(no_file=True), 422
    return _propose(raw.decode("utf-8", "replace"), "definition.yaml")


@blueprint.post("/<code>/propose")
@audience("designer")
def propose_file(code: str) -> Answer:
    """Proposes what the file of a service says."""
    definitions = current_runtime().definitions
    if code not in definitions.drafts():
        raise NotFound()
    return _propose(definitions.source_of(code), f"{code}.yaml")


def _propose(text: str, name: str) -> Answer:
    rt = current_runtime()
    try:
        id = proposing.propose(rt, actor(), text, name, now=rt.now())
    except DefinitionError as refused:
        return _list(refused), 422
    return redirect(url_for("designer.proposal", id=id), 303)


@blueprint.get("/services/<code>")
@audience("designer", "supervisor")
def service(code: str) -> str:
    """One service: its versions and every proposal there was."""
    rt = current_runtime()
    with rt.read() as session:
        lines, proposals = version_lines(session, code), proposal_lines(session, code)
        if not lines and not proposals:
            raise NotFound()
        people = [*(line.published_by for line in lines), *(p.proposed_by for p in proposals)]
        names = staff_names(session, [*people, *(p.decided_by for p in proposals if p.decided_by)])
    return render_template(
        "designer/service.html", code=code, lines=lines, proposals=proposals, names=names, designs=_designs(),
        in_force=next((line.number for line in lines if line.status == "published"), None),
        waits=any(p.status == "open" for p in proposals), **Titles(rt).for_templates(),
    )  # fmt: skip


@blueprint.post("/services/<code>/back/<int:version>")
@audience("designer")
def back(code: str, version: int) -> Answer:
    """Proposes to go back to an older version."""
    rt = current_runtime()
    id = proposing.propose_back(rt, actor(), code, version, now=rt.now())
    return redirect(url_for("designer.proposal", id=id), 303)


@blueprint.get("/proposals/<id>")
@audience("designer", "supervisor")
def proposal(id: str) -> str:
    """What differs, what the checks find now, and the two buttons."""
    return _proposal(id)


class ReasonForm(PortalForm):
    """Why a proposal is not put in force."""

    reason = TextField(lazy_gettext("Reason"), ui={})


def _proposal(id: str, refused: DefinitionError | None = None, form: ReasonForm | None = None) -> str:
    rt = current_runtime()
    with rt.read() as session:
        row = _row(session, id)
        review = proposing.review(rt, session, row.source_yaml, f"{row.service}.yaml", rt.now())
        names = staff_names(session, [row.proposed_by, row.decided_by or ""])
        line = next(p for p in proposal_lines(session, row.service) if p.id == id)
    return render_template(
        "designer/proposal.html", p=line, review=review, names=names, mine=row.proposed_by == actor().id,
        refused=refused.findings if refused else (), form=form or ReasonForm(), **Titles(rt).for_templates(),
    )  # fmt: skip


def _row(session: Session, id: str) -> Proposal:
    row = session.get(Proposal, id)
    if row is None:
        raise NotFound()
    return row


@blueprint.post("/proposals/<id>/approve")
@audience("designer", "supervisor")
def approve(id: str) -> Answer:
    """The second person puts it in force."""
    rt = current_runtime()
    with rt.read() as session:
        code = _row(session, id).service
    try:
        proposing.approve(rt, actor(), id, now=rt.now())
    except DefinitionError as refused:
        return _proposal(id, refused), 422
    return redirect(url_for("designer.service", code=code), 303)


@blueprint.post("/proposals/<id>/refuse")
@audience("designer", "supervisor")
def refuse(id: str) -> Answer:
    """The second person refuses it, or whoever proposed it takes it back; with a reason."""
    rt, form = current_runtime(), ReasonForm()
    try:
        proposing.refuse(rt, actor(), id, form.reason.data or "", now=rt.now())
    except Missing:
        form.reason.errors = [gettext("Write the reason")]
        return _proposal(id, form=form), 422
    return redirect(url_for("designer.proposal", id=id), 303)


@blueprint.route("/services/<code>/move/<int:version>", methods=["GET", "POST"])
@audience("designer")
def move(code: str, version: int) -> Answer:
    """Running cases of an older version: which would move to the version in force, and why the others would not."""
    rt = current_runtime()
    with rt.read() as session:
        lines = version_lines(session, code)
    in_force = next((line.number for line in lines if line.status == "published"), None)
    if in_force is None or version not in {line.number for line in lines}:
        raise NotFound()
    try:
        way = migrating.route(rt, code, version, in_force)
    except DefinitionError as refused:
        return _moved(rt, code, version, in_force, [], refused), 422
    if request.method == "POST":
        done = list(migrating.migrate(rt, actor(), way, now=rt.now()))
        return _moved(rt, code, version, in_force, done, moved=True)
    return _moved(rt, code, version, in_force, list(migrating.dry_run(rt, way, now=rt.now())))


def _moved(
    rt: Runtime, code: str, old: int, new: int, results: list[migrating.Moved],
    refused: DefinitionError | None = None, *, moved: bool = False,
) -> str:  # fmt: skip
    stay = [m for m in results if m.reasons]
    rows = [
        {"number": m.number, "why": " ".join(gettext(r.message) % r.facts for r in m.reasons)}
        for m in islice(stay, SHOWN)
    ]
    return render_template(
        "designer/move.html", code=code, old=old, new=new, goes=len(results) - len(stay), stay=len(stay), rows=rows,
        moved=moved, findings=refused.findings if refused else (), **Titles(rt).for_templates(),
    )  # fmt: skip

"""What somebody else's application asks of this person: the other parent confirms, an adult of the household consents.

The person sees who asks, for what, and only the answers that the branch reads; each look is a read that the applicant
sees.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.definitions.compiled import Compiled
from govservice.engine import Expected
from govservice.errors import Forbidden, Missing, NotAllowed, Stale
from govservice.exchange.accesses import Read, record_reads
from govservice.exchange.conditional import unneeded
from govservice.exchange.consents import agreement, wants_consent
from govservice.models.casedata import read_form
from govservice.models.personal import read_person
from govservice.operations import deciding
from govservice.queries import asked as queries
from govservice.web.access import asked_part, audience, current_actor, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import ASKED, idem_of, new_idem
from govservice.web.forms_ui import MAX_REASON
from govservice.web.i18n import text
from govservice.web.words import answer_text


@blueprint.route("/my/requests/<number>", methods=["GET", "POST"])
@audience("citizen")
def asked(number: str) -> str | Response | tuple[str, int]:
    if request.method == "GET":
        return _page(number)
    actor, rt = current_actor(), current_runtime()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        case, token = asked_part(number, session)
    version = request.form.get("token_version", "")
    try:
        deciding.act(
            rt, actor, case.id, token.id, request.form.get("action", ""),
            expected=Expected(int(version) if version.isdigit() and len(version) < 10 else None),
            idem=idem_of(request.form.get("idem")), now=now(), reason=request.form.get("reason", "")[:MAX_REASON],
        )  # fmt: skip
    except Missing:
        return _page(number, error=gettext("Write the reason")), 422
    except (NotAllowed, Stale, Forbidden):
        return _page(number, error=gettext("This can no longer be answered. Here is how it stands.")), 409
    return redirect(url_for("citizen.asked", number=number), 303)


def _page(number: str, error: str = "") -> str:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None
    with rt.read() as session:
        case, token = asked_part(number, session)
        compiled = rt.definitions.by_sha(case.def_sha)
        branch = queries.branch_at(compiled, token.scope)
        open = queries.is_open(compiled, token)
        form = read_form(session, case.applicant_id, case.id, case.data_rev)
        names = queries.concerned(compiled, branch, form)
        applicant = read_person(session, case.applicant_id)
        answer_by = queries.answer_by(session, token) if open else None
    if actor.person_id != case.applicant_id:
        with rt.write() as session:
            read = Read(case.applicant_id, case.id, ["person.name", *names], "task")
            record_reads(session, actor.id, ASKED, None, [read], now())
    fields, catalogue = compiled.service.fields, rt.definitions.catalogue
    return render_template(
        "citizen/asked.html", number=number, service=compiled.service, branch=branch, open=open, error=error,
        who=applicant.name if applicant else "", answer_by=answer_by, token_version=token.version, idem=new_idem(),
        rows=[
            {"key": fields[name].label, "value": answer_text(fields[name], form.answers[name], catalogue, name)}
            for name in names
        ],
        registers=_registers(compiled, unneeded(compiled, form)),
        actions=queries.actions_at(compiled, token) if open else [],
        answer=queries.answer_of(compiled, token) if not open else None,
    )  # fmt: skip


def _registers(compiled: Compiled, needless: Collection[str]) -> list[dict[str, Any]]:
    """What this application asks of registers with consent only: what an answer here may be about, in plain words.
    `needless`: facts of another situation than the applicant's, which nobody asks for."""
    catalogue, rows = current_runtime().definitions.catalogue, []
    for fact in [name for name in wants_consent(compiled) if name not in needless]:
        said = agreement(compiled, catalogue, fact)
        what = gettext(", ").join(text(each) for each in said["what"])
        meta = " · ".join(filter(None, (text(said["why"]), text(said["law"]))))
        rows.append({"key": text(said["registry"]), "value": what, "meta": meta})
    return rows

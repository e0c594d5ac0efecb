"""Instead of a document now: a pledge whose words are shown whole and agreed to, or the document later, by a date.

In a draft both stand on the document's own page. What was put off is brought from the case's page.
"""

from __future__ import annotations

from datetime import date

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from govservice.errors import Invalid, NotAllowed, PortalError, TooLarge
from govservice.operations import promising
from govservice.web.access import audience, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, filing_of, idem_of, new_idem, not_a_draft
from govservice.web.citizen.items import next_href
from govservice.web.citizen.promised import instead_of
from govservice.web.citizen.uploads import problem_of, upload_page


@blueprint.post("/my/cases/<number>/documents/<slot>/instead")
@audience("citizen")
def instead(number: str, slot: str) -> str | Response | tuple[str, int]:
    """One of the other ways, or back to the usual one."""
    filing = filing_of(number)
    if (elsewhere := not_a_draft(filing)) is not None:
        return elsewhere
    if slot not in filing.compiled.service.materials:
        abort(404)
    wish = request.form.get("way")
    if wish == "pledge" and request.form.get("agree") != "yes":
        problem = gettext("Tick the box to show that you agree to the pledge, or upload the document")
        return upload_page(filing, slot, problem, about="agree"), 422
    try:
        _choose(filing, slot, wish)
    except (Invalid, NotAllowed) as error:
        return upload_page(filing_of(number), slot, problem_of(error, slot), about="agree"), 422
    if wish == "usual":
        return redirect(url_for("citizen.upload", number=number, slot=slot), 303)
    return redirect(next_href(filing_of(number), slot), 303)


def _choose(filing: Filing, slot: str, wish: str | None) -> None:
    rt, actor, id = filing.rt, filing.actor, filing.case.id
    if wish == "pledge":
        seen = request.form.get("version", "")
        promising.give_pledge(rt, actor, id, slot, version=int(seen) if seen.isdecimal() else 0, now=now())
    elif wish == "later":
        promising.put_off(rt, actor, id, slot, now=now())
    else:
        promising.usual_way(rt, actor, id, slot, now=now())


# -- bringing it


@blueprint.route("/my/cases/<number>/bring/<slot>", methods=["GET", "POST"])
@audience("citizen", uploads=True)
def supply(number: str, slot: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    if slot not in filing.compiled.service.materials:
        abort(404)
    gap = filing.gaps.get(slot)
    if request.method == "GET":
        if gap is None or gap.closed_at is not None or filing.case.status == "closed":
            return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
        return _page(filing, slot, "", new_idem())
    idem = idem_of(request.form.get("idem"))
    given = [f for f in request.files.getlist("file") if f.filename]
    if not given:
        return _page(filing, slot, gettext("Choose a file"), idem), 422
    problem = _bring(filing, slot, given, idem)
    if isinstance(problem, NotAllowed):
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    if problem is not None:
        return _page(filing, slot, problem_of(problem, slot), idem), 422
    return redirect(url_for("citizen.case", number=number, said="brought"), 303)


def _bring(filing: Filing, slot: str, given: list[FileStorage], idem: str) -> PortalError | None:
    files = [(file.filename or "", file.read()) for file in given]
    try:
        promising.supply(filing.rt, filing.actor, filing.case.id, slot, files, idem=idem, now=now())
    except (Invalid, TooLarge, NotAllowed) as error:
        return error
    return None


def _page(filing: Filing, slot: str, problem: str, idem: str) -> str:
    gap = filing.gaps.get(slot)
    return render_template(
        "citizen/bring.html", filing=filing, slot=slot, material=filing.compiled.service.materials[slot],
        by=date.fromisoformat(gap.due_on) if gap else None, problem=problem, idem=idem,
        until=instead_of(filing, slot).until,
    )  # fmt: skip

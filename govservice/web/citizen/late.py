"""What a register owes an application that was sent without it: one page on which the applicant gives all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.errors import Missing, NotAllowed
from govservice.exchange.pending import asked_for, fields_of, materials_of
from govservice.models.papers import Message
from govservice.operations import filing as operations
from govservice.operations import owing
from govservice.queries.tracking import CasePage
from govservice.web.access import audience, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import Filing, districts, filing_of, idem_of, new_idem, register_name
from govservice.web.citizen.uploads import attach_all
from govservice.web.forms import ItemForm, make_form
from govservice.web.i18n import text


@blueprint.route("/my/cases/<number>/owed", methods=["GET", "POST"])
@audience("citizen", uploads=True)
def late(number: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    if not filing.slots.owed:
        return _given(filing) if request.method == "POST" else _to_case(number, "not_now")
    asked = [name for name in filing.fields if name in filing.slots.fields]
    form = make_form(filing.fields, asked, filing.form.answers, districts(filing.rt), formats=filing.formats)
    if request.method == "GET":
        return _page(filing, form, {})
    return _send(filing, form)


def _to_case(number: str, said: str) -> Response:
    return redirect(url_for("citizen.case", number=number, said=said), 303)


def _given(filing: Filing) -> Response:
    """Sends what was kept. Raises Missing."""
    try:
        owing.give(filing.rt, filing.actor, filing.case.id, idem=idem_of(request.form.get("idem")), now=now())
    except NotAllowed:
        return _to_case(filing.number, "not_now")
    return _to_case(filing.number, "given")


def _send(filing: Filing, form: ItemForm) -> str | Response | tuple[str, int]:
    """Keeps what is right first, then sends all of it or says what is still missing. A paper may stand for what would
    be typed."""
    problems: dict[str, str] = {}
    for slot in filing.slots.materials:
        given = [f for f in request.files.getlist(f"file-{slot}") if f.filename]
        if given and (problem := attach_all(filing, slot, given)):
            problems[slot] = problem
    form.validate_on_submit()
    values = {k: v for k, v in form.values().items() if v not in (None, "", [])}
    for page in filing.compiled.service.form:
        if of_page := {name: value for name, value in values.items() if name in page.fields}:
            operations.save_page(filing.rt, filing.actor, filing.case.id, page.page, of_page, now=now())
    wrong = [field.spec_name for field in form.questions() if field.errors and request.form.get(field.spec_name)]
    if problems or wrong:
        return _page(filing_of(filing.number), form, problems), 422
    try:
        return _given(filing)
    except Missing as missing:
        problems = {name: gettext("%(what)s: upload a file", what=text(filing.labels.get(name, name)))
                    for name in missing.fields if name in filing.slots.materials}  # fmt: skip
        return _page(filing_of(filing.number), form, problems), 422


def _page(filing: Filing, form: ItemForm, problems: Mapping[str, str]) -> str:
    for field in form.questions() if request.method == "GET" else ():
        field.errors = []
    idem = idem_of(request.form.get("idem")) if request.method == "POST" else new_idem()
    return render_template(
        "citizen/late.html", filing=filing, form=form, problems=problems, questions=form.questions(),
        materials=[name for name in filing.compiled.service.materials if name in filing.slots.materials],
        registers=_registers(filing), idem=idem,
        wrong=bool(form.errors or problems),
    )  # fmt: skip


def _registers(filing: Filing) -> list[str]:
    """The registers that have not answered, each once."""
    with filing.rt.read() as session:
        names = asked_for(session, filing.case.id)
    return list(dict.fromkeys(register_name(filing, filing.facts[name]) for name in names if name in filing.facts))


def owed_letter(session: Session, page: CasePage, _message: Message) -> dict[str, Any]:
    """What registers owe still, by register; nothing where all has come."""
    catalogue = current_runtime().definitions.catalogue
    service = page.compiled.service
    rows = []
    for name in asked_for(session, page.case.id):
        node = service.facts[name]
        code = catalogue.registry_of(node.dataset or "") or ""
        wanted = [*fields_of(page.compiled, [name]), *materials_of(page.compiled, [name])]
        order = [*service.fields, *service.materials]
        labels = [
            service.fields[n].label if n in service.fields else service.materials[n].label
            for n in sorted(wanted, key=order.index)
        ]
        rows.append(
            {"registry": catalogue.registries[code].title if code in catalogue.registries else {}, "what": labels}
        )
    return {"rows": rows}

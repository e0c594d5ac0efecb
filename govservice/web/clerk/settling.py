"""Settling what asking the registers again has found, and asking them at a clerk's own word."""

from __future__ import annotations

from datetime import timedelta

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from govservice.definitions.schema_form import brought
from govservice.engine import Actor
from govservice.errors import NotFound
from govservice.operations import revalidating
from govservice.operations.runtime import Runtime
from govservice.queries.sight import Sight, sight_of
from govservice.web.access import audience, current_runtime
from govservice.web.clerk.access import Opened, clerk, open_case
from govservice.web.clerk.blueprint import blueprint
from govservice.web.clerk.casefile import CaseFile, Paper, Row, case_file
from govservice.web.clerk.casepage import applicant_of
from govservice.web.clerk.cases import masked, record_read
from govservice.web.clerk.relied import Line, relied_of
from govservice.web.forms_ui import MAX_REASON, ChoiceField, LongTextField, PortalForm

PAUSE = timedelta(seconds=30)  # between two looks that clerks ask for: a registry is not to be hammered
WAYS = {
    "kept": lazy_gettext("I have looked at the change; the decision takes it into account"),
    "verified": lazy_gettext("I have verified the data by other means, such as the original document"),
    "waived": lazy_gettext("This decision does not need this data"),
}


def settle_form(line: Line) -> PortalForm:
    class SettleForm(PortalForm):
        how = ChoiceField(lazy_gettext("What you have found"), choices=[(way, WAYS[way]) for way in line.ways])
        reason = LongTextField(
            lazy_gettext("Reason"),
            description=lazy_gettext("It is kept with the record of the case."),
            ui={"rows": 4, "maxlength": MAX_REASON},
        )

    return SettleForm()


@blueprint.route("/cases/<number>/relied/<found_id>", methods=["GET", "POST"])
@audience("clerk")
def settle(number: str, found_id: str) -> str | Response | tuple[str, int]:
    """The page on which a clerk settles what asking again has found."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        opened = open_case(session, actor, number)
        sight = sight_of(rt.definitions.by_sha(opened.case.def_sha), opened.steps)
        relied = relied_of(rt, session, opened, sight)
        applicant, person = applicant_of(session, opened.case)
        file = case_file(rt, session, opened.case, sight, ())
    line = next((each for each in relied.lines if each.id == found_id), None)
    if line is None or not relied.again:
        raise NotFound()
    given, papers = to_compare(sight, file, line)
    form = settle_form(line)
    errors = _errors(form, line) if form.is_submitted() else {}
    if form.is_submitted() and not errors:
        revalidating.resolve(rt, actor, opened.case.id, found_id, form["how"].data, form["reason"].data, now=rt.now())
        return redirect(url_for("clerk.case", number=number, done="settled"))
    for name, sentence in errors.items():
        form[name].errors = [sentence]
    with rt.write() as session:
        seen = [change["name"] for change in line.changes] + (["person.name"] if person else [])
        seen += [row.name for row in given] + [paper.slot for paper in papers]
        record_read(session, actor, opened, seen or ["case"], "task", rt.now())
    page = render_template(
        "clerk/relied.html", case=opened.case, line=line, form=form, applicant=applicant, given=given, papers=papers,
        masked_names=masked(rt, sight.compiled),
    )  # fmt: skip
    return (page, 422) if errors else page


def to_compare(sight: Sight, file: CaseFile, line: Line) -> tuple[list[Row], list[Paper]]:
    """What the case rests on where no difference shows it, and the papers that stand in for the register: whoever
    verifies compares the one with the other."""
    service = sight.compiled.service
    fact = service.facts[line.name]
    values = () if line.changes else brought(line.name, fact)
    slots = {way.upload for way in fact.fallback if way.upload}
    slots |= {slot for slot, m in service.materials.items() if m.replaced_by and m.replaced_by.fact == line.name}
    given = [row for row in file.rows if row.name in values]
    return given, [paper for paper in file.papers if paper.by_applicant and paper.current and paper.slot in slots]


def _errors(form: PortalForm, line: Line) -> dict[str, str]:
    """Nothing to choose from any more (settled meanwhile) is the operation's to say."""
    errors = {}
    if line.ways and form["how"].data not in line.ways:
        errors["how"] = _("Choose what you have found")
    if not form["reason"].data:
        errors["reason"] = _("Write the reason")
    elif len(form["reason"].data) > MAX_REASON:
        errors["reason"] = _("Write at most %(n)s characters", n=MAX_REASON)
    return errors


@blueprint.post("/cases/<number>/recheck")
@audience("clerk")
def recheck(number: str) -> Response:
    """Asks the registers again for what the clerk's steps see; not more often than twice a minute."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        opened = open_case(session, actor, number)
        sight = sight_of(rt.definitions.by_sha(opened.case.def_sha), opened.steps)
        relied = relied_of(rt, session, opened, sight)
    if not relied.again:
        raise NotFound()
    young = any(rt.now() - line.at < PAUSE for line in relied.lines)
    if not young:
        _ask(rt, actor, opened, sight)
    return redirect(url_for("clerk.case", number=number, done="young" if young else "checked"))


def _ask(rt: Runtime, actor: Actor, opened: Opened, sight: Sight) -> None:
    names = [name for name in sight.compiled.service.facts if sight.sees_fact(name)]
    revalidating.ask_again(rt, actor, opened.case.id, names, now=rt.now(), trigger="clerk")

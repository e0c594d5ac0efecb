"""What people say is wrong in the registers, and the owner's answers."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from govservice.errors import NotFound
from govservice.exchange.accesses import Read, record_reads
from govservice.models.cases import Case
from govservice.models.reliance import Dispute
from govservice.operations import disputing
from govservice.queries.names import person_name
from govservice.web.access import audience, current_runtime
from govservice.web.disputes import shown_dispute
from govservice.web.forms_ui import ChoiceField, LongTextField, PortalForm
from govservice.web.steward.blueprint import blueprint, steward

SHOWN = 100


@blueprint.get("/disputes")
@audience("steward")
def disputes() -> str:
    """Open ones first, the most urgent at the top; no name stands in the list."""
    rt, actor = current_runtime(), steward()
    with rt.read() as session:
        rows = session.scalars(
            select(Dispute)
            .where(Dispute.owner_id.in_(disputing.owners(actor)))
            .order_by(Dispute.state != "sent", Dispute.due_on, Dispute.id)
            .limit(SHOWN)
        ).all()
        shown = [
            shown_dispute(rt, session, row, rt.definitions.by_sha(session.get_one(Case, row.case_id).def_sha))
            for row in rows
        ]
    return render_template("steward/disputes.html", rows=shown, today=rt.today(rt.now()))


@blueprint.route("/disputes/<dispute_id>", methods=["GET", "POST"])
@audience("steward")
def answer_dispute(dispute_id: str) -> str | Response | tuple[str, int]:
    """One dispute; reading it is a read that the person sees."""
    rt, actor = current_runtime(), steward()
    with rt.read() as session:
        row = session.get(Dispute, dispute_id)
        if row is None or row.owner_id not in disputing.owners(actor):
            raise NotFound()
        case = session.get_one(Case, row.case_id)
        one = shown_dispute(rt, session, row, rt.definitions.by_sha(case.def_sha))
        name = person_name(session, row.person_id)
    form = _form()
    errors = _errors(form) if form.is_submitted() else {}
    if form.is_submitted() and not errors:
        disputing.answer(rt, actor, dispute_id, form["verdict"].data, form["words"].data, now=rt.now())
        return redirect(url_for("steward.disputes"), 303)
    for field, sentence in errors.items():
        form[field].errors = [sentence]
    with rt.write() as session:
        read = Read(row.person_id, row.case_id, ["person.name", row.fact_type], "task")
        record_reads(session, actor.id, "steward", row.owner_id, [read], rt.now())
    page = render_template("steward/dispute.html", one=one, form=form, name=name)
    return (page, 422) if errors else page


def _form() -> PortalForm:
    class AnswerForm(PortalForm):
        verdict = ChoiceField(
            lazy_gettext("Your answer"),
            choices=[
                ("accepted", lazy_gettext("The entry was wrong and has been corrected in the register")),
                ("rejected", lazy_gettext("The entry is right and stays")),
            ],
        )
        words = LongTextField(
            lazy_gettext("Reason"), description=lazy_gettext("The person reads this."),
            ui={"rows": 4, "maxlength": disputing.MAX_REASON},
        )  # fmt: skip

    return AnswerForm()


def _errors(form: PortalForm) -> dict[str, str]:
    errors = {}
    if form["verdict"].data not in ("accepted", "rejected"):
        errors["verdict"] = _("Choose your answer")
    words = form["words"].data or ""
    if not words:
        errors["words"] = _("Write the reason")
    elif len(words) > disputing.MAX_REASON:
        errors["words"] = _("Write at most %(n)s characters", n=disputing.MAX_REASON)
    return errors

"""The page of one ad hoc act, for leads and supervision: give a task to somebody, end a part, have one looked at again.

The caller has fetched the case through its own access check; whether the act is possible is the engine's to say.
"""

from __future__ import annotations

from flask import redirect, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import HiddenField

from govservice.engine import Actor
from govservice.errors import NotFound
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.operations import supervising
from govservice.operations.runtime import Runtime
from govservice.operations.supervising import ACTS, AdHoc
from govservice.web.forms_ui import MAX_REASON, LongTextField, PortalForm, SelectField
from govservice.web.i18n import text
from govservice.web.titles import Titles


def words_of(act: str, scope: str = "") -> str:
    """What the act is called."""
    if act == "cancel" and "@" in scope:
        return str(_("Take the question back"))
    names = {
        "assign": _("Give the task to somebody"), "cancel": _("End this part"), "reopen": _("Have it looked at again"),
    }  # fmt: skip
    return str(names[act])


def form_of(found: AdHoc, act: str, choices: list[tuple[str, str]]) -> PortalForm:
    class AdHocForm(PortalForm):
        idem = HiddenField()

    if act == "assign":
        AdHocForm.holder = HiddenField()
        AdHocForm.to = SelectField(lazy_gettext("To whom"), choices=[("", lazy_gettext("Choose a person")), *choices])
    AdHocForm.reason = LongTextField(
        lazy_gettext("Reason"),
        description=lazy_gettext("It is kept with the case. Needed unless nobody has the task yet.")
        if act == "assign"
        else lazy_gettext("It is kept with the case."),
        ui={"rows": 4, "maxlength": MAX_REASON},
    )
    return AdHocForm()


def page(
    rt: Runtime, session: Session, case: Case, actor: Actor, token: int, act: str, *, desk: str, back: str, done: str
) -> Response | str | tuple[str, int]:  # fmt: skip
    """Shows the form, or does what it says and goes to `done`. Raises NotFound for an act that this actor cannot do
    here."""
    found = next((a for a in supervising.possible(rt, session, case, actor) if a.token_id == token), None)
    if found is None or act not in ACTS or act not in found.acts:
        raise NotFound()
    people = supervising.colleagues(rt, session, case, token, actor, rt.now()) if act == "assign" else []
    form = form_of(found, act, [(user.id, text(user.name)) for user in people])
    if form.is_submitted():
        seen = form["holder"].data if act == "assign" else None
        overtaken = seen is not None and seen != (found.holder or "")  # then it is the engine's to say by whom
        errors = {} if overtaken else _errors(form, act, found)
        if not errors:
            to = form["to"].data if act == "assign" else None
            session.rollback()  # what was read is not what is written on: the act reads the case anew, locked
            supervising.do(
                rt, actor, case.id, token, act, idem=form["idem"].data or new_id(), now=rt.now(),
                reason=form["reason"].data, to=to, holder=seen,
            )  # fmt: skip
            return redirect(done, 303)
        for name, sentence in errors.items():
            form[name].errors = [sentence]
    if not form["idem"].data:
        form["idem"].data = new_id()
        if act == "assign":
            form["holder"].data = found.holder or ""
    shown = render_template(
        "layouts/ad_hoc.html", form=form, case=case, desk=desk, back=back, label=words_of(act, found.scope), act=act,
        what=Titles(rt).step(case.service, found.step, case.def_sha), nobody=act == "assign" and not people,
    )  # fmt: skip
    return (shown, 422) if form.errors else shown


def _errors(form: PortalForm, act: str, found: AdHoc) -> dict[str, str]:
    errors = {}
    reason = form["reason"].data or ""
    if act == "assign" and form["to"].data not in [choice.value for choice in form["to"].choices if choice.value]:
        errors["to"] = _("Choose a person")
    if not reason and not (act == "assign" and found.holder is None):
        errors["reason"] = _("Write the reason")
    if len(reason) > MAX_REASON:
        errors["reason"] = _("Write at most %(n)s characters", n=MAX_REASON)
    return errors

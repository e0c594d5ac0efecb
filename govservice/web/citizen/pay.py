"""Paying the fee: what for and how much, to the provider and back, the receipt. Coming back proves nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import abort, make_response, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.errors import NotAllowed
from govservice.operations.paying import begin, came_back
from govservice.web.access import audience, citizen_case, current_actor, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.cases import load_page
from govservice.web.citizen.letters import office
from govservice.web.security import policy


@blueprint.get("/my/cases/<number>/pay")
@audience("citizen")
def pay(number: str) -> str | Response:
    page = load_page(number)
    if page.fee is None or page.fee.standing not in ("due", "failed", "confirming"):
        return redirect(url_for("citizen.case", number=number), 303)
    answer = make_response(render_template("citizen/pay.html", page=page, fee=page.fee, office=office(page)))
    answer.headers["Content-Security-Policy"] = _policy_to_provider()
    return answer


def _policy_to_provider() -> str:
    """The form of this page alone may lead to the provider: browsers hold a redirect after a form to the policy too."""
    provider = current_runtime().provider
    where = urlsplit(provider.account.url) if provider is not None else None
    allowed = f"form-action 'self' {where.scheme}://{where.netloc}" if where is not None else "form-action 'self'"
    return policy().replace("form-action 'self'", allowed)


@blueprint.post("/my/cases/<number>/pay")
@audience("citizen")
def go_to_pay(number: str) -> Response:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    case = citizen_case(number)
    try:
        return redirect(begin(rt, actor, case.id, now=now()), 303)
    except NotAllowed:
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)


@blueprint.get("/my/payments/<payment_id>/back")
@audience("citizen")
def back_from_paying(payment_id: str) -> Response:
    actor = current_actor()
    assert actor is not None  # the audience of this view
    number = came_back(current_runtime(), actor, payment_id, now=now())
    return redirect(url_for("citizen.case", number=number), 303)


@blueprint.get("/my/cases/<number>/payments/<payment_id>")
@audience("citizen")
def payment_receipt(number: str, payment_id: str) -> str:
    page = load_page(number)
    paid = next((p for p in page.fee.paid if p.reference == payment_id), None) if page.fee else None
    if paid is None:
        abort(404)
    return render_template(
        "citizen/payment_receipt.html", title_words=gettext("Receipt for your payment"), page=page, paid=paid,
        fee=page.fee, number=number, office=office(page), dated=paid.paid_at, case=page.case,
        area=current_runtime().definitions.catalogue.areas.get(page.case.area or ""), service=page.compiled.service,
    )  # fmt: skip

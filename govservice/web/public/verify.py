"""Verifying a licence: anybody types its code or follows its QR, and sees whether it holds."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from govservice.codes import LICENCE_CODE
from govservice.queries import licences
from govservice.web.access import audience, current_runtime
from govservice.web.public import blueprint
from govservice.web.qr import qr_of


@blueprint.get("/verify")
@audience("anyone")
def verify() -> str | Response:
    typed = request.args.get("code", "").strip()
    code = LICENCE_CODE.meant(typed)
    if code is not None:
        return redirect(url_for("public.licence", code=code), 303)
    return render_template("public/verify.html", typed=typed[:100], wrong=bool(typed), asked="code" in request.args)


@blueprint.get("/verify/<code>")
@audience("anyone")
def licence(code: str) -> str | tuple[str, int] | Response:
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        found = licences.by_code(session, code, rt.calendars.for_area(None).local_date(now))
    if found is None:
        return render_template("public/verify.html", typed=code[:100], unknown=True, asked=True), 404
    if found.code != code:
        return redirect(url_for("public.licence", code=found.code), 303)
    department = rt.definitions.catalogue.departments.get(found.department_id)
    return render_template(
        "public/licence.html", licence=found, department=department, checked_at=now, qr=qr_of(rt, found.code)
    )

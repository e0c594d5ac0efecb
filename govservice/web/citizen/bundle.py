"""What a case page shows of a bundle: one timeline of its parts, the critical path; trying again, choosing."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.engine import MAIN, Expected
from govservice.errors import Forbidden, Missing, NotAllowed, Stale
from govservice.operations import bundles, deciding
from govservice.queries.bundles import Part
from govservice.queries.tracking import CasePage
from govservice.queries.way import department_name
from govservice.web.access import audience, citizen_case, current_actor, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import idem_of
from govservice.web.i18n import date_text, text
from govservice.web.words import list_text

Row = dict[str, Any]


def rows_of(page: CasePage) -> list[Row]:
    """One row a part: {title, href, tag, when, department, critical, bar, again}."""
    days = [day for part in page.parts for day in (part.begins, part.ends) if day is not None]
    first, last = min(days, default=None), max(days, default=None)
    titles = {part.service: text(part.title) for part in page.parts}
    rows = []
    for part in page.parts:
        bar = None
        if part.begins and part.ends and first and last:
            whole = (last - first).days + 1
            left, width = (part.begins - first).days, (part.ends - part.begins).days + 1
            bar = {"x": round(100 * left / whole, 1), "width": round(100 * width / whole, 1)}
        here = page.case.status != "closed" and page.standing.turn != "you"
        rows.append({
            "title": titles[part.service], "service": part.service, "tag": _tag(part), "when": _when(part, titles),
            "href": url_for("citizen.case", number=part.number) if part.number else "",
            "department": text(
                department_name(current_runtime().definitions, part.department, page.case.area)
            ),
            "critical": part.critical, "bar": bar, "again": part.may_restart and here,
        })  # fmt: skip
    return rows


def _tag(part: Part) -> tuple[str, str]:
    if part.status == "ended":
        known = {
            "granted": ("ok", gettext("Done")), "refused": ("bad", gettext("Refused")),
            "withdrawn": ("mute", gettext("Withdrawn")), "lapsed": ("mute", gettext("Lapsed")),
            "not_needed": ("mute", gettext("Not needed")), "failed": ("bad", gettext("Could not be started")),
            "prevented": ("mute", gettext("Cannot begin")), "cancelled": ("mute", gettext("Stopped")),
        }  # fmt: skip
        return known.get(part.outcome or "", ("mute", gettext("Ended")))
    if part.status == "open":
        return "info", gettext("With the department")
    return "mute", gettext("Waits") if part.status in ("waiting", "planned") else gettext("Being started")


def _when(part: Part, titles: dict[str, str]) -> str:
    if part.begins is None or part.ends is None:
        return ""
    if part.status == "ended":
        return str(gettext("%(from)s to %(to)s", **{"from": date_text(part.begins), "to": date_text(part.ends)}))
    if part.status == "open":
        return str(
            gettext("begun on %(day)s, expected by %(end)s", day=date_text(part.begins), end=date_text(part.ends))
        )
    waits = list_text([titles[s] for s in part.waits_for if s in titles])
    if waits:
        return str(gettext("after: %(parts)s; expected by %(end)s", parts=waits, end=date_text(part.ends)))
    return str(gettext("expected by %(end)s", end=date_text(part.ends)))


def progress(page: CasePage) -> str:
    """3 of 6 parts are done."""
    wanted = [p for p in page.parts if p.outcome != "not_needed"]
    done = sum(p.outcome == "granted" for p in wanted)
    return str(gettext("%(done)s of %(all)s parts are done.", done=done, all=len(wanted)))


def choices_of(page: CasePage) -> list[Any]:
    """What the applicant may choose at a step of their own, beside the draft."""
    here = page.standing.own_step
    return [e for e in page.compiled.out.get(here or "", ()) if e.kind == "action" and e.by == "applicant"]


@blueprint.post("/my/cases/<number>/parts/<service>/again")
@audience("citizen")
def again(number: str, service: str) -> Response:
    """Has a part that did not succeed tried again."""
    case, actor = citizen_case(number), current_actor()
    assert actor is not None  # the audience of this view
    try:
        idem = idem_of(request.form.get("idem"))
        bundles.restart(current_runtime(), actor, case.id, service, idem=idem, now=now())
    except (NotAllowed, Stale, Forbidden):
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    return redirect(url_for("citizen.case", number=number, said="again"), 303)


@blueprint.post("/my/cases/<number>/choose")
@audience("citizen")
def choose(number: str) -> Response:
    """The applicant acts at a step of their own: tries the rest again, or leaves it at that."""
    case, actor = citizen_case(number), current_actor()
    assert actor is not None  # the audience of this view
    version = request.form.get("token_version", "")
    expected = Expected(int(version) if version.isdigit() and len(version) < 10 else None)
    try:
        deciding.act(
            current_runtime(), actor, case.id, MAIN, request.form.get("action", ""),
            expected=expected, idem=idem_of(request.form.get("idem")), now=now(),
        )  # fmt: skip
    except (NotAllowed, Stale, Forbidden, Missing):
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    return redirect(url_for("citizen.case", number=number, said="chosen"), 303)

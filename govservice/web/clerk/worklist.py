"""The worklist, and taking or giving back a task."""

from __future__ import annotations

from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from govservice.engine import Actor
from govservice.exchange.accesses import Read, record_reads
from govservice.models.base import new_id
from govservice.operations import deciding
from govservice.operations.runtime import Runtime
from govservice.queries.worklist import URGENCIES, Filters, Row, Worklist, worklist
from govservice.web.access import audience, current_runtime
from govservice.web.clerk.access import clerk, clerk_areas, open_case, role_titles, work_roles
from govservice.web.clerk.blueprint import blueprint, helpers
from govservice.web.i18n import text


@blueprint.get("/", endpoint="worklist")
@audience("clerk")
def worklist_page() -> str:
    """The tasks of the clerk's roles, the most urgent first. Each person whose name is shown sees the read."""
    rt, actor = current_runtime(), clerk()
    now, filters = rt.now(), _filters()
    calendar = rt.calendars.for_area(next(iter(clerk_areas(actor)), None))
    with rt.read() as session:
        shown = worklist(
            session, work_roles(actor), actor.id, filters, calendar, now, _after(request.args.get("after"))
        )
    _record(rt, actor, shown.rows, now)
    return render_template(
        "clerk/worklist.html", list=shown, filters=filters, now=now, me=actor.id, query=_query(filters),
        roles=[text(t) for t in role_titles(rt, actor)], fields=_fields(rt, shown, filters), chips=_chips(rt, filters),
        next=url_for("clerk.worklist", **_query(filters), after="|".join(shown.next_key)) if shown.next_key else None,
        **helpers(rt),
    )  # fmt: skip


def _record(rt: Runtime, actor: Actor, rows: tuple[Row, ...], now: datetime) -> None:
    """One statement a role for the whole page, and no transaction where no person's name was shown."""
    by_role: dict[tuple[str, str], list[Read]] = {}
    for row in rows:
        if row.person_id:
            read = Read(row.person_id, row.case_id, ["person.name"], "list")
            by_role.setdefault((row.role, row.department_id), []).append(read)
    if by_role:
        with rt.write() as session:
            for (role, department), reads in by_role.items():
                record_reads(session, actor.id, role, department, reads, now)


def _filters() -> Filters:
    args = request.args
    return Filters(
        urgency=args.get("due") if args.get("due") in URGENCIES else None,
        service=args.get("service") or None,
        step=args.get("step") or None,
        whose=args.get("with") if args.get("with") in ("me", "nobody", "mine_or_nobody") else "all",
        text=(args.get("q") or "").strip()[:100] or None,
    )


def _query(filters: Filters) -> dict[str, str]:
    given = {"due": filters.urgency, "service": filters.service, "step": filters.step, "q": filters.text}
    given["with"] = filters.whose if filters.whose != "all" else None
    return {k: v for k, v in given.items() if v}


def _after(key: str | None) -> tuple[datetime | None, str] | None:
    """The key of the last row of the page before; nonsense starts at the top."""
    due, _bar, task_id = (key or "").partition("|")
    if not task_id:
        return None
    try:
        return (datetime.fromisoformat(due) if due else None), task_id[:36]
    except ValueError:
        return None


def _fields(rt: Runtime, shown: Worklist, filters: Filters) -> list[dict[str, object]]:
    services = [(c, rt.definitions.current(c).service.title) for c in shown.services]
    steps = [(p, rt.definitions.current(s).steps[p].title) for s, p in shown.steps]
    whose = [("", _("Anybody")), ("mine_or_nobody", _("Me or nobody")), ("me", _("Me")), ("nobody", _("Nobody"))]
    return [
        {"name": "q", "label": _("Enterprise or case number"), "kind": "text", "size": 24, "value": filters.text or ""},
        {"name": "service", "label": _("Service"), "kind": "select", "options": [("", _("All services")), *services],
         "value": filters.service or ""},
        {"name": "step", "label": _("Step"), "kind": "select", "options": [("", _("All steps")), *dict(steps).items()],
         "value": filters.step or ""},
        {"name": "with", "label": _("With"), "kind": "select", "options": whose,
         "value": filters.whose if filters.whose != "all" else ""},
    ]  # fmt: skip


def _chips(rt: Runtime, filters: Filters) -> list[dict[str, object]]:
    """The filters in use, each with the address of the list without it."""
    words: dict[str, object] = {}
    if filters.service:
        known = filters.service in rt.definitions.codes()
        words["service"] = rt.definitions.current(filters.service).service.title if known else filters.service
    if filters.step:
        words["step"] = next(
            (d.steps[filters.step].title for d in map(rt.definitions.current, rt.definitions.codes())
             if filters.step in d.steps), filters.step,
        )  # fmt: skip
    if filters.text:
        words["q"] = filters.text
    if filters.whose != "all":
        words["with"] = {"me": _("With me"), "nobody": _("With nobody")}.get(filters.whose, _("With me or nobody"))
    query = _query(filters)
    return [
        {"text": word, "href": url_for("clerk.worklist", **{k: v for k, v in query.items() if k != key})}
        for key, word in words.items()
    ]


@blueprint.post("/cases/<number>/<int:token>/claim")
@audience("clerk")
def claim(number: str, token: int) -> Response:
    """Takes the task and opens the case."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        opened = open_case(session, actor, number)
    deciding.claim(rt, actor, opened.case.id, token, idem=request.form.get("idem") or new_id(), now=rt.now())
    return redirect(url_for("clerk.case", number=number))


@blueprint.post("/cases/<number>/<int:token>/release")
@audience("clerk")
def release(number: str, token: int) -> Response:
    """Puts the task back into the department's list."""
    rt, actor = current_runtime(), clerk()
    with rt.read() as session:
        opened = open_case(session, actor, number)
    deciding.release(rt, actor, opened.case.id, token, idem=request.form.get("idem") or new_id(), now=rt.now())
    return redirect(url_for("clerk.worklist"))

"""The worklist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.exchange.accesses import Read, record_reads
from govservice.operations.runtime import Runtime
from govservice.queries.flags import flags_of
from govservice.queries.sight import sight_of
from govservice.queries.worklist import URGENCIES, WATCHED, Filters, Key, Row, Worklist, worklist
from govservice.web.access import audience, current_runtime, work_roles
from govservice.web.clerk.access import clerk, clerk_areas, role_titles
from govservice.web.clerk.blueprint import blueprint, helpers
from govservice.web.clerk.relied import hears
from govservice.web.csv_text import csv_answer
from govservice.web.i18n import text
from govservice.web.titles import Titles

MOST = 1000  # lines of the list as a file


@blueprint.get("/", endpoint="worklist")
@audience("clerk")
def worklist_page() -> str:
    """The tasks of the clerk's roles, the most urgent first. Each person whose name is shown sees the read."""
    rt, actor = current_runtime(), clerk()
    now, filters = rt.now(), _filters()
    calendar = rt.calendars.for_area(next(iter(clerk_areas(actor)), None))
    with rt.read() as session:
        shown = worklist(
            session, work_roles(actor), actor.ids, filters, calendar, now, _after(request.args.get("after"))
        )
        flags = {(row.case_id, row.token_id): said for row, said in flagged(rt, session, shown.rows)}
    record_names(rt, actor, _names_shown(shown), now)
    query = _query(filters)
    return render_template(
        "clerk/worklist.html", list=shown, flags=flags, filters=filters, now=now, me=actor.id, query=query,
        roles=[text(t) for t in role_titles(rt, actor)], fields=_fields(rt, shown, filters), chips=_chips(rt, filters),
        next=url_for("clerk.worklist", **query, after="|".join(shown.next_key)) if shown.next_key else None,
        first=url_for("clerk.worklist", **query) if request.args.get("after") else None, **helpers(rt),
    )  # fmt: skip


@blueprint.get("/worklist.csv")
@audience("clerk")
def worklist_csv() -> Response:
    """The same list, with the same filters, as a file for a spreadsheet. Names in it are reads as on the page."""
    rt, actor = current_runtime(), clerk()
    now, titles = rt.now(), Titles(rt)
    calendar = rt.calendars.for_area(next(iter(clerk_areas(actor)), None))
    with rt.read() as session:
        shown = worklist(session, work_roles(actor), actor.ids, _filters(), calendar, now, limit=MOST)
    record_names(rt, actor, _names_shown(shown), now)
    head = [
        _("Due"), _("Which limit"), _("Urgency"), _("Applicant"), _("Service"), _("Case"), _("Step"),
        _("Working days in the step"), _("With"),
    ]  # fmt: skip
    kinds = {"step": _("Limit of the step"), "promised": _("Promised date"), "statutory": _("Limit by law")}
    urgencies = {"late": _("Late"), "today": _("Due today"), "soon": _("Due in 2 working days"),
                 "later": _("Due later"), "stopped": _("Clock stopped"), "watched": _("To be seen only")}  # fmt: skip
    rows = [
        (r.due_on, kinds.get(r.due_kind or ""), urgencies.get(r.urgency, r.urgency), r.applicant,
         text(titles.service(r.service)), r.number,
         text(titles.step(r.service, r.step, r.def_sha)), r.age, text(r.assignee) if r.assignee else None)
        for r in shown.rows
    ]  # fmt: skip
    return csv_answer("worklist.csv", head, rows)


def flagged(rt: Runtime, session: Session, rows: Sequence[Row]) -> Iterator[tuple[Row, list[tuple[str, str]]]]:
    """Rows with what registries say of their cases, in words with a tone: what the row's step may see."""
    found = flags_of(session, {row.case_id for row in rows})
    for row in rows:
        if (flags := found.get(row.case_id)) is None:
            continue
        sight = sight_of(rt.definitions.by_sha(row.def_sha), [row.step])
        said = [("bad", _("A register says otherwise"))] if any(map(sight.sees_fact, flags.differs)) else []
        facts = sight.compiled.service.facts
        if any(sight.sees_fact(name) and name in facts and facts[name].revalidate for name in flags.unverified):
            said.append(("warn", _("Data to be verified before a decision")))
        told = [word for word in flags.words if hears(sight, word)][:1]  # the newest
        yield row, said + [("info", text(Titles(rt).event(word.registry, word.type))) for word in told]


def _names_shown(shown: Worklist) -> list[tuple[tuple[str, str], Read]]:
    """Persons whose names the list shows; an organisation's name is public."""
    return [
        ((row.role, row.department_id), Read(row.person_id, row.case_id, ["person.name"], "list"))
        for row in shown.rows
        if row.person_id
    ]


def record_names(rt: Runtime, actor: Actor, reads: Iterable[tuple[tuple[str, str], Read]], now: datetime) -> None:
    """Names shown on a page, each with the (role, department) that gives the clerk the case: one statement a role,
    and no transaction where no person's name was shown."""
    by_role: dict[tuple[str, str], list[Read]] = {}
    for role, read in reads:
        by_role.setdefault(role, []).append(read)
    if by_role:
        with rt.write() as session:
            for (code, department), shown in by_role.items():
                record_reads(session, actor.id, code, department, shown, now)


def _filters() -> Filters:
    args = request.args
    whose = args.get("with") or "all"
    return Filters(
        urgency=args.get("due") if args.get("due") in (*URGENCIES, WATCHED) else None,
        service=args.get("service") or None,
        step=args.get("step") or None,
        whose=whose if whose in ("me", "nobody", "mine_or_nobody") else "all",
        text=(args.get("q") or "").strip()[:100] or None,
    )


def _query(filters: Filters) -> dict[str, Any]:
    given = {"due": filters.urgency, "service": filters.service, "step": filters.step, "q": filters.text}
    given["with"] = filters.whose if filters.whose != "all" else None
    return {k: v for k, v in given.items() if v}


def _after(key: str | None) -> Key | None:
    """The key of the last row of the page before; nonsense starts at the top."""
    due, _bar, task_id = (key or "").partition("|")
    if not task_id:
        return None
    try:
        at = datetime.fromisoformat(due).astimezone(UTC) if due else None
    except (ValueError, OverflowError):
        return None
    return at, task_id[:36]


def _fields(rt: Runtime, shown: Worklist, filters: Filters) -> list[dict[str, object]]:
    titles = Titles(rt)
    services = [(c, titles.service(c)) for c in shown.services]
    steps = [(p, titles.step(s, p)) for s, p in shown.steps]
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
        words["service"] = Titles(rt).service(filters.service)
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

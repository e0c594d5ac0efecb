"""My data: what the portal holds about me, and who looked at it, when, what and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, render_template, request, url_for
from flask_babel import gettext

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.library import Definitions
from govservice.engine import Actor
from govservice.exchange.evidence import current_facts
from govservice.identifiers import mask
from govservice.models.cases import Case
from govservice.models.personal import read_person
from govservice.operations.mandates import mandates_of
from govservice.operations.runtime import Runtime
from govservice.queries.data_access import ReadRow, read_counts, readers, reads_of
from govservice.queries.my_cases import my_cases
from govservice.queries.service_page import labels
from govservice.web.access import audience, current_actor, current_runtime, now, today
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import ASKED, FELLOW
from govservice.web.csv_text import csv_answer
from govservice.web.i18n import date_text, moment_text, text, time_text
from govservice.web.words import list_text, person_at

PERIODS = {"30": 30, "90": 90, "365": 365, "all": 36500}
SHOWN = 50


def reader() -> tuple[Runtime, Actor, str]:
    """Whoever looks at their own data, with the id of their person (the audience of these views is the citizen)."""
    actor = current_actor()
    assert actor is not None
    assert actor.person_id is not None
    return current_runtime(), actor, actor.person_id


@blueprint.get("/my/data")
@audience("citizen")
def my_data() -> str:
    rt, actor, me = reader()
    with rt.read() as session:
        person = read_person(session, me)
        held = mandates_of(session, me, today())
        rows = my_cases(session, rt.definitions, rt.calendars, actor, now(), today())
        counts = read_counts(session, me, since=now() - timedelta(days=365))
        facts = []
        for row in rows[:5]:
            case = session.get_one(Case, row.id)
            if case.applicant_id == me:
                names = labels(rt.definitions, rt.definitions.by_sha(case.def_sha))
                facts.append(
                    (
                        row,
                        [
                            (v, [names.get(n, n) for n in v.values], keeper(rt.definitions.catalogue, v.registry))
                            for v in current_facts(session, row.id, rt.definitions.catalogue).values()
                            if v.filled
                        ],
                    )
                )
    return render_template(
        "citizen/my_data.html", person=person, number=mask(person.id_type, person.number) if person else "",
        mandates=held, counts=counts, cases=len(rows), facts=[pair for pair in facts if pair[1]],
    )  # fmt: skip


@blueprint.get("/my/data/reads")
@audience("citizen")
def reads() -> str:
    rt, actor, me = reader()
    chosen = Choice.of_request()
    with rt.read() as session:
        rows_of_cases = my_cases(session, rt.definitions, rt.calendars, actor, now(), today())
        case_id = next((r.id for r in rows_of_cases if r.number == chosen.case), None)
        if chosen.case and case_id is None:
            chosen.case = ""
        since, department = chosen.since(now()), chosen.department or None
        found = reads_of(
            session, me, since=since, department_id=department, case_id=case_id, before=chosen.before(),
            limit=SHOWN + 1,
        )  # fmt: skip
        counts = read_counts(session, me, since=since, department_id=department, case_id=case_id)
        departments = readers(session, me)
    rows = [read_line(rt.definitions, row) for row in found[:SHOWN]]
    older = url_for("citizen.reads", **chosen.args(), before=cursor(found[SHOWN - 1])) if len(found) > SHOWN else ""
    return render_template(
        "citizen/reads.html", rows=rows, counts=counts, departments=departments, chosen=chosen, older=older,
        cases=[(row.number, f"{text(row.title)} {row.number}") for row in rows_of_cases],
        csv_href=url_for("citizen.reads_csv", **chosen.args()),
    )  # fmt: skip


class Choice:
    """The filters of the list. Values that make no sense count as none."""

    def __init__(self, department: str, case: str, period: str, at: str) -> None:
        self.department, self.case = department, case
        self.period = period if period in PERIODS else "365"
        self.at = at

    @classmethod
    def of_request(cls) -> Choice:
        given = request.args
        return cls(given.get("department", "")[:80], given.get("case", "")[:40], given.get("period", ""),
                   given.get("before", "")[:100])  # fmt: skip

    def since(self, now: datetime) -> datetime:
        return now - timedelta(days=PERIODS[self.period])

    def before(self) -> tuple[datetime, str] | None:
        at, _, id = self.at.partition("~")
        try:
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None or not id:
                return None
            return moment.astimezone(UTC), id
        except (ValueError, OverflowError):  # a day before the year 1 or after 9999 in UTC
            return None

    def args(self) -> dict[str, Any]:
        return {"department": self.department, "case": self.case, "period": self.period}


def keeper(catalogue: Catalogue, code: str) -> Mapping[str, str]:
    """The name of the department that keeps a registry, and puts right what is wrong in it; nothing if unknown."""
    registry = catalogue.registries.get(code)
    return catalogue.departments[registry.owner].name if registry else {}


def cursor(row: ReadRow) -> str:
    return f"{row.at.isoformat()}~{row.id}"


def read_line(definitions: Definitions, row: ReadRow) -> dict[str, Any]:
    """One read in words."""
    catalogue = definitions.catalogue
    service = definitions.current(row.service) if row.service in definitions.codes() else None
    names = labels(definitions, service) if service else catalogue.labels
    registry = catalogue.registries.get(row.registry or "")
    if row.by_portal:
        who, where = gettext("The portal, for you"), ""
        if registry is not None:
            where = gettext("asked %(registry)s", registry=text(registry.title))
    else:
        fellow = gettext("Somebody who acts for the same enterprise") if row.role == FELLOW else gettext("You")
        if row.role == ASKED:
            fellow = gettext("Somebody whose answer the application needs")
        who = text(row.actor_name) if row.actor_name else fellow
        role = service.service.roles.get(row.role or "") if service else None
        where = person_at(text(role.title) if role and role.title else role_text(row.role), text(row.department))
    return {
        "day": date_text(row.at), "time": time_text(row.at), "at": row.at, "who": who, "where": where,
        "what": list_text([what_text(name, names) for name in row.what]) or gettext("Whole application"),
        "why": why_text(row.purpose), "service": text(service.service.title) if service else "",
        "case": row.case_number or "",
    }  # fmt: skip


def what_text(name: str, names: Any) -> str:
    """A field, fact or material by its label; kinds of lists in words."""
    known = {
        "name": gettext("Name"), "list": gettext("Name in a list of cases"),
        "worklist": gettext("Name in a list of cases"), "search": gettext("Name in a search"),
        "case": gettext("Whole application"), "*": gettext("Whole application"),
    }  # fmt: skip
    return text(names[name]) if name in names else str(known.get(name, name))


def role_text(role: str | None) -> str:
    known = {
        "supervisor": gettext("Supervisor"),
        "designer": gettext("Service designer"),
        "admin": gettext("Administrator"),
    }
    return str(known.get(role or "", ""))


def why_text(purpose: str) -> str:
    known = {
        "registry_fetch": gettext("To fill in your form, as you agreed"),
        "registry_recheck": gettext("To check your data again before a decision"),
        "registry_act": gettext("To have the register changed, as you applied for"),
        "recusal": gettext("To keep you, as a member of staff, away from relatives' cases"),
        "task": gettext("To work on your case"),
        "list": gettext("To see what is to be done"), "search": gettext("To find a case"),
        "supervision": gettext("To watch the time limits"), "download": gettext("To read a document you gave"),
        "mandate": gettext("To let you act for an enterprise"),
    }  # fmt: skip
    return str(known.get(purpose, purpose))


@blueprint.get("/my/data/reads.csv")
@audience("citizen")
def reads_csv() -> Response:
    """The same list as a file for a spreadsheet; no cell begins like a formula."""
    rt, actor, me = reader()
    chosen = Choice.of_request()
    with rt.read() as session:
        cases = my_cases(session, rt.definitions, rt.calendars, actor, now(), today())
        case_id = next((r.id for r in cases if r.number == chosen.case), None)
        found = reads_of(
            session, me, since=chosen.since(now()), department_id=chosen.department or None,
            case_id=case_id, limit=None,
        )  # fmt: skip
    head = [gettext("When"), gettext("Who"), gettext("From"), gettext("What they saw"), gettext("Why"), gettext("Case")]
    lines = (read_line(rt.definitions, row) for row in found)
    cells = (
        [moment_text(line["at"]), line["who"], line["where"], line["what"], line["why"], line["case"]] for line in lines
    )
    return csv_answer("data-reads.csv", head, cells)

"""The demonstration's history is made of ordinary cases: they replay, verify, go on, and say who read what."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, func, select, text

from govservice.definitions.library import Definitions
from govservice.engine import rebuild
from govservice.engine.snapshot import dump
from govservice.errors import Tampered
from govservice.exchange.snapshot import verify_snapshot
from govservice.models.accounts import User
from govservice.models.cases import Case, CaseData, CaseEvent, CaseStateRow, Outbox, Task, Visit
from govservice.models.exchange import DataAccess, EvidenceRequirement, Fact, Snapshot
from govservice.models.papers import File, IssuedDocument, Message, Rating
from govservice.models.payments import Payment
from govservice.models.session import Database
from govservice.operations import demo
from govservice.operations.auditing import verify_records
from govservice.operations.demo_plan import DAYS
from govservice.operations.files import content_of, sniff
from govservice.operations.invariants import check_cases
from govservice.operations.runtime import Runtime
from govservice.operations.startup import open_runtime
from govservice.queries.burden import ledger, months
from govservice.worktime.calendar import Calendars
from tests.conftest import make_settings
from tests.support import postgres
from tests.support.clock import MovableClock

NOW = datetime(2026, 11, 24, 2, 10, tzinfo=UTC)  # a Tuesday, 10:10 in China
CASES = 60


@dataclass
class Loaded:
    rt: Runtime
    said: demo.Loaded
    progress: list[tuple[int, int]]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, definitions: Definitions,
    calendars: Calendars,
) -> Iterator[Loaded]:  # fmt: skip
    """One load for all tests of this file, once on each database."""
    folder = tmp_path_factory.mktemp("history")
    with ExitStack() as stack:
        url = postgres.own_database(request, folder, stack)
        clock = MovableClock()
        clock.set(NOW)
        parts = {"definitions": definitions, "calendars": calendars, "wall": clock}
        rt = open_runtime(make_settings(url, folder), parts)
        progress: list[tuple[int, int]] = []
        said = demo.load(rt, CASES, lambda done, total: progress.append((done, total)))
        yield Loaded(rt, said, progress)
        rt.database.engine.dispose()


def count(rt: Runtime, model: type, *where: object) -> int:
    with rt.read() as session:
        return session.scalar(select(func.count()).select_from(model).where(*where)) or 0  # type: ignore[arg-type]


def test_every_case_keeps_every_invariant(loaded: Loaded) -> None:
    checked = dict(check_cases(loaded.rt))
    assert len(checked) == loaded.said.cases >= CASES
    assert [broken for found in checked.values() for broken in found] == []
    report = verify_records(loaded.rt)
    assert report.faults == ()
    assert report.events > 20 * CASES


def test_the_kept_state_is_the_fold(loaded: Loaded) -> None:
    with loaded.rt.read() as session:
        for row in session.scalars(select(CaseStateRow)):
            assert row.state == dump(rebuild(session, row.case_id))


def test_it_is_a_quarter_of_ordinary_life(loaded: Loaded) -> None:
    rt = loaded.rt
    with rt.read() as session:
        cases = session.scalars(select(Case)).all()
    assert {c.area for c in cases if c.status != "draft"} == {"huaxi", "nanming"}
    assert {c.service for c in cases} == {
        "open_restaurant", "food_business_licence", "building_permit", "household_move", "minimum_living_allowance",
        "prepackaged_food_filing",
    }  # fmt: skip
    assert min(c.opened_at for c in cases) < NOW - timedelta(days=DAYS * 0.8)
    assert max(c.opened_at for c in cases) <= NOW
    outcomes = Counter(c.outcome for c in cases if c.status == "closed")
    assert outcomes["granted"] > CASES / 2
    assert outcomes["refused"] + outcomes["withdrawn"] > 0
    assert count(rt, CaseEvent, CaseEvent.type == "correction.notified") > CASES / 20
    assert count(rt, IssuedDocument) == outcomes["granted"]
    assert count(rt, Rating) > CASES / 6
    assert count(rt, Payment, Payment.status == "paid") == 1, "paid, and the permit issued"
    assert count(rt, Payment) == 2, "the other one waits, or went unpaid"
    granted = {c.service for c in cases if c.outcome == "granted"}
    assert {"building_permit", "household_move", "minimum_living_allowance"} <= granted, [
        (c.service, c.status, c.outcome) for c in cases if c.service not in ("open_restaurant", "food_business_licence")
    ]


def test_what_happens_happens_in_order(loaded: Loaded) -> None:
    """Per case time never runs back, and nothing lies in the future."""
    with loaded.rt.read() as session:
        rows = session.execute(select(CaseEvent.case_id, CaseEvent.at).order_by(CaseEvent.case_id, CaseEvent.seq)).all()
    for before, after in zip(rows, rows[1:], strict=False):
        assert before.case_id != after.case_id or before.at <= after.at
    assert max(row.at for row in rows) <= NOW


def test_staff_work_in_office_hours(loaded: Loaded) -> None:
    cal = loaded.rt.calendars.for_area("huaxi")
    with loaded.rt.read() as session:
        staff = set(session.scalars(select(User.id).where(User.kind == "staff")))
        acts = session.execute(select(CaseEvent.actor, CaseEvent.at)).all()
    at = [row.at for row in acts if row.actor in staff]
    assert at
    for when in at:
        local = when.astimezone(cal.zone)
        assert cal.is_working_day(local.date()), local
        assert cal.opens <= local.time() <= cal.closes, local


def test_the_planted_step_is_slow(loaded: Loaded) -> None:
    step = "review.fire.site"
    with loaded.rt.read() as session:
        stays = select(Visit.working_s).where(Visit.step == step, Visit.area == "huaxi", Visit.left_at.is_not(None))
        seconds = [s for s in session.scalars(stays) if s is not None]
    assert len(seconds) >= 3
    assert max(seconds) > 7 * 8 * 3600


def test_papers_facts_and_reads_are_there(loaded: Loaded) -> None:
    rt = loaded.rt
    submitted = count(rt, Case, Case.status != "draft")
    assert count(rt, CaseData) >= submitted
    assert count(rt, Fact) > 8 * submitted
    with rt.read() as session:
        services = session.scalars(select(Case.service)).all()
    assert count(rt, EvidenceRequirement) == sum(len(rt.definitions.current(s).service.facts) for s in services)
    assert count(rt, DataAccess, DataAccess.purpose == "task") > submitted
    with rt.read() as session:
        kinds = Counter(session.scalars(select(File.kind)))
        file = session.scalars(select(File).limit(1)).one()
        name, content = content_of(session, rt.storage, file)
    assert kinds["material"] > submitted
    assert kinds["attachment"] > 0
    assert name.endswith(".pdf")
    assert sniff(content) == "pdf"


def test_notices_were_delivered(loaded: Loaded) -> None:
    rt = loaded.rt
    assert count(rt, Message, Message.kind == "receipt") == count(rt, Case, Case.status != "draft")
    assert count(rt, Outbox, Outbox.done_at.is_(None), Outbox.due_at < NOW - timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    ("login", "role"),
    [
        ("li.na", "window"), ("zhang.qiang", "food"), ("zhou.jie", "fire"), ("sun.min", "urban"), ("he.tao", "head"),
        ("wu.gang", "inspector"), ("ma.jun", "food"),
    ],
)  # fmt: skip
def test_work_waits_for_the_cast(loaded: Loaded, login: str, role: str) -> None:
    with loaded.rt.read() as session:
        user = session.scalars(select(User).where(User.login == login)).one()
        departments = [r.department_id for r in user.roles if r.role == role]
        tasks = session.scalars(
            select(Task).where(Task.role == role, Task.department_id.in_(departments), Task.status == "open")
        ).all()
    assert any(t.assignee_id in (None, user.id) for t in tasks)
    assert all(t.department_id.startswith(f"{t.area}.") for t in tasks)


def test_wang_fang_is_free_to_open_a_restaurant(loaded: Loaded) -> None:
    with loaded.rt.read() as session:
        wang = session.scalars(select(User).where(User.login == "wang.fang")).one()
        cases = session.scalars(select(Case).where(Case.applicant_id == wang.person_id)).all()
    assert [(c.service, c.status, c.outcome) for c in cases] == [("food_business_licence", "closed", "granted")]


def test_a_second_load_adds_nothing(loaded: Loaded) -> None:
    again = demo.load(loaded.rt, CASES, lambda *_: pytest.fail("nothing is to be made"))
    assert (again.new, again.accounts, again.cases) == (0, 0, loaded.said.cases)


def test_progress_runs_to_the_end(loaded: Loaded) -> None:
    assert loaded.progress[-1] == (loaded.said.new, loaded.said.new)
    assert [done for done, _ in loaded.progress] == sorted(done for done, _ in loaded.progress)


def test_a_load_that_is_broken_off_leaves_nothing(
    sqlite_url: str, tmp_path: Path, definitions: Definitions, calendars: Calendars
) -> None:
    rt = open_runtime(make_settings(sqlite_url, tmp_path), {"definitions": definitions, "calendars": calendars})

    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.load(rt, 20, stop)
    assert count(rt, Case) == 0
    assert demo.load(rt, 0, stop).accounts == 0, "the cast was made before the history"
    rt.database.engine.dispose()


def test_one_tampered_event_is_found_and_named(loaded: Loaded) -> None:
    """Last in this file: somebody with every right on the database changes one word of one event."""
    rt = loaded.rt
    with rt.read() as session:
        event = session.scalars(select(CaseEvent).where(CaseEvent.type == "task.claimed").limit(1)).one()
        number = session.get_one(Case, event.case_id).number
    change(rt.database, event, event.data.replace('"role":', '"rôle":'))
    try:
        broken = [b for _, found in check_cases(rt) for b in found]
        assert [(b.number, b.invariant, b.seq) for b in broken] == [(number, "I4", event.seq)]
        with rt.read() as session, pytest.raises(Tampered):
            rebuild(session, event.case_id)
    finally:
        change(rt.database, event, event.data)


def change(database: Database, event: CaseEvent, data: str) -> None:
    """As an administrator: without the guards that forbid it, which are put back."""
    engine = create_engine(database.engine.url)
    statement = text("UPDATE case_events SET data = :data WHERE case_id = :case AND seq = :seq")
    with engine.begin() as connection:
        guards: list[str] = []
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
            guards = [row.sql for row in found]
            for row in found:
                connection.execute(text(f"DROP TRIGGER {row.name}"))
        connection.execute(statement, {"data": data, "case": event.case_id, "seq": event.seq})
        for guard in guards:
            connection.exec_driver_sql(guard)
    engine.dispose()


# -- the burden ledger


def sendings(rt: Runtime) -> Iterator[tuple[Case, str, dict[str, Any], dict[str, Any]]]:
    """(case, reason, form, form sent before) of everything that was sent, from the sealed record alone."""
    with rt.read() as session:
        for case in session.scalars(select(Case).where(Case.received_at.is_not(None))):
            before: dict[str, Any] = {"answers": {}, "materials": {}}
            sealed = select(Snapshot).where(Snapshot.case_id == case.id).order_by(Snapshot.n)
            for snapshot in session.scalars(sealed).all():
                form = json.loads(verify_snapshot(session, snapshot) or b"{}")["form"]
                yield case, snapshot.reason, form, before
                before = form


def test_the_burden_ledger_is_a_recount_of_what_was_sent(loaded: Loaded) -> None:
    """Per service and month: applications, fields carried and typed, documents brought, corrections, characters."""
    zone = ZoneInfo("Asia/Shanghai")
    meant: dict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    for case, reason, form, before in sendings(loaded.rt):
        assert case.received_at is not None
        at = meant[case.service, case.received_at.astimezone(zone).date().replace(day=1)]
        typed = [
            value for name, value in form["answers"].items()
            if form["sources"][name] == "you" and before["answers"].get(name) != value
        ]  # fmt: skip
        if case.parent_case_id is not None:
            typed = []
        at["cases"] += reason == "submit"
        at["corrections"] += reason == "correction"
        # Nobody is ever asked about their own credit: that it is not asked spares nobody anything.
        at["fields"] += len(form["answers"].keys() - {"org.discredited"}) if reason == "submit" else 0
        at["fields_typed"] += len(typed)
        held = {file for files in before["materials"].values() for file in files}
        new = [slot for slot, files in form["materials"].items() if set(files) - held]
        at["documents_brought"] += len(new) if case.parent_case_id is None else 0
        at["characters"] += sum(
            1 if isinstance(value, bool) else len("".join(value) if isinstance(value, list) else str(value))
            for value in typed
        )
    calendar = loaded.rt.calendars.for_area(None)
    with loaded.rt.read() as session:
        found = ledger(session, calendar, months(calendar, calendar.local_date(NOW)), None)
    assert sum(toll.cases for toll in found.values()) > 60
    assert sum(toll.corrections for toll in found.values()) > 2
    told = {key: {name: getattr(toll, name) for name in meant[key]} for key, toll in found.items()}
    assert told == {key: dict(figures) for key, figures in meant.items()}
    restaurant = [toll for (service, _month), toll in found.items() if service == "open_restaurant"]
    assert all(toll.fields_spared is not None and toll.fields_spared > 0.5 for toll in restaurant)
    assert all(toll.median_days is None or toll.median_days > 0 for toll in found.values())

"""Cases by the hundred thousand (`flask demo bulk`), a few hundred of them: they pass every check and live on."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import select

from govservice.models.cases import Case, CaseEvent, Task, Timer
from govservice.operations.auditing import verify_records
from govservice.operations.clock import fire_due
from govservice.operations.demo_bulk import DAYS, bulk
from govservice.operations.effects import deliver_due
from govservice.operations.invariants import check_cases
from tests.web.conftest import Stage
from tests.web.desks import Desks, inputs, words

CASES = 600  # over two years: some are open yet, with timers that still run


def test_bulk_cases_pass_every_check_and_live_on(stage: Stage) -> None:
    """`flask demo bulk --cases N` makes cases that pass `audit verify` and `cases replay`: real events in true chains,
    two years, all ends, open ones with tasks and timers; clerks open them and act."""
    rt, shown = stage.runtime, list[tuple[int, int]]()
    assert bulk(rt, CASES, lambda done, of: shown.append((done, of)), seed="test") == CASES
    assert shown == [(0, CASES), (250, CASES), (500, CASES), (CASES, CASES)]
    report = verify_records(rt)
    assert (report.cases, report.faults) == (CASES, ())
    assert [found for _, broken in check_cases(rt) for found in broken] == []
    with rt.read() as session:
        cases = session.scalars(select(Case)).all()
        tasks = session.scalars(select(Task).where(Task.status.in_(("open", "waiting")))).all()
        armed = session.scalars(select(Timer.case_id).where(Timer.status == "armed")).all()
        asked = session.scalars(select(CaseEvent.case_id).where(CaseEvent.type == "correction.notified")).all()
    ends = Counter(case.outcome for case in cases if case.status == "closed")
    assert set(ends) == {"granted", "refused", "withdrawn"}
    assert len({case.service for case in cases}) > 4
    assert len({case.area for case in cases}) > 1
    assert asked
    live = {case.id for case in cases if case.status == "open"}
    assert live
    assert live == {task.case_id for task in tasks}
    assert live & set(armed)
    span = max(case.opened_at for case in cases) - min(case.opened_at for case in cases)
    assert span > timedelta(days=DAYS * 0.9)

    desks = Desks(stage)
    assert desks.at("li.na").get("/clerk/").status_code == 200
    assert desks.at("zhao.lei").get("/supervisor/").status_code == 200
    done = next(case for case in cases if case.status == "closed" and case.area == "huaxi" and case.accepted_at)
    assert desks.at("zhao.lei").get(f"/supervisor/cases/{done.number}").status_code == 200
    window = [t for t in tasks if (t.role, t.department_id, t.status) == ("window", "huaxi.service_hall", "open")]
    numbers = {case.id: case.number for case in cases}
    for number, token in [(numbers[t.case_id], t.token_id) for t in window[:1]]:
        assert desks.at("li.na").get(f"/clerk/cases/{number}").status_code == 200
        form = words(desks.at("li.na").get(f"/clerk/cases/{number}/{token}/accept"))
        assert (
            desks.at("li.na").post(f"/clerk/cases/{number}/{token}/accept", data=inputs(form, "page-form")).status_code
            == 302
        )
    later = rt.now() + timedelta(days=40)
    assert fire_due(rt, later) > 0
    while deliver_due(rt, "test", later):
        pass
    assert verify_records(rt).faults == ()

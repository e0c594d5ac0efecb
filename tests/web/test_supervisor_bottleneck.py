"""The bottleneck is named above everything else: a slow step planted in fifty towns, a step that lets nothing through,
no step at all. The stays are synthetic, so that the truth is known."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, insert

from govservice.models.base import new_id
from govservice.models.cases import Case, Task, Visit
from govservice.queries.turnaround import ENOUGH, StepFigure, bottleneck, quantile
from govservice.web.csv_text import csv_answer, safe_cell
from tests.support.rows import put
from tests.web.cases import Office
from tests.web.conftest import Browser, Stage

DAY = 8 * 3600  # seconds of an office day
SEEDS = 50
SERVICE = "open_restaurant"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The figures themselves are held against a recount on both kinds of database elsewhere."""
    return sqlite_url


class Town:
    """One area with stays of known length in every step of the service."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.rt = stage, stage.runtime
        self.compiled = self.rt.definitions.current(SERVICE)
        self.steps = [
            s for s in self.compiled.steps.values() if s.kind == "human" and s.limit is not None and not s.after_close
        ]
        with self.rt.write() as session:
            self.case = Case(
                id=new_id(), number="AAAAA-AAAAA-AAAAA", service=SERVICE, def_sha=self.compiled.sha, area="huaxi",
                applicant_id=Office(stage).actor("wang.fang").person_id, channel="online", version=1, head="0" * 64,
                last_seq=1, data_rev=0, status="open", opened_at=self.now, received_at=self.now,
            )  # fmt: skip
            put(session, self.case)

    @property
    def now(self) -> Any:
        return self.stage.wall.now()

    def fill(self, stays: dict[str, list[float]]) -> None:
        """Finished stays in working days, by step."""
        rows = [
            {"case_id": self.case.id, "token_id": 1 if "." not in step else 2, "seq": seq, "service": SERVICE,
             "area": "huaxi", "step": step, "department_id": "huaxi.market_reg", "role": "food",
             "entered_at": self.now - timedelta(days=9), "left_at": self.now - timedelta(days=1), "action": "pass",
             "actor": "x", "working_s": int(days * DAY), "elapsed_s": 0, "paused_s": 0, "waited_on": "department"}
            for seq, (step, days) in enumerate((step, d) for step, all in stays.items() for d in all)
        ]  # fmt: skip
        with self.rt.write() as session:
            session.execute(delete(Visit))
            if rows:
                session.execute(insert(Visit), rows)

    def late(self, step: str, count: int) -> None:
        """Open tasks past their step's limit, each of a case of its own."""
        with self.rt.write() as session:
            for n in range(count):
                case = Case(**{c.key: getattr(self.case, c.key) for c in Case.__table__.columns} | {
                    "id": new_id(), "number": f"LATE-{n}"})  # fmt: skip
                put(session, case)
                due = self.now - timedelta(days=1)
                put(session, Task(
                    id=new_id(), case_id=case.id, token_id=1, opened_seq=2, service=SERVICE, area="huaxi", step=step,
                    department_id="huaxi.market_reg", role="head", opened_at=due, step_due_at=due, due_at=due,
                    due_kind="step", status="open",
                ))  # fmt: skip


@pytest.fixture
def town(stage: Stage) -> Town:
    return Town(stage)


@pytest.fixture
def supervisor(town: Town) -> Browser:
    return town.stage.client_as("zhao.lei")


def headline(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)
    assert found
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def test_the_planted_step_is_named_in_fifty_of_fifty(town: Town, supervisor: Browser) -> None:
    """Each step takes its usual share of its limit; one of them, another one each time, is slow for some of its cases.
    Steps with longer limits take longer all the same: length alone makes no bottleneck."""
    for seed in range(SEEDS):
        random = Random(seed)
        slow = random.choice(town.steps)
        stays = {}
        for step in town.steps:
            assert step.limit is not None
            usual = [step.limit.n * random.betavariate(2, 4) for _ in range(random.randrange(20, 60))]
            if step is slow:
                share = random.uniform(0.15, 0.5)  # of its cases
                usual = [d + step.limit.n * random.uniform(0.8, 2.5) if random.random() < share else d for d in usual]
                usual += [step.limit.n * 2.0] * (len(usual) // 8)  # so that one in ten is slow for certain
            stays[step.path] = usual
        town.fill(stays)
        page = supervisor.get(f"/supervisor/?service={SERVICE}").get_data(as_text=True)
        assert headline(page).startswith(f"{slow.title['en']} is the bottleneck."), (seed, headline(page))
        assert page.count("gs-step--worst") == 1
        assert page.index("<h1") < page.index("gs-facts") < page.index("gs-flow"), "before everything else"


def test_the_page_opens_at_the_service_under_the_greatest_strain(town: Town, supervisor: Browser) -> None:
    town.fill({"decision": [9.0] * 10})
    page = supervisor.get("/supervisor/").get_data(as_text=True)
    assert headline(page).startswith("Decision is the bottleneck.")
    assert "one in ten takes 9 working days or more, and the limit is 3" in headline(page)
    assert "<title>Decision is the bottleneck" in page


def test_every_step_within_its_limit(town: Town, supervisor: Browser) -> None:
    town.fill({"decision": [1.0] * 10, "acceptance": [1.5] * 10})
    page = supervisor.get(f"/supervisor/?service={SERVICE}").get_data(as_text=True)
    assert headline(page).startswith("Every step keeps its limit. Acceptance is nearest to it")


def test_nothing_has_passed(town: Town, supervisor: Browser) -> None:
    town.fill({})
    page = supervisor.get(f"/supervisor/?service={SERVICE}").get_data(as_text=True)
    assert headline(page) == "Too few cases have passed to name a bottleneck."
    assert "median 0" not in page, "a step that no case passed has no median"
    assert page.count("no case yet") == len(town.steps)
    table = supervisor.get("/supervisor/steps").get_data(as_text=True)
    assert "No case yet" in table
    assert ">0.0<" not in table
    csv = supervisor.get("/supervisor/steps.csv").get_data(as_text=True)
    assert ",0,0,0,,," in csv, "empty cells, not zeros"


def test_a_step_that_lets_nothing_through_is_named(town: Town, supervisor: Browser) -> None:
    """Nothing left it, so there is no time to compare: what is late there speaks."""
    town.fill({"acceptance": [1.0] * 10})
    town.late("decision", 7)
    page = supervisor.get(f"/supervisor/?service={SERVICE}").get_data(as_text=True)
    assert headline(page).startswith("Decision is the bottleneck. 7 cases wait there and 7 are late")
    assert "Nothing passes" in page


def test_few_late_cases_name_nothing(town: Town, supervisor: Browser) -> None:
    town.fill({"acceptance": [1.0] * 10})
    town.late("decision", ENOUGH - 1)
    page = supervisor.get(f"/supervisor/?service={SERVICE}").get_data(as_text=True)
    assert headline(page).startswith("Nine cases in ten keep the limit of every step.")


def test_a_parallel_steps_own_stay_is_no_step(town: Town, supervisor: Browser) -> None:
    """While departments work, the case itself stands in the parallel step: that is not a department's stay."""
    town.fill({"review": [40.0] * 20, "review.food.desk": [1.0] * 20, "acceptance": [1.5] * 20})
    page = supervisor.get(f"/supervisor/?service={SERVICE}").get_data(as_text=True)
    assert headline(page).startswith("Every step keeps its limit.")
    assert "median 40" not in page
    assert "step=review&" not in html.unescape(page)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.9, 0), ([5], 0.5, 5), ([1, 2, 3, 4], 0.5, 2), (list(range(1, 11)), 0.9, 9), (list(range(1, 12)), 0.9, 10)],
)
def test_nearest_rank(values: list[int], share: float, expected: int) -> None:
    assert quantile(values, share) == expected


def test_a_step_without_a_limit_comes_after_one_that_overruns() -> None:
    free = StepFigure("s", "free", 9, 10, 99 * DAY, 0, 0, 0)
    bound = StepFigure("s", "bound", 9, 10, 2 * DAY, 0, 0, 0)
    assert bottleneck([free, bound], {("s", "bound"): DAY}) is bound
    assert bottleneck([], {}) is None


# -- tables for a spreadsheet


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠x", " =1", "\ufeff=1", "\u3000=1"],
)
def test_no_cell_is_a_formula(stage: Stage, cell: str) -> None:
    with stage.app.test_request_context():
        text = csv_answer("x.csv", ["a"], [[cell]]).get_data(as_text=True)
    value = text.lstrip("\ufeff").splitlines()[1].strip('"')
    assert value.startswith("'"), value
    assert cell in str(safe_cell(cell)), "nothing is lost"


def test_numbers_stay_numbers() -> None:
    assert safe_cell(-1.5) == -1.5
    assert safe_cell(None) == ""
    assert safe_cell("清味小馆") == "清味小馆"

"""Requests of the supervisor's pages that nobody's link makes, and the table as a file."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from govservice.queries.registries import Board
from govservice.queries.turnaround import bottleneck, step_figures
from govservice.web.boards import said
from govservice.web.supervisor.figures import limits_s
from tests.web.history import NOW, History, scope


@pytest.mark.parametrize(
    "query",
    ["service=x", "service=", "area=x", "period=9999", "period=x", "show=open&page=0", "show=open&page=-1",
     "show=open&page=99999999999999999999", "show=open&page=x", "step=' OR 1=1", "show=waiting&step=x",
     "show=waiting&staff=x&role=y&department=z", "show=open&area=huaxi&area=nanming"],
)  # fmt: skip
def test_odd_filters_are_no_fault(history: History, query: str) -> None:
    for page in (
        "",
        "cases",
        "late",
        "steps",
        "workload",
        "steps.csv",
        "burden",
        "burden.csv",
        "burden.json",
        "registries",
    ):
        assert history.supervisor.get(f"/supervisor/{page}?{query}").status_code == 200


def test_an_unknown_list_is_not_there(history: History) -> None:
    for show in ("x", "decided'", "__class__"):
        assert history.supervisor.get(f"/supervisor/cases?show={show}").status_code == 404


def test_the_table_as_csv(history: History) -> None:
    text = history.page("/supervisor/steps.csv?period=90").lstrip("\ufeff")
    rows = [line.split(",") for line in text.splitlines()]
    assert rows[0][:2] == ["Service", "Step"]
    with history.rt.read() as session:
        worst = bottleneck(step_figures(session, scope("open_restaurant"), NOW), limits_s(
            history.rt, history.rt.definitions.current("open_restaurant")))  # fmt: skip
    assert worst is not None
    title = history.rt.definitions.current("open_restaurant").steps[worst.step].title["en"]
    line = next(r for r in rows if r[:2] == ["Open a restaurant", title])
    assert int(line[5]) == worst.n
    assert json.loads(line[7]) == round(worst.p90_s / 28800, 1)


def test_a_registry_that_answered_no_call_does_not_answer_in_part(history: History) -> None:
    """Before so few calls the breaker stays closed; the board says all the same what whoever asked has seen."""
    board = Board("tax", "closed", None, None, calls=2, answered=0.0, median_ms=957, p95_ms=957)
    with history.stage.app.test_request_context(headers={"Accept-Language": "en"}):
        assert said(board) == "Does not answer"
        assert said(replace(board, answered=0.5)) == "Answers in part"
        assert said(replace(board, answered=None, calls=0)) == "Answers"

"""Every answer has a request id and is counted; the log line names the endpoint, not the address."""

from __future__ import annotations

import io
import json

import pytest
from flask import Flask
from prometheus_client import REGISTRY

from govservice.web.requests_log import HEADER, init_request_log


@pytest.fixture
def app() -> Flask:
    made = Flask("govservice", static_folder=None)
    init_request_log(made)
    made.add_url_rule("/cases/<number>", "case_page", lambda number: f"case {number}")
    made.add_url_rule("/broken/<number>", "broken", lambda number: int(number))
    return made


def counted(endpoint: str, status: str) -> float:
    labels = {"endpoint": endpoint, "method": "GET", "status": status}
    return REGISTRY.get_sample_value("portal_requests_total", labels) or 0.0


def test_a_request_is_logged_by_endpoint_and_counted(app: Flask, written: io.StringIO) -> None:
    before = counted("case_page", "200")
    answer = app.test_client().get("/cases/HX-7?q=王芳")
    line = json.loads(written.getvalue().splitlines()[-1])
    assert line["endpoint"] == "case_page"
    assert line["case"] == "HX-7"
    assert line["request_id"] == answer.headers[HEADER]
    assert "王芳" not in written.getvalue()
    assert counted("case_page", "200") == before + 1


def test_a_broken_view_is_logged_without_address_and_words(app: Flask, written: io.StringIO) -> None:
    assert app.test_client().get("/broken/王芳").status_code == 500
    first, second = (json.loads(line) for line in written.getvalue().splitlines())
    assert (first["event"], first["error"]) == ("unhandled exception", "ValueError")
    assert second["status"] == 500
    assert "broken/" not in written.getvalue()
    assert "王芳" not in written.getvalue()


def test_an_unknown_address_is_one_label(app: Flask, written: io.StringIO) -> None:
    before = counted("unknown", "404")
    for number in range(3):
        app.test_client().get(f"/nothing/{number}")
    assert counted("unknown", "404") == before + 3


@pytest.mark.parametrize(("given", "kept"), [("abcdef0123456789", True), ("a b; drop", False), ("x" * 200, False)])
def test_a_request_id_is_taken_over_where_it_is_harmless(
    app: Flask, written: io.StringIO, given: str, kept: bool
) -> None:
    answer = app.test_client().get("/cases/HX-7", headers={HEADER: given})
    assert (answer.headers[HEADER] == given) is kept

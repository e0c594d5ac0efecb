"""Logs are JSON lines with known fields only: what identifies a person cannot get into them."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

from govservice import logs
from govservice.errors import NotAllowed

PERSON = "王芳 990100199001011234"


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_request_and_the_case(written: io.StringIO) -> None:
    logs.bind(request_id="r-1", case="HX-7")
    logs.get("govservice.test").info("task.claimed", user="u-1")
    (line,) = lines(written)
    assert (line["event"], line["request_id"], line["case"], line["user"]) == ("task.claimed", "r-1", "HX-7", "u-1")
    assert line["timestamp"].endswith("Z")


def test_unknown_fields_are_dropped_and_named(written: io.StringIO) -> None:
    logs.get("govservice.test").info("saved", name=PERSON, answers={"person.name": PERSON}, ms=3)
    assert "王芳" not in written.getvalue()
    assert lines(written)[0]["dropped"] == ["answers", "name"]


def test_an_error_is_told_by_type_and_place_not_by_its_message(written: io.StringIO) -> None:
    try:
        raise ValueError(PERSON)
    except ValueError:
        logs.get("govservice.test").exception("failed")
        logging.getLogger("sqlalchemy").exception("INSERT INTO people VALUES (%s)", PERSON)
    assert "王芳" not in written.getvalue()
    for line in lines(written):
        assert line["error"] == "ValueError"
        assert "test_logs.py" in line["frames"][-1]


def test_facts_of_a_refusal_are_kept(written: io.StringIO) -> None:
    try:
        raise NotAllowed("Not now.", code="not_here")
    except NotAllowed:
        logs.get("govservice.test").warning("refused", exc_info=True)
    assert lines(written)[0]["facts"] == {"code": "not_here"}


def test_words_of_foreign_libraries_are_not_repeated(written: io.StringIO) -> None:
    logging.getLogger("some.library").warning("could not read %s", PERSON)
    logging.getLogger("gunicorn.error").info("Booting worker")
    assert [line["event"] for line in lines(written)] == ["log from some", "Booting worker"]


def test_what_builds_a_machine_says_nothing(written: io.StringIO) -> None:
    """A designer who checks a folder reads findings, not a line for each edge of each machine."""
    logging.getLogger("transitions.core").info("Added transition")
    assert lines(written) == []

"""Clause 10 in the browser: the designer's desk. A version comes into force by two people; cases are moved by a map."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from config import ROOT
from tests.web.cases import Office
from tests.web.conftest import Browser, Stage

SERVICE = "open_restaurant"
TEXT = (ROOT / "workflows" / "services" / f"{SERVICE}.yaml").read_text("utf-8")
NEW = TEXT.replace("promised: 15wd", "promised: 12wd", 1)


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


def upload(browser: Browser, text: str) -> tuple[int, str, str]:
    """(status, where to, page) after proposing a file."""
    form = {"file": (io.BytesIO(text.encode()), "new.yaml"), "csrf_token": browser.token("/designer/")}
    answer = browser.post("/designer/propose", data=form, content_type="multipart/form-data")
    return answer.status_code, str(answer.location or ""), answer.get_data(as_text=True)


def test_two_people_put_a_version_in_force_and_back(stage: Stage, office: Office) -> None:
    """ "a designer proposes, another designer/supervisor-like second person approves; never the same person"."""
    office.submitted("wang.fang", SERVICE, "huaxi")
    qian, zhao = stage.client_as("qian.yu"), stage.client_as("zhao.lei")
    assert "Propose another version" in qian.get("/designer/").get_data(as_text=True)
    assert "Propose another version" not in zhao.get("/designer/").get_data(as_text=True)
    status, where, _ = upload(qian, NEW)
    assert status == 303
    page = qian.get(where).get_data(as_text=True)
    assert "limits.decision.promised" in page
    assert ">15wd<" in page
    assert ">12wd<" in page
    assert "Put in force</button>" not in page, "whoever proposed it has no such button"
    assert qian.send(f"{where}/approve", page=where).status_code == 409, "nor may they without it"
    assert zhao.send("/designer/propose", page="/designer/").status_code == 404
    assert "Look at the proposal" in zhao.get("/designer/").get_data(as_text=True)
    assert "Put in force</button>" in zhao.get(where).get_data(as_text=True)
    done = zhao.send(f"{where}/approve", page=where)
    assert (done.status_code, done.location) == (303, f"/designer/services/{SERVICE}")
    assert zhao.send(f"{where}/approve", page="/designer/").status_code == 409, "once only"
    assert stage.runtime.definitions.current(SERVICE).limits["decision"].promised is not None
    shown = qian.get(f"/designer/services/{SERVICE}").get_data(as_text=True)
    assert "Propose to go back to version 1" in shown
    back = qian.send(f"/designer/services/{SERVICE}/back/1", page=f"/designer/services/{SERVICE}")
    assert back.status_code == 303
    refused = zhao.send(f"{back.location}/refuse", {"reason": "it is better as it is"}, page=str(back.location))
    assert refused.status_code == 303
    assert "it is better as it is" in qian.get(str(back.location)).get_data(as_text=True)
    assert zhao.send(f"{back.location}/refuse", {"reason": " "}, page="/designer/").status_code in (409, 422)


def test_what_does_not_hold_is_shown_with_its_findings(stage: Stage) -> None:
    qian = stage.client_as("qian.yu")
    status, _, page = upload(qian, TEXT.replace("to: acceptance,", "to: aceptance,", 1))
    assert status == 422
    assert "E-UNKNOWN-STEP" in page
    assert "did you mean" in page
    assert "There is no such step" in page, "what the code means, in the language of the page"
    assert "<title>Error: " in page
    status, _, page = upload(qian, "")
    assert (status, 'href="#file"' in page, "Versions of services" in page) == (422, True, True), "said on the page"
    assert upload(qian, "x" * 300_000)[0] == 422
    assert upload(qian, "&a [*a, *a]")[0] == 422


def test_the_dry_run_lists_every_case_that_stays(stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Also a designer's UI for the dry run result": who would move, who would stay and why, and then they move."""
    number = office.submitted("wang.fang", SERVICE, "huaxi")
    other = office.submitted("wang.fang", SERVICE, "huaxi")
    office.do("li.na", other, "accept")
    qian, zhao = stage.client_as("qian.yu"), stage.client_as("zhao.lei")
    renamed = NEW.replace("\n  acceptance:", "\n  intake_desk:").replace("to: acceptance,", "to: intake_desk,")
    where = upload(qian, renamed)[1]
    assert zhao.send(f"{where}/approve", page=where).status_code == 303
    address = f"/designer/services/{SERVICE}/move/1"
    assert address in qian.get(f"/designer/services/{SERVICE}").get_data(as_text=True)
    page = qian.get(address).get_data(as_text=True)
    assert "1 cases would move, 1 would stay" in page
    assert number in page
    assert "The step acceptance has no place in the new version." in page
    assert zhao.get(address).status_code == 404
    before = office.fingerprint()
    assert office.fingerprint() == before
    done = qian.send(address, page=address).get_data(as_text=True)
    assert "1 cases moved, 1 stay." in done
    assert office.state(other).def_sha == stage.runtime.definitions.current(SERVICE).sha
    assert office.state(number).def_sha != office.state(other).def_sha
    history = stage.client_as("zhao.lei").get(f"/supervisor/cases/{other}").get_data(as_text=True)
    assert "The case moved to another version of the service" in history


def test_the_desk_speaks_chinese_too(stage: Stage, tmp_path: Path) -> None:
    qian = stage.client_as("qian.yu")
    qian.set_cookie("language", "zh")
    page = qian.get("/designer/").get_data(as_text=True)
    assert "事项版本" in page
    assert not re.search(r">[A-Z][a-z]+ [a-z]+ [a-z]+<", page.split("<main")[1].split("</main>")[0])

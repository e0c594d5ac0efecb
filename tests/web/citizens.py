"""What citizens do in tests of the web: begin a filing, fill it in, send it."""

from __future__ import annotations

import io
import re
from typing import Any

from tests.web.cases import PDF
from tests.web.conftest import Browser

INPUT = re.compile(r'<input [^>]*type="hidden"[^>]*>')


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the page's own form."""
    inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in INPUT.findall(page.partition("<main")[2])]
    return {each["name"]: each["value"] for each in inputs}


PARTY = re.compile(r'name="party"[^>]*value="([^"]+)"')


def begin(browser: Browser) -> str:
    """The number of a draft whose purpose page was agreed to; no register answers in these tests."""
    page = text_of(browser.get("/services/open_restaurant/start"))
    party = PARTY.search(page)
    assert party, page
    sent = browser.post("/services/open_restaurant/start", data={**hidden(page), "party": party[1]})
    number = re.search(r"/my/cases/([^/]+)/purpose", sent.headers["Location"])
    assert number, sent.headers
    agreed = browser.send(f"/my/cases/{number[1]}/purpose")
    assert agreed.headers["Location"].endswith("/tasks")
    return number[1]


ANSWERS: dict[str, dict[str, Any]] = {
    "premises": {
        "premises.title_no": "黔（2024）花溪区不动产权第 0012345 号", "premises.address": "花溪区清溪路 86 号",
        "premises.district": "huaxi", "premises.area": "３２６．４０",
    },
    "menu": {"menu.kind": ["cold", "hot"], "menu.seats": " ６８ "},
    "sign": {"signage.text": "清味小馆"},
}  # fmt: skip


def fill(browser: Browser, number: str) -> None:
    for page, answers in ANSWERS.items():
        sent = browser.send(f"/my/cases/{number}/pages/{page}", answers)
        assert sent.status_code == 303, (page, text_of(sent))
    materials = ("layout", "rules", "title_deed", "health_certificates")
    for slot in materials:
        address = f"/my/cases/{number}/documents/{slot}"
        sent = browser.send(address, {"file": (io.BytesIO(PDF), "材料 一.pdf"), "then": "go"})
        assert sent.status_code == 303, (slot, text_of(sent))


def send(browser: Browser, number: str) -> Any:
    page = text_of(browser.get(f"/my/cases/{number}/check"))
    return browser.post(f"/my/cases/{number}/check", data=hidden(page))

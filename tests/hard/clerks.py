"""Members of staff at real browsers' addresses: they claim, act and release over HTTP, each in a thread of their own.

A request whose connection broke, or that was answered by 503, is sent again as it was, as a browser's user would: the
same key, so that whichever of the two was done counts once. Anything but a redirect, a conflict or "try again soon" is
a fault of the portal.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from dataclasses import dataclass, field
from html import unescape
from random import Random
from typing import Any

import httpx
from sqlalchemy import text

from govservice.models.base import new_id
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.runtime import Runtime
from tests.hard.ledger import Ledger

# login: (role, kind of department, the action of that desk)
DESKS = {
    "li.na": ("window", "huaxi.service_hall", "accept"),
    "sun.min": ("urban", "huaxi.urban_mgmt", "pass"),
    "zhou.jie": ("fire", "huaxi.fire_rescue", "pass"),
}
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')
DONE, CONFLICT, LATER = (302, 303), (404, 409), (429, 503)
PATIENCE = 45.0  # seconds for one request, whatever is killed meanwhile: more, and the portal is not there


class Gone(Exception):
    """The portal answers nobody any more."""


@dataclass
class Clerk(threading.Thread):
    """`broken` counts requests that were cut off, `strange` answers that no person should see."""

    url: str
    login: str
    rt: Runtime
    ledger: Ledger
    ending: threading.Event
    broken: int = 0
    later: int = 0
    acts: int = 0
    under_way: float = 0.0  # when the request that is out was sent; 0: none is out
    strange: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(name=self.login, daemon=True)
        self.random = Random(self.login)
        self.client = httpx.Client(base_url=self.url, timeout=10, headers={"Accept-Language": "en"})
        self.csrf = ""
        with self.rt.read() as session:
            query = text("SELECT id FROM users WHERE login = :login")
            self.user_id = str(session.execute(query, {"login": self.login}).scalar_one())

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        with contextlib.suppress(Gone):  # told among what is strange
            self.sign_in()
            while not self.ending.is_set():
                task = self.task()
                if task is None:
                    time.sleep(0.05)
                    continue
                self.work(*task)

    def sign_in(self) -> None:
        page = self.fetch("GET", "/sign-in")
        form = {**hidden(page.text), "login": self.login, "password": PASSWORD}
        self.fetch("POST", "/sign-in", data=form)

    def task(self) -> tuple[str, int] | None:
        """A task of this desk, some of the oldest."""
        role, department, _ = DESKS[self.login]
        query = text(
            "SELECT c.number, t.token_id FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.status = 'open' AND "
            "t.role = :role AND t.department_id = :department AND t.assignee_id IS NULL ORDER BY t.id DESC LIMIT 20"
        )
        try:
            with self.rt.read() as session:
                found = session.execute(query, {"role": role, "department": department}).all()
        except Exception:  # the database is being restarted under us: this is the rig's own question
            return None
        return tuple(self.random.choice(found)) if found else None

    def work(self, number: str, token: int) -> None:
        at = f"/clerk/cases/{number}/{token}"
        page = self.fetch("GET", f"{at}/{DESKS[self.login][2]}")
        if page.status_code != 200:
            return
        form = hidden(page.text)
        self.csrf = form.get("csrf_token", self.csrf)
        if not self.send(f"{at}/claim", {"csrf_token": self.csrf, "idem": new_id()}):
            return
        if self.random.random() < 0.4:
            self.send(f"{at}/release", {"csrf_token": self.csrf, "idem": new_id()})
        else:
            self.send(f"{at}/{DESKS[self.login][2]}", form)

    def send(self, address: str, form: dict[str, str]) -> bool:
        """Whether it was done; the acknowledgement is written down."""
        *_, token, act = address.split("/")
        key = f"{form['idem']}:{act}:{token}" if act in ("claim", "release") else form["idem"]  # as the page has it
        self.ledger.asked(self.user_id, key)
        answer = self.fetch("POST", address, data=form)
        if answer.status_code in DONE:
            self.acts += 1
            self.ledger.told(self.user_id, key)
            return True
        self.ledger.refused(self.user_id, key)
        return False

    def fetch(self, method: str, address: str, **more: Any) -> httpx.Response:
        """The answer, however often it has to be asked for. A portal that answers nobody for long is a fault of its
        own: told as such, and the clerk goes home."""
        until, last = time.monotonic() + PATIENCE, ""
        while True:
            if time.monotonic() > until:
                self.strange.append(f"{method} {address.rpartition('/')[2]}: nothing for {PATIENCE:.0f} s, last {last}")
                raise Gone
            self.under_way = time.monotonic()
            try:
                answer = self.client.request(method, address, **more)
            except httpx.TransportError as error:
                self.broken, last = self.broken + 1, type(error).__name__
                time.sleep(0.02)
                continue
            finally:
                self.under_way = 0.0
            if answer.status_code in LATER:
                self.later, last = self.later + 1, str(answer.status_code)
                time.sleep(0.1)
                continue
            if answer.status_code not in (200, *DONE, *CONFLICT):
                self.strange.append(f"{method} {address.rpartition('/')[2]}: {answer.status_code}")
            return answer


def hidden(page: str) -> dict[str, str]:
    """The hidden inputs of the page's main form, by name."""
    main = page[page.find("<main") :]
    found = {}
    for tag in HIDDEN.findall(main):
        given = dict(ATTRIBUTE.findall(tag))
        if "name" in given:
            found[given["name"]] = unescape(given.get("value", ""))
    return found

"""Signing in and out, and what a session is worth: on both databases, seen from the browser's side."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from config import PaymentAccount
from govservice.app import StartRefused
from govservice.models.accounts import Role, Session, User
from govservice.operations import accounts, passwords
from govservice.operations.sessions import hash_of
from tests.web.conftest import Stage

VARIES = re.compile(r'<input[^>]*(?:name="csrf_token"|id="login")[^>]*>')  # the token, and what was typed


def cookie(client: FlaskClient, name: str = "session") -> str | None:
    found = client.get_cookie(name)
    return found.value if found else None


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def test_everybody_of_the_cast_can_sign_in_and_sees_the_own_name(stage: Stage) -> None:
    for login, name in (("wang.fang", "王芳"), ("li.na", "Li Na"), ("zhao.lei", "Zhao Lei"), ("qian.yu", "Qian Yu")):
        page = stage.client_as(login).get("/account")
        assert page.status_code == 200
        assert name in page.get_data(as_text=True)


def test_signing_in_ends_where_it_began(stage: Stage) -> None:
    client = stage.client()
    refused = client.get("/account/sessions?x=1")
    assert refused.status_code == 302
    assert refused.location == "/sign-in?next=/account/sessions?x%3D1"
    assert client.sign_in("wang.fang", next="/account/sessions?x=1").location == "/account/sessions?x=1"


# -- one answer for all that is wrong


def test_unknown_wrong_and_disabled_are_one_answer_and_one_work(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.disable(stage.runtime, "liu.yang", now=stage.wall.now())
    worked: list[str] = []

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            worked.append(stored[:20])
            return bool(real.verify(stored, password))

        def check_needs_rehash(self, stored: str) -> bool:
            return False

        hash = staticmethod(passwords.HASHER.hash)

    real = passwords.HASHER
    monkeypatch.setattr(passwords, "HASHER", Counting())
    tries = [("wang.fang", "wrong wrong"), ("nobody.here", "wrong wrong"), ("liu.yang", "guiyang-demo"), ("'; --", "x")]
    answers = []
    for login, password in tries:
        answer = stage.client().sign_in(login, password)
        body = VARIES.sub("", answer.get_data(as_text=True))
        answers.append((answer.status_code, body, sorted(answer.headers.keys())))
    assert len(worked) == len(tries)
    assert len(set(worked)) == 1, "the same parameters for somebody and for nobody"
    assert answers[0][0] == 422
    assert all(a == answers[0] for a in answers)


# -- the token


def test_no_cookie_without_need(stage: Stage) -> None:
    client = stage.client()
    for path in ("/", "/healthz", "/no-such-page", "/static/css/portal.css"):
        assert "Set-Cookie" not in client.get(path).headers, path
    assert cookie(client) is None
    client.get("/sign-in")  # a form needs a token
    assert cookie(client)
    with stage.runtime.read() as session:
        assert session.scalars(select(Session)).all() == [], "a visitor makes no row"


def test_the_token_changes_at_sign_in_and_only_its_hash_is_kept(stage: Stage) -> None:
    client = stage.client()
    client.get("/sign-in")
    before = cookie(client)
    client.sign_in("wang.fang")
    after = cookie(client)
    assert before
    assert after
    assert before != after
    with stage.runtime.read() as session:
        (row,) = session.scalars(select(Session)).all()
        assert row.id == hash_of(after)
        assert after not in str(row.data)
    planted = stage.client()
    planted.set_cookie("session", before)
    assert not is_in(planted)


def test_a_planted_token_is_worth_nothing_after_sign_in(stage: Stage) -> None:
    victim, planted = stage.client(), "A" * 43
    victim.set_cookie("session", planted)
    victim.sign_in("wang.fang")
    attacker = stage.client()
    attacker.set_cookie("session", planted)
    assert is_in(victim)
    assert not is_in(attacker)


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "../../etc", "é" * 43, "A" * 5000, "null", '{"user_id": 1}'])
def test_a_made_up_token_opens_nothing(stage: Stage, value: str) -> None:
    client = stage.client()
    client.environ_base["HTTP_COOKIE"] = f"session={value}".encode().decode("latin-1")
    assert client.get("/account").status_code == 302


# -- ending it


def test_signing_out_ends_the_session_for_good(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    kept = cookie(client)
    assert client.send("/sign-out", page="/account").status_code == 303
    assert cookie(client) is None
    replay = stage.client()
    replay.set_cookie("session", str(kept))
    assert not is_in(replay)
    assert "Your session has ended" in replay.get("/sign-in").get_data(as_text=True)


def test_a_new_password_ends_every_other_session(stage: Stage) -> None:
    here, elsewhere = stage.client_as("wang.fang"), stage.client_as("wang.fang")
    old = cookie(here)
    form = {"current": "guiyang-demo", "password": "a much longer pass phrase"}
    assert here.send("/account/password", form).status_code == 303
    assert is_in(here)
    assert cookie(here) != old
    assert not is_in(elsewhere)
    assert stage.client().sign_in("wang.fang").status_code == 422
    assert stage.client().sign_in("wang.fang", "a much longer pass phrase").status_code == 303


def test_a_disabled_user_is_out_at_once_on_every_worker(stage: Stage, make_stage: Callable[..., Stage]) -> None:
    client, other_worker = stage.client_as("li.na"), make_stage()
    there = other_worker.client()
    there.set_cookie("session", str(cookie(client)))
    assert is_in(client)
    assert is_in(there)
    assert accounts.disable(stage.runtime, "li.na", now=stage.wall.now()) == 1
    assert not is_in(client)
    assert not is_in(there)
    accounts.enable(stage.runtime, "li.na")
    assert not is_in(client), "enabling gives no old session back"


def test_a_user_disabled_behind_the_portals_back_is_out_as_well(stage: Stage) -> None:
    client = stage.client_as("li.na")
    with stage.runtime.write() as session:
        session.execute(update(User).where(User.login == "li.na").values(disabled_at=stage.wall.now()))
    assert not is_in(client)


def test_a_reset_ends_the_sessions_and_the_old_password(stage: Stage) -> None:
    client = stage.client_as("li.na")
    fresh = accounts.reset(stage.runtime, "li.na", now=stage.wall.now())
    assert not is_in(client)
    assert stage.client().sign_in("li.na").status_code == 422
    assert stage.client().sign_in("li.na", fresh).status_code == 303


def test_a_lost_role_is_lost_at_once(stage: Stage) -> None:
    client = stage.client_as("zhao.lei")
    assert "Supervisor" in client.get("/account").get_data(as_text=True)
    with stage.runtime.write() as session:
        user = session.scalars(select(User).where(User.login == "zhao.lei")).one()
        for role in session.scalars(select(Role).where(Role.user_id == user.id)):
            session.delete(role)
    assert "Supervisor" not in client.get("/account").get_data(as_text=True)
    assert client.get("/supervisor/").status_code == 404


def test_others_can_be_signed_out(stage: Stage) -> None:
    here, elsewhere, somebody = (stage.client_as(x) for x in ("wang.fang", "wang.fang", "chen.wei"))
    assert here.get("/account/sessions").get_data(as_text=True).count("Another browser") == 1
    assert here.send("/account/sessions/others", page="/account/sessions").status_code == 303
    assert (is_in(here), is_in(elsewhere), is_in(somebody)) == (True, False, True)


# -- time


def test_a_session_ends_unused_and_lives_while_used(stage: Stage) -> None:
    used, unused = stage.client_as("wang.fang"), stage.client_as("chen.wei")
    for _ in range(4):
        stage.wall.advance(timedelta(minutes=25))
        assert is_in(used)
    assert not is_in(unused)
    stage.wall.advance(timedelta(minutes=31))
    assert not is_in(used)


def test_a_session_does_not_live_for_ever(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    for _ in range(12 * 3 - 1):
        stage.wall.advance(timedelta(minutes=20))
        assert is_in(client)
    stage.wall.advance(timedelta(minutes=21))
    assert not is_in(client)


def test_reading_pages_seldom_writes(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    writes: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            writes.append(statement)

    event.listen(stage.runtime.database.engine, "before_cursor_execute", note)
    try:
        for _ in range(10):
            client.get("/account")
        assert writes == []
        stage.wall.advance(timedelta(seconds=61))
        client.get("/account")
        client.get("/account")
        assert len(writes) == 1
    finally:
        event.remove(stage.runtime.database.engine, "before_cursor_execute", note)


# -- outside demo mode

PAY = PaymentAccount("https://pay.example", "portal", bytes(32))
PRODUCTION = {
    "payment": PAY,
    "mode": "production", "base_url": "https://portal.example", "secure_cookies": True, "clock": "wall",
}  # fmt: skip


@pytest.mark.empty
def test_cookies_outside_demo_mode(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(**PRODUCTION)
    roles = [("window", "huaxi.service_hall")]
    name = {"en": "A", "zh": "甲"}
    accounts.create_staff(stage.runtime, "a.clerk", "long enough 1", name=name, roles=roles, now=stage.wall.now())
    client = stage.client()
    base = {"base_url": "https://portal.example"}
    token = re.search(r'csrf_token"[^>]*value="([^"]+)', client.get("/sign-in", **base).get_data(as_text=True))
    assert token
    form = {"login": "a.clerk", "password": "long enough 1", "csrf_token": token.group(1)}
    answer = client.post("/sign-in", data=form, **base)
    assert answer.status_code == 303
    cookies = {c.split("=")[0]: {p.strip() for p in c.split(";")[1:]} for c in answer.headers.getlist("Set-Cookie")}
    assert cookies["__Host-session"] == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= cookies["__Host-device"]
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert client.get("/account", **base).status_code == 200
    assert client.get("/account", base_url="https://evil.example").status_code == 400


def test_demo_accounts_keep_the_portal_from_starting_outside_demo_mode(
    stage: Stage, make_stage: Callable[..., Stage]
) -> None:
    with pytest.raises(StartRefused, match="demonstration accounts"):
        make_stage(**PRODUCTION)


@pytest.mark.empty
def test_a_service_with_a_fee_and_nobody_to_pay_keeps_the_portal_from_starting(
    make_stage: Callable[..., Stage],
) -> None:
    with pytest.raises(StartRefused, match=r"building_permit.*PAYMENT_URL"):
        make_stage(**{**PRODUCTION, "payment": None})


@pytest.mark.empty
def test_the_sign_in_page_names_the_cast_in_demo_mode_only(make_stage: Callable[..., Stage]) -> None:
    shown = make_stage().client().get("/sign-in").get_data(as_text=True)
    hidden = make_stage(**PRODUCTION).client()
    page = hidden.get("/sign-in", base_url="https://portal.example").get_data(as_text=True)
    assert "guiyang-demo" in shown
    assert "guiyang-demo" not in page


# -- where to go afterwards

FOREIGN = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "https://evil.example", "http:evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://evil",
    "/\tevil", "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "\x00//evil.example",
    " //evil.example", "/ /evil.example", "//evil.example/%2f..", "/%09/evil.example"[:1] + "\t/evil.example",
    "//[::1]", "//[evil", "https://localhost@evil.example", "//localhost@evil.example", "evil.example",
    "evil.example/path",
    "@evil.example", "?next=//evil.example", "#//evil.example", "..//evil.example", "/\u2028/evil", "/\u200b/evil",
    "\u3000//evil.example", "//\u0435vil.example", "/" + "a" * 3000,
]  # fmt: skip


def test_nobody_is_sent_elsewhere_after_sign_in(stage: Stage) -> None:
    for target in FOREIGN:
        answer = stage.client().sign_in("wang.fang", next=target)
        assert answer.status_code in (303, 400), target  # 400: signs that nobody can type
        if answer.status_code == 303:
            assert answer.location in ("/", "/account"), target


def test_there_are_forty_of_them() -> None:
    assert len(FOREIGN) >= 40


def test_staying_signed_in_prolongs_the_session_without_leaving_the_page(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    page = client.get("/account").get_data(as_text=True)
    assert 'data-session-end="1800"' in page
    token = client.token("/account")
    stage.wall.advance(timedelta(minutes=27))
    answer = client.post("/account/still-here", data={"csrf_token": token})
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "1800")
    stage.wall.advance(timedelta(minutes=27))
    assert is_in(client)
    stage.wall.advance(timedelta(hours=11))
    assert client.post("/account/still-here", data={"csrf_token": token}).status_code == 302

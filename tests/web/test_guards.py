"""What holds for every request and answer: forms' tokens, origins, hosts, sizes, headers, fault pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from govservice import errors
from govservice.web.access import audience
from tests.web.conftest import Browser, Stage
from tests.web.test_access_matrix import SAMPLES


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """These guards stand before the database: one kind is enough."""
    return sqlite_url


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


# -- forms


def posts(stage: Stage) -> list[tuple[str, str]]:
    """Every address that takes a form, with arguments filled in."""
    found = []
    for rule in stage.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
            values = {
                name: SAMPLES.get(f"{rule.endpoint}.{name}", SAMPLES.get(name, "AAAAA-BBBBB-CCCCC"))
                for name in rule.arguments
            }
            with stage.app.test_request_context():
                from flask import url_for

                found.append((method, url_for(rule.endpoint, **values)))  # type: ignore[arg-type]
    return found


def test_no_form_without_its_token(stage: Stage) -> None:
    clients = {who: stage.client_as(who) for who in ("wang.fang", "li.na", "zhao.lei")}
    foreign = stage.client_as("chen.wei").token("/account")
    tried = 0
    for method, address in posts(stage):
        for who, client in clients.items():
            for form in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": foreign}):
                answer = client.open(address, method=method, data=form)
                assert answer.status_code in (400, 404), f"{who} {method} {address} {form}"
                tried += answer.status_code == 400
            for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://localhost:81"):
                form = {"csrf_token": client.token("/account")}
                answer = client.open(address, method=method, data=form, headers={"Origin": origin})
                assert answer.status_code in (400, 404), f"{who} {method} {address} from {origin}"
    assert tried > 50


def test_a_cross_site_form_is_refused_even_with_a_token(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    form = {"csrf_token": client.token("/account")}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Referer": "https://evil/x"}):
        assert client.post("/sign-out", data=form, headers=headers).status_code == 400
    assert client.get("/account").status_code == 200
    assert client.post("/sign-out", data=form, headers={"Origin": "http://localhost"}).status_code == 303


def test_signing_in_needs_the_token_of_this_browser(stage: Stage) -> None:
    stolen = stage.client().token()
    form = {"login": "wang.fang", "password": "guiyang-demo", "csrf_token": stolen}
    assert stage.client().post("/sign-in", data=form).status_code == 400


def test_a_token_is_worth_nothing_after_sign_in_and_out(stage: Stage) -> None:
    client = stage.client()
    before = client.token()
    client.sign_in("wang.fang")
    assert client.post("/account/sessions/others", data={"csrf_token": before}).status_code == 400


def test_the_refusal_speaks_the_readers_language(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    client.set_cookie("language", "zh")
    page = client.post("/sign-out").get_data(as_text=True)
    assert "这个页面已失效" in page
    assert 'lang="zh-CN"' in page


# -- headers


@pytest.mark.parametrize("path", ["/", "/sign-in", "/account", "/no-such-page", "/static/css/portal.css", "/healthz"])
def test_headers_of_every_answer(stage: Stage, path: str) -> None:
    headers = stage.client_as("wang.fang").get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers, "a demonstration on http must not bind the browser"


def test_a_page_of_somebody_is_kept_nowhere(stage: Stage) -> None:
    assert stage.client_as("wang.fang").get("/account").headers["Cache-Control"] == "no-store"
    assert stage.client_as("wang.fang").get("/").headers["Cache-Control"] == "no-store"
    assert stage.client().get("/").headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in stage.client().get("/").headers["Vary"]
    fingerprinted = re.search(r"/static/css/portal\.[0-9a-f]+\.css", stage.client().get("/").get_data(as_text=True))
    assert fingerprinted
    assert "immutable" in stage.client().get(fingerprinted.group()).headers["Cache-Control"]


def test_a_nonce_stands_in_the_policy_only_where_it_is_used(stage: Stage) -> None:
    from flask import render_template_string

    view = audience("anyone")(lambda: render_template_string('<script nonce="{{ csp_nonce() }}">1</script>'))
    stage.app.add_url_rule("/with-a-nonce", "with_a_nonce", view)
    answer = stage.client().get("/with-a-nonce")
    nonce = re.search(r'nonce="([^"]+)"', answer.get_data(as_text=True))
    assert nonce
    assert f"script-src 'self' 'nonce-{nonce.group(1)}'" in answer.headers["Content-Security-Policy"]
    assert stage.client().get("/with-a-nonce").get_data() != answer.get_data()


def test_no_inline_script_or_style_on_any_page(stage: Stage) -> None:
    """What the policy would block is not there in the first place."""
    for who in ("wang.fang", "li.na", "zhao.lei"):
        client = stage.client_as(who)
        for path in ("/", "/sign-in", "/account", "/clerk/", "/supervisor/", "/my/cases", "/services/open_restaurant"):
            page = client.get(path, follow_redirects=True).get_data(as_text=True)
            assert not re.search(r"<script(?![^>]*\ssrc=)", page), path
            assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", page), path


# -- methods and hosts


def test_methods(stage: Stage) -> None:
    client = stage.client()
    assert client.open("/", method="TRACE").status_code == 405
    assert client.open("/", method="PROPFIND").status_code == 405
    assert client.put("/sign-in").status_code in (400, 405)
    head, get = client.head("/"), client.get("/")
    assert head.status_code == 200
    assert head.get_data() == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert "POST" in client.options("/sign-in").headers["Allow"]
    assert client.get("/sign-out").status_code == 405


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:80", "127.0.0.1.evil", "[::2]", "[", "a b", "x" * 60],
)
def test_a_foreign_host_is_not_served(stage: Stage, host: str) -> None:
    answer = stage.client().get("/sign-in", headers={"Host": host})
    assert answer.status_code == 400
    assert b"<form" not in answer.data
    assert "Set-Cookie" not in answer.headers
    assert stage.client().get("/healthz", headers={"Host": host}).status_code == 200


def test_the_own_hosts_are_served(stage: Stage) -> None:
    for host in ("localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        assert stage.client().get("/", headers={"Host": host}).status_code == 200, host


# -- what comes


def test_a_large_body_is_refused_unread(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    token = client.token("/account")
    for address in ("/account/password", "/sign-in", "/sign-out"):
        form = {"csrf_token": token, "current": "x" * 300_000}
        answer = client.post(address, data=form)
        assert answer.status_code == 413, address
        assert "This is too large" in answer.get_data(as_text=True)
    many = client.post("/sign-in", data={f"f{n}": "" for n in range(20_000)})
    assert many.status_code in (400, 413)
    claimed = client.post("/sign-in", headers={"Content-Length": str(10**12)}, input_stream=None)
    assert claimed.status_code in (400, 413)


def test_what_nobody_can_type_is_refused(stage: Stage) -> None:
    client = stage.client_as("wang.fang")
    for path in ("/%00", "/search?q=%00", "/services/%00", "/search?%00=1", "/my/cases/%00"):
        assert client.get(path).status_code == 400, path
    form = {"csrf_token": client.token("/account"), "current": "a\x00b", "password": "x"}
    assert client.post("/account/password", data=form).status_code == 400


ODD = [
    "",
    "%ff%fe",
    "%ed%a0%80",
    "𠮷",
    "a" * 5000,
    "..%2f..%2fetc",
    "'",
    '"><svg onload=1>',
    "{{7*7}}",
    "%0d%0aX: y",
    "1e400",
]


ASKED = (
    "/search?q=ODD", "/verify?code=ODD", "/verify/ODD", "/services/ODD", "/my/cases/ODD", "/clerk/cases/ODD",
    "/clerk/?page=ODD&service=ODD", "/sign-in?next=ODD", "/language/ODD?back=ODD", "/static/ODD", "/my/files/ODD",
    "/ODD",
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_odd_addresses_are_no_fault(stage: Stage, odd: str) -> None:
    for who in (stage.client(), stage.client_as("wang.fang"), stage.client_as("li.na")):
        for path in ASKED:
            path = path.replace("ODD", odd)
            answer = who.get(path)
            assert answer.status_code < 500, path
            assert "<svg onload=1>" not in answer.get_data(as_text=True)
            assert ">49<" not in answer.get_data(as_text=True)


# -- fault pages


FAULTS: list[tuple[errors.PortalError, int, str]] = [
    (errors.NotFound(), 404, "Page not found"),
    (errors.Forbidden("four_eyes"), 409, "You may not do this."),
    (errors.NotAllowed(), 409, "This is not possible at the moment."),
    (errors.Stale(), 409, "Somebody acted on this before you."),
    (errors.LostRace(), 409, "at the same moment"),
    (errors.Missing(["reason"]), 422, "Something is missing."),
    (errors.Invalid({"x": "Choose a language."}), 422, "Choose a language."),
    (
        errors.TooLarge("The file is larger than %(max_mb)s MB. Choose a smaller one.", max_mb=20),
        413,
        "larger than 20 MB",
    ),
    (errors.TooMany(17), 429, "Try again in 17 seconds."),
    (errors.Unavailable(), 503, "This does not answer at the moment."),
    (errors.Tampered("A seal of %(n)s broke", n=1), 500, "Something went wrong on our side"),
]


@pytest.fixture
def failing(stage: Stage) -> Callable[[Exception], Any]:
    """Answers with whatever the test wants raised."""
    fault: list[Exception] = []

    def view() -> str:
        raise fault[0]

    stage.app.add_url_rule("/fault", "fault", audience("anyone")(view), methods=["GET", "POST"])

    def ask(raised: Exception, client: Browser | None = None, **kw: Any) -> Any:
        fault[:] = [raised]
        who = client or stage.client_as("wang.fang")
        return who.post("/fault", data={"csrf_token": who.token("/account"), **kw}) if kw else who.get("/fault")

    return ask


@pytest.mark.parametrize(("fault", "status", "words"), FAULTS, ids=lambda v: type(v).__name__)
def test_domain_errors_become_pages(failing: Callable[..., Any], fault: Exception, status: int, words: str) -> None:
    answer = failing(fault)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert words in page
    assert answer.headers["X-Request-ID"] in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert "A seal of" not in page, "what is wrong inside is for the log"
    assert ("Retry-After" in answer.headers) == (status in (429, 503))


def test_the_note_typed_is_kept_on_the_page(failing: Callable[..., Any]) -> None:
    page = failing(errors.Stale(), note="<b>两页笔记</b> & more", reason="because", other="not this").get_data(
        as_text=True
    )
    assert "&lt;b&gt;两页笔记&lt;/b&gt; &amp; more" in page
    assert "because" in page
    assert "not this" not in page


def test_what_happened_since_is_told(stage: Stage, failing: Callable[..., Any]) -> None:
    from sqlalchemy import select

    from govservice.engine import Event
    from govservice.models.accounts import User

    with stage.runtime.read() as session:
        he = session.scalars(select(User.id).where(User.login == "he.tao")).one()
    events = [
        Event(3, "2026-03-02T02:31:00.000000Z", "action_taken", 1, he, None, 1, {}, "k"),
        Event(4, "2026-03-02T02:32:00.000000Z", "timer_fired", 1, "system", None, 1, {}, "k"),
    ]
    page = failing(errors.Stale(events=events)).get_data(as_text=True)
    assert "2 March 2026, 10:31: He Tao acted" in page
    assert "the system acted" in page


def test_an_unknown_fault_shows_no_trace(stage: Stage, failing: Callable[..., Any]) -> None:
    stage.app.testing = False
    answer = failing(RuntimeError("the password is guiyang-demo-secret"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in page
    assert "guiyang-demo-secret" not in page
    assert "Traceback" not in page


def test_a_database_that_is_away_is_said_plainly(
    stage: Stage, failing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    answer = failing(OperationalError("SELECT secret", {}, Exception("connection refused")))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "SELECT" not in answer.get_data(as_text=True)
    client = stage.client_as("wang.fang")

    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr("govservice.operations.sessions.find", away)
    assert client.get("/account").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get_cookie("session"), "a moment without a database signs nobody out"


def test_a_page_that_cannot_be_drawn_is_two_sentences(
    stage: Stage, failing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise RuntimeError("template")

    monkeypatch.setattr("govservice.web.errors.render_template", broken)
    answer = failing(errors.NotAllowed())
    assert answer.status_code == 409
    assert "服务暂时无法使用" in answer.get_data(as_text=True)

"""Which language a person gets, and a switch that keeps the page and what was typed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from jinja2 import DictLoader
from wtforms.validators import InputRequired

from config import ROOT
from govservice.web import i18n
from govservice.web.forms_ui import DateField, PortalForm, TextField, init_forms
from govservice.web.i18n import init_i18n
from govservice.web.language import current_language, safe_back

PAGE = """<html lang="{{ language.tag }}">{{ {"en": "Hello", "zh": "您好"} | text }}|{{ _("Sign out") }}|
{{ form.name.data }}|{{ form.day.parts()["month"] }}|{{ form.errors }}</html>"""


class Seen:
    """What the application did: saved texts, remembered languages, the language kept for the person."""

    def __init__(self) -> None:
        self.saved: list[str] = []
        self.remembered: list[str] = []
        self.stored: str | None = None


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def app(seen: Seen) -> Flask:
    app = Flask("language", static_folder=None)
    app.config.update(SECRET_KEY="only for this test", TESTING=True)
    init_i18n(app, ROOT / "translations", stored=lambda: seen.stored, remember=seen.remembered.append)
    CSRFProtect(app)
    app.jinja_loader = DictLoader({"page": PAGE})  # type: ignore[assignment]
    init_forms(app)

    class NameForm(PortalForm):
        name = TextField("Name", validators=[InputRequired("Enter a name")])
        day = DateField("Day")

    @app.get("/page")
    def page() -> str:
        return render_template("page", form=NameForm())

    @app.post("/send")
    def send() -> str:
        form = NameForm()
        seen.saved.append(str(form.name.data))
        return render_template("page", form=form)

    @app.route("/both", methods=["GET", "POST"])
    def both() -> str:
        form = NameForm()
        if form.validate_on_submit():
            seen.saved.append(str(form.name.data))
        return render_template("page", form=form)

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(
    ("accept", "greeting"),
    [
        ("", "您好"),
        ("fr", "您好"),
        ("en-GB,en;q=0.8", "Hello"),
        ("zh-CN,zh;q=0.9,en;q=0.5", "您好"),
        ("en;q=0.3,zh", "您好"),
    ],
)
def test_the_browser_is_asked_first(client: FlaskClient, accept: str, greeting: str) -> None:
    assert greeting in client.get("/page", headers={"Accept-Language": accept} if accept else {}).text


def test_the_same_template_speaks_both_languages(client: FlaskClient) -> None:
    """Jinja computes constants while compiling: the language of the first reader must not stick."""
    first = client.get("/page", headers={"Accept-Language": "en"}).text
    second = client.get("/page", headers={"Accept-Language": "zh-CN"}).text
    assert "Hello|Sign out" in first
    assert "您好|退出" in second
    assert '<html lang="zh-CN">' in second


def test_a_choice_is_kept_and_the_page_too(client: FlaskClient, seen: Seen) -> None:
    answer = client.get("/language/en?back=/page?a=1")
    assert (answer.status_code, answer.location) == (303, "/page?a=1")
    assert "Hello" in client.get("/page").text
    assert seen.remembered == ["en"]


def test_the_persons_own_language_beats_the_cookie(client: FlaskClient, seen: Seen) -> None:
    client.get("/language/en?back=/page")
    seen.stored = "zh"
    assert "您好" in client.get("/page").text


def test_an_unknown_language_is_not_there(client: FlaskClient) -> None:
    assert client.get("/language/xx").status_code == 404


@pytest.mark.parametrize(
    "target", ["https://evil.example/x", "//evil.example", "/\\evil.example", "evil", "", None, "javascript:alert(1)"]
)
def test_the_way_back_stays_on_this_site(target: str | None) -> None:
    assert safe_back(target) == "/"


def test_a_switch_keeps_what_was_typed_and_saves_nothing(client: FlaskClient, seen: Seen) -> None:
    typed = {"_language": "en", "name": "清味小馆", "day-year": "2026", "day-month": "11", "day-day": ""}
    answer = client.post("/both", data=typed)
    assert answer.status_code == 200
    assert "Hello" in answer.text
    assert "清味小馆" in answer.text
    assert "|11|()|" in answer.text.replace("{}", "()|").replace("\n", "")
    assert seen.saved == []
    assert "language=en" in answer.headers["Set-Cookie"]


def test_a_switch_works_where_the_page_takes_no_post(client: FlaskClient, seen: Seen) -> None:
    assert "清味" in client.post("/page", data={"_language": "zh", "name": "清味"}).text


def test_without_the_switch_a_post_is_a_post(client: FlaskClient, seen: Seen) -> None:
    """The switch must not open a way around the token."""
    assert client.post("/send", data={"name": "x"}).status_code == 400
    assert client.post("/send", data={"name": "x", "_language": "xx"}).status_code == 400
    assert client.post("/send", data={"name": "x", "_language": "zh"}).status_code == 405
    assert seen.saved == []


def test_dates_numbers_and_counts(app: Flask) -> None:
    moment = datetime(2026, 11, 27, 16, 30, tzinfo=UTC)  # already Saturday in China
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert current_language().code == "en"
        assert i18n.date_text(date(2026, 11, 27), weekday=True) == "Friday 27 November 2026"
        assert i18n.date_text(moment, year=False) == "28 November"
        assert i18n.moment_text(moment) == "28 November 2026, 00:30"
        assert [i18n.working_days(1), i18n.working_days(15)] == ["1 working day", "15 working days"]
        assert i18n.working_days(Decimal("9.4")) == "9.4 working days"
        assert i18n.number_text(Decimal("1326.40"), 2) == "1,326.40"
        assert i18n.size_text(1_234_567) == "1.2 MB"
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        assert i18n.date_text(date(2026, 11, 27), weekday=True) == "2026年11月27日（星期五）"
        assert i18n.moment_text(moment) == "2026年11月28日 00:30"
        assert i18n.working_days(15) == "15 个工作日"
        assert i18n.text({"en": "a"}) == "a"


def test_words_that_nobody_knows_are_no_words(app: Flask) -> None:
    with app.test_request_context():
        assert i18n.text({"en": "", "zh": ""}) == ""
        assert i18n.text({"en": "Only English", "zh": ""}) == "Only English"
        assert i18n.text(None) == ""


@pytest.mark.parametrize(
    ("number", "shown"),
    [("990101199001012048", "9901 **** **** **2048"), ("王芳", "**"), ("E12345678", "E*******8"), (None, "")],
)
def test_numbers_of_people_are_masked(number: str | None, shown: str) -> None:
    assert i18n.masked(number) == shown

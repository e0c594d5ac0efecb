"""Fields read what was meant, keep what was typed and name what is wrong at the right box."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from config import ROOT
from govservice.web.forms_ui import (
    ChoiceField,
    DateField,
    DecimalField,
    IntegerField,
    LongTextField,
    ManyField,
    PasswordField,
    PortalForm,
    TextField,
    form_errors,
    init_forms,
)
from govservice.web.i18n import init_i18n


class AllForm(PortalForm):
    name = TextField("Name", description="As on the sign")
    note = LongTextField("Note", ui={"maxlength": 20})
    seats = IntegerField("Seats", ui={"suffix": "seats"})
    area = DecimalField("Area", places=2)
    day = DateField("Day")
    foods = ManyField("Foods", choices=[("hot", "Hot"), ("cold", "Cold")], ui={"hints": {"hot": "Noodles"}})
    water = ChoiceField("Water", choices=[("yes", "Yes"), ("no", "No")], validate_choice=False)
    secret = PasswordField("Password")


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask("forms", static_folder=None)
    app.config.update(SECRET_KEY="only for this test", WTF_CSRF_ENABLED=False)
    init_i18n(app, ROOT / "translations")
    init_forms(app)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield app


def filled(**values: Any) -> AllForm:
    return AllForm(formdata=MultiDict({key.replace("__", "-"): value for key, value in values.items()}))


@pytest.mark.usefixtures("app")
class TestReading:
    def test_full_width_and_grouped_numbers(self) -> None:
        form = filled(seats=" ６８ ", area="１，３２６．40")
        assert form.validate()
        assert (form.seats.data, form.area.data) == (68, Decimal("1326.40"))

    def test_invisible_signs_go_and_rare_signs_stay(self) -> None:
        assert filled(name="\u200b 𠮷野·家\u3000").name.data == "𠮷野·家"

    @pytest.mark.parametrize("typed", ["x", "1.5", "", "9" * 40, "１e3"])
    def test_whole_numbers_only(self, typed: str) -> None:
        form = filled(seats=typed)
        assert form.validate() is (typed == "")
        assert form.seats._value() == typed

    @pytest.mark.parametrize("typed", ["NaN", "Infinity", "1e999", "1.234", "--1", "1" * 50])
    def test_decimals_that_are_none(self, typed: str) -> None:
        assert not filled(area=typed).validate()

    def test_a_whole_date(self) -> None:
        form = filled(day__year="2026", day__month="１１", day__day="7")
        assert form.validate()
        assert form.day.data == date(2026, 11, 7)
        assert filled(day="2026-11-07").day.data == date(2026, 11, 7)

    @pytest.mark.parametrize(
        "parts", [("2026", "11", ""), ("2026", "2", "30"), ("x", "1", "1"), ("99999", "1", "1"), ("-1", "1", "1")]
    )
    def test_broken_dates_keep_their_parts(self, parts: tuple[str, str, str]) -> None:
        year, month, day = parts
        form = filled(day__year=year, day__month=month, day__day=day)
        assert not form.validate()
        assert form.day.parts() == {"year": year, "month": month, "day": day}

    def test_no_date_is_no_error(self) -> None:
        form = filled(day__year="", day__month="", day__day="")
        assert form.validate()
        assert form.day.data is None

    def test_a_missing_part_is_said(self) -> None:
        form = filled(day__year="2026")
        assert not form.validate()
        assert form.day.errors == ["Enter the year, the month and the day"]

    def test_errors_link_to_the_box_to_mend(self) -> None:
        form = filled(seats="x", day__year="2026", day__month="", day__day="1")
        form.validate()
        assert [error["href"] for error in form_errors(form)] == ["#seats", "#day-month"]


@pytest.mark.usefixtures("app")
class TestDrawing:
    def test_names_hints_and_errors_belong_together(self) -> None:
        form = filled(seats="x")
        form.validate()
        html = form.seats()
        assert 'aria-describedby="seats-error"' in html
        assert 'value="x"' in html
        assert '<span class="govuk-visually-hidden">Error:</span>' in html
        assert ">seats</div>" in html

    def test_the_server_checks_not_the_browser(self) -> None:
        assert not any(" required" in field() for field in filled())

    def test_typed_markup_is_text(self) -> None:
        assert "<script>" not in filled(name="<script>").name()
        assert "&lt;script&gt;" in filled(name="<script>").name()

    def test_a_password_is_never_drawn(self) -> None:
        assert "geheim" not in filled(secret="geheim").secret()

    def test_a_question_is_the_heading(self) -> None:
        assert '<h1 class="govuk-fieldset__heading">' in filled().foods(heading=True)
        assert '<h1 class="govuk-label-wrapper">' in filled().name(heading=True)

    def test_choices_have_hints_and_none_is_made(self) -> None:
        form = filled()
        assert "Noodles" in form.foods()
        assert "checked" not in form.foods() + form.water()

    def test_the_count_speaks_the_language(self, app: Flask) -> None:
        with app.test_request_context(headers={"Accept-Language": "zh"}):
            html = AllForm(formdata=None).note()
        assert "最多可填 20 个字" in html
        assert "character" not in html.replace("character-count", "").replace("characters-", "")

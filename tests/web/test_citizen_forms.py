"""Questions of a definition as a form: what people type is read as they meant it, and kept where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from config import ROOT
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.library import Definitions
from govservice.definitions.questions import Question, question_of
from govservice.definitions.schema import FormField
from govservice.web.forms import ItemForm, make_form
from govservice.web.forms_ui import form_errors, init_forms
from govservice.web.i18n import init_i18n
from govservice.web.words import answer_text

LABEL = {"en": "Answer", "zh": "回答"}
OPTIONS = {"hot": {"en": "Hot dishes", "zh": "热食"}, "cold": {"en": "Cold dishes", "zh": "冷食"}}


@pytest.fixture
def app() -> Iterator[Flask]:
    made = Flask("forms", template_folder=str(ROOT / "templates"), static_folder=None)
    made.config.update(SECRET_KEY="only for this test", WTF_CSRF_ENABLED=False)
    init_i18n(made, ROOT / "translations")
    init_forms(made)
    with made.test_request_context("/?x=1", method="POST", headers={"Accept-Language": "en"}):
        yield made


def question(**spec: Any) -> Question:
    node = FormField.model_validate({"label": LABEL, "required": True, **spec})
    return question_of("a.b", "page", node)


def test_an_identifier_is_checked_by_the_type_of_the_fact(app: Flask) -> None:
    """Check digits as at the registration; the field's name does not matter."""
    asked = {"a.b": question(type="text", max_length=18)}
    for typed, kind, says in (
        ("ABC", "cn_id", "An identity number has 18 digits"), ("990111199203042049", "cn_id", "One of these"),
        ("1", "uscc", "A unified social credit code has 18"),
    ):  # fmt: skip
        form = make_form(asked, ["a.b"], {}, formdata=MultiDict([("a.b", typed)]), formats={"a.b": kind})
        assert not form.validate()
        assert says in form.errors["a__b"][0]
    form = make_form(
        asked, ["a.b"], {}, formdata=MultiDict([("a.b", "９９0111-19880318 2048")]), formats={"a.b": "cn_id"}
    )
    assert form.validate(), form.errors
    assert form.values() == {"a.b": "990111198803182048"}


def test_a_number_is_shown_in_full_to_whoever_typed_it(app: Flask) -> None:
    name, number = "person.national_id", "990111199203042048"
    catalogue = load_catalogue(ROOT / "workflows")
    assert answer_text(None, number, catalogue, name) == "9901 **** **** **2048"
    assert answer_text(None, number, catalogue, name, to_author=True) == number


def form_of(posted: list[tuple[str, str]], **spec: Any) -> ItemForm:
    return make_form({"a.b": question(**spec)}, ["a.b"], {}, [("huaxi", "Huaxi")], formdata=MultiDict(posted))


@pytest.mark.parametrize(
    ("typed", "spec", "value"),
    [
        ("６８", {"type": "integer", "min": "0"}, 68),
        (" 6 8 ", {"type": "integer"}, 68),
        ("1,200", {"type": "integer"}, 1200),
        ("３２６．４０", {"type": "decimal"}, "326.40"),
        ("\u200b清味\u3000小馆\u202e ", {"type": "text", "max_length": 30}, "清味 小馆"),
        ("𠮷野家·花溪", {"type": "text"}, "𠮷野家·花溪"),
        ("huaxi", {"type": "district"}, "huaxi"),
        ("hot", {"type": "choice", "options": OPTIONS}, "hot"),
        ("yes", {"type": "yes_no"}, True),
        ("no", {"type": "yes_no"}, False),
        ("清溪路 86 号\r\n一层", {"type": "address"}, "清溪路 86 号 一层"),
    ],
)
def test_reads_what_was_meant(app: Flask, typed: str, spec: dict[str, Any], value: Any) -> None:
    form = form_of([("a.b", typed)], **spec)
    assert form.validate(), form.errors
    assert form.values() == {"a.b": value}


@pytest.mark.parametrize(
    ("typed", "spec", "says"),
    [
        ("", {"type": "text"}, "Enter an answer: Answer"),
        ("\u200b \u3000", {"type": "text"}, "Enter an answer: Answer"),
        ("", {"type": "yes_no"}, "Choose yes or no: Answer"),
        ("many", {"type": "integer"}, "whole number"),
        ("6½", {"type": "integer"}, "whole number"),
        ("-1", {"type": "integer", "min": "0"}, "0 or more"),
        ("9" * 40, {"type": "integer"}, "whole number"),
        ("1e400", {"type": "decimal"}, "number"),
        ("NaN", {"type": "decimal"}, "number"),
        ("x" * 31, {"type": "text", "max_length": 30}, "30 characters"),
        ("raw", {"type": "choice", "options": OPTIONS}, "choose from the list"),
        ("maybe", {"type": "yes_no"}, "choose from the list"),
        ("nowhere", {"type": "district"}, "choose from the list"),
    ],
)
def test_says_what_is_wrong_and_keeps_what_was_typed(app: Flask, typed: str, spec: dict[str, Any], says: str) -> None:
    form = form_of([("a.b", typed)], **spec)
    assert not form.validate()
    (error,) = form_errors(form)
    assert says in error["text"]
    assert "Answer" in error["text"]
    assert error["href"] == "#a-b"
    if spec["type"] in ("text", "integer", "decimal") and typed.strip("\u200b \u3000"):
        assert f'value="{typed}"' in str(form.questions()[0]())


def test_choices_keep_the_order_of_the_definition(app: Flask) -> None:
    form = form_of([("a.b", "cold"), ("a.b", "hot"), ("a.b", "hot")], type="choices", options=OPTIONS)
    assert form.validate(), form.errors
    assert form.values() == {"a.b": ["hot", "cold"]}


@pytest.mark.parametrize("posted", [[("a.b", "raw")], []])
def test_choices_that_are_not_offered(app: Flask, posted: list[tuple[str, str]]) -> None:
    assert not form_of(posted, type="choices", options=OPTIONS).validate()


def test_dates_in_three_boxes(app: Flask) -> None:
    good = form_of([("a.b-year", "２０２６"), ("a.b-month", "11"), ("a.b-day", "2")], type="date")
    assert good.validate(), good.errors
    assert good.values() == {"a.b": "2026-11-02"}
    for year, month, day in (
        ("2026", "2", "30"),
        ("2026", "", "1"),
        ("x", "1", "1"),
        ("0", "1", "1"),
        ("99999", "1", "1"),
    ):
        bad = form_of([("a.b-year", year), ("a.b-month", month), ("a.b-day", day)], type="date")
        assert not bad.validate(), (year, month, day)


def test_a_field_that_is_not_asked_is_not_read(app: Flask) -> None:
    spec = question(type="text")
    form = make_form({"a.b": spec, "c.d": spec}, ["c.d"], {}, formdata=MultiDict([("a.b", "forged"), ("c.d", "mine")]))
    assert form.validate(), form.errors
    assert form.values() == {"c.d": "mine"}


def test_answers_given_before_stand_in_the_boxes(app: Flask) -> None:
    kinds = {
        "text": "清味", "integer": 68, "decimal": "326.40", "date": "2026-11-02", "choice": "cold",
        "choices": ["hot"], "yes_no": False, "district": "huaxi", "address": "清溪路",
    }  # fmt: skip
    shown = {"date": 'value="2026"', "choice": 'value="cold"', "choices": 'value="hot"', "yes_no": 'value="no"'}
    for kind, value in kinds.items():
        extra = {"options": OPTIONS} if kind.startswith("choice") else {}
        spec = question(type=kind, **extra)
        with app.test_request_context("/", headers={"Accept-Language": "en"}):
            form = make_form({"a.b": spec}, ["a.b"], {"a.b": value}, [("huaxi", "Huaxi")])
        html = str(form.questions()[0](heading=True))
        assert shown.get(kind, str(value)) in html, kind
        assert "checked" in html or "selected" in html or kind not in ("choice", "choices", "yes_no", "district")
        assert " required" not in html
        assert "<h1" in html


def test_a_number_is_shown_as_its_fact_type_says(app: Flask, definitions: Definitions) -> None:
    """A person's own number is masked under whatever name it stands; a public one is grouped; others stay."""
    known = definitions.catalogue
    facts = {
        "holder.number": known.facts["person.national_id"],
        "seller.code": known.facts["org.uscc"],
        "person.national_id": known.facts["person.address"],
    }
    catalogue = replace(known, facts=facts)
    shown = {name: answer_text(None, value, catalogue, name) for name, value in (
        ("holder.number", "990111199203042048"), ("seller.code", "91990111MA7K2Q5X12"),
        ("person.national_id", "990111199203042048"),
    )}  # fmt: skip
    assert shown == {
        "holder.number": "9901 **** **** **2048", "seller.code": "9199 0111 MA7K 2Q5X 12",
        "person.national_id": "990111199203042048",
    }  # fmt: skip
    assert catalogue.masked == {"holder.number"}
    of_others = {"spouse.national_id", "household.adults", "kin.parents", "kin.children", "parent.other_id"}
    assert known.masked == {"person.national_id", *of_others}

"""Forms in the portal's look: fields that keep what was typed, read what was meant and speak the reader's language.

`PortalForm` is the base of every form (CSRF on; typed text survives a switch of language). The fields below fix what
the components leave open: no `required` attribute (the server checks), no value in a password, dates in three named
boxes, blanks and invisible signs stripped, full-width digits folded. Looks (width, unit, hints) go in `ui={...}`:
see widgets.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import wtforms
from flask import Flask, request
from flask_babel import gettext
from flask_wtf import FlaskForm
from jinja2 import BaseLoader, ChoiceLoader, PackageLoader, PrefixLoader
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from govservice.web import widgets
from govservice.web.language import current_language, switched_in_place

MAX_REASON = 2000  # characters that somebody may give as a reason, an opinion or an answer


class PortalForm(FlaskForm):  # type: ignore[misc]
    """Base of all forms. After a language switch it shows what was typed, without checking it."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def wrap_formdata(self, form: wtforms.Form, formdata: Any) -> Any:
            automatic = formdata is not None and not hasattr(formdata, "getlist")
            if automatic and switched_in_place():
                return request.form
            return super().wrap_formdata(form, formdata)


def plain(value: str | None) -> str | None:
    """What a person meant to type: outer blanks and invisible signs removed, composed form (NFC)."""
    if value is None:
        return None
    seen = (sign for sign in value if sign in "\r\n\t" or unicodedata.category(sign) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFC", "".join(seen)).strip()


def ascii_form(value: str) -> str:
    """Full-width digits, letters and points as ASCII, without blanks and thousands commas: １，２３４．５ is 1234.5."""
    return "".join(unicodedata.normalize("NFKC", plain(value) or "").split()).replace(",", "")


class Looking:
    """Mixin: `ui` describes the look, `description` is the hint."""

    ui: Mapping[str, Any]

    def __init__(self, *args: Any, ui: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.ui = ui or {}
        super().__init__(*args, **kwargs)


class TextField(Looking, wtforms.StringField):
    """One line of text."""

    widget = widgets.TextInput()

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = plain(str(valuelist[0]))


class LongTextField(TextField):
    """Several lines; with ui={"maxlength": 500} the characters left are counted."""

    widget = widgets.TextArea()

    def __init__(self, *args: Any, ui: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, ui={"rows": 4, **(ui or {})}, **kwargs)
        if "maxlength" in self.ui:
            self.widget = widgets.CountedArea()


class PasswordField(Looking, wtforms.PasswordField):
    """A password: never drawn with its value, never stripped."""

    widget = widgets.PasswordInput()


class DecimalField(Looking, wtforms.StringField):
    """A number with a point. `data` is a Decimal or None; `places` bounds the decimals (more are an error)."""

    widget = widgets.TextInput()
    data: Any

    def __init__(
        self, *args: Any, places: int | None = None, ui: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, ui={"width": 10, "inputmode": "decimal", "spellcheck": False, **(ui or {})}, **kwargs)
        self.places = places

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = ascii_form(str(valuelist[0])) if valuelist else ""
        self.data = self.read(typed) if typed else None

    def read(self, typed: str) -> Decimal | int:
        """The number typed. Raises ValueError with the sentence for the person."""
        try:
            number = Decimal(typed)
        except InvalidOperation:
            raise ValueError(gettext("Enter a number, like 326.4")) from None
        if not number.is_finite() or len(typed) > 30 or abs(number.adjusted()) > 20:
            raise ValueError(gettext("Enter a number, like 326.4"))
        exponent = number.as_tuple().exponent
        if self.places is not None and isinstance(exponent, int) and -exponent > self.places:
            raise ValueError(gettext("Enter at most %(places)s decimals", places=self.places))
        return number


class IntegerField(DecimalField):
    """A whole number. `data` is an int or None."""

    def __init__(self, *args: Any, ui: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, ui={"width": 5, "inputmode": "numeric", **(ui or {})}, **kwargs)

    def read(self, typed: str) -> Decimal | int:
        if not typed.lstrip("+-").isdigit() or len(typed) > 18:
            raise ValueError(gettext("Enter a whole number, like 68"))
        return int(typed)


class DateField(Looking, wtforms.Field):
    """A day in three boxes `<name>-year`, `-month`, `-day`, or one ISO value `<name>`. `data` is a date or None."""

    widget = widgets.DateInput()
    PARTS = ("year", "month", "day")

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        if formdata is not None and any(f"{self.name}-{part}" in formdata for part in self.PARTS):
            typed = [formdata.get(f"{self.name}-{part}", "") for part in self.PARTS]
            formdata = MultiDict([(self.name, value) for value in typed])
        super().process(formdata, *args, **kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        texts = [ascii_form(str(value)) for value in valuelist]
        if len(texts) == 1:
            texts = texts[0].split("-") if texts[0] else []
        if not any(texts):
            return
        if len(texts) != 3 or not all(texts):
            raise ValueError(gettext("Enter the year, the month and the day"))
        try:
            self.data = date(*(int(text) for text in texts))
        except (ValueError, OverflowError):
            raise ValueError(gettext("Enter a real date, like 27 11 2026")) from None

    def parts(self) -> dict[str, str]:
        """What stands in the boxes: what was typed, else the date."""
        if self.raw_data and len(self.raw_data) == 3:
            return dict(zip(self.PARTS, map(str, self.raw_data), strict=True))
        if self.data is None:
            return dict.fromkeys(self.PARTS, "")
        return {part: str(getattr(self.data, part)) for part in self.PARTS}


class Choosing(Looking):
    """Mixin: choices are (value, words) pairs."""

    def __init__(self, *args: Any, choices: Iterable[Any] = (), **kwargs: Any) -> None:
        made = [SelectChoice(*choice) if isinstance(choice, tuple) else choice for choice in choices]
        super().__init__(*args, choices=made, **kwargs)


class ChoiceField(Choosing, wtforms.RadioField):
    """One of a few (radios). No choice is made in advance."""

    widget = widgets.RadioInput()


class ManyField(Choosing, wtforms.SelectMultipleField):
    """Any of several (checkboxes)."""

    widget = widgets.CheckboxesInput()
    option_widget = wtforms.widgets.CheckboxInput()


class TickField(Looking, wtforms.BooleanField):
    """One checkbox."""

    widget = widgets.CheckboxInput()


class SelectField(Choosing, wtforms.SelectField):
    """One of many, in a drop-down list."""

    widget = widgets.SelectInput()


class UploadField(Looking, wtforms.FileField):
    """One file. What may be uploaded is checked on receipt, not here."""

    widget = widgets.FileInput()


def form_errors(form: wtforms.Form) -> list[dict[str, str]]:
    """The error summary's lines: each error's first sentence and a link to the box that must be mended."""
    found = [{"text": str(message), "href": ""} for message in getattr(form, "form_errors", ()) or () if message]
    for field in form:
        if field.errors:
            target = f"{field.id}-{first_part(field)}" if isinstance(field, DateField) else field.id
            message = field.errors[0] if isinstance(field.errors, (list, tuple)) else field.errors
            found.append({"text": str(message), "href": f"#{target}"})
    return found


def first_part(field: DateField) -> str:
    """The first empty box of a date, else its first box in reading order."""
    order = ("year", "month", "day") if current_language().code == "zh" else ("day", "month", "year")
    typed = field.parts()
    return next((part for part in order if not typed[part].strip()), order[0])


def as_question(field: wtforms.Field) -> Markup:
    """The field with its label or legend as the page's heading: one question, one page."""
    return Markup(field(heading=True))  # noqa: S704 -- the widget has escaped what people typed


def init_forms(app: Flask) -> None:
    """Let templates find the GOV.UK components; give them `form_errors` and `as_question`."""
    own: list[BaseLoader] = [app.jinja_loader] if app.jinja_loader else []
    components = PrefixLoader(
        {
            "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
            "govuk_frontend_wtf": PackageLoader("govuk_frontend_wtf"),
        }
    )
    app.jinja_loader = ChoiceLoader([*own, components])
    app.jinja_env.globals.update(form_errors=form_errors, as_question=as_question)

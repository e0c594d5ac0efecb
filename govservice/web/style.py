"""The style pages: every component with invented data, in both languages, for people who build or judge the look.

Registered in demo mode only. Nothing here reads the database.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, abort, render_template
from flask_babel import gettext, lazy_gettext

from govservice.web.forms_ui import (
    ChoiceField,
    DateField,
    DecimalField,
    IntegerField,
    LongTextField,
    ManyField,
    PasswordField,
    PortalForm,
    SelectField,
    TextField,
    TickField,
    UploadField,
)

PAGES = {
    "index": "All components",
    "forms": "Forms",
    "service": "Service page",
    "question": "Question",
    "check": "Check answers",
    "case": "Citizen's case",
    "worklist": "Worklist",
    "clerk-case": "Clerk's case",
    "supervisor": "Supervisor",
    "notice": "Printed notice",
}


def example_form() -> PortalForm:
    """One of each field. Texts are wrapped lazily: the form class is built once per request."""

    class ExampleForm(PortalForm):
        name = TextField(lazy_gettext("Name of the restaurant"), description=lazy_gettext("As on the sign"))
        seats = IntegerField(lazy_gettext("Seats"), ui={"suffix": gettext("seats")})
        area = DecimalField(lazy_gettext("Floor area"), places=2, ui={"suffix": "m²"})
        opening = DateField(lazy_gettext("Opening day"), description=lazy_gettext("For example 27 11 2026"))
        foods = ManyField(
            lazy_gettext("What will you serve?"),
            choices=[("hot", gettext("Hot food")), ("cold", gettext("Cold food")), ("raw", gettext("Raw food"))],
            ui={"hints": {"hot": gettext("Stir-fries, hotpot, noodles"), "cold": gettext("Cold dishes, salads")}},
        )
        water = ChoiceField(
            lazy_gettext("Is there running water?"),
            choices=[("yes", gettext("Yes")), ("no", gettext("No"))],
            ui={"inline": True},
        )
        kind = SelectField(
            lazy_gettext("Kind of business"),
            choices=[("", ""), ("r", gettext("Restaurant")), ("c", gettext("Canteen"))],
        )
        plan = UploadField(
            lazy_gettext("Layout plan"),
            description=lazy_gettext("PDF, PNG or JPG, at most 20 MB"),
            ui={"accept": ".pdf"},
        )
        note = LongTextField(lazy_gettext("Anything else?"), ui={"maxlength": 500})
        secret = PasswordField(lazy_gettext("Password"), ui={"autocomplete": "current-password", "width": 20})
        agree = TickField(lazy_gettext("I have read the notice"))

    return ExampleForm()


def wrong_form() -> PortalForm:
    """The example form after a bad answer to three questions."""
    form = example_form()
    form["seats"].errors = [gettext("Enter a whole number, like 68")]
    form["opening"].errors = [gettext("Enter the year, the month and the day")]
    form["foods"].errors = [gettext("Choose at least one kind of food")]
    return form


def init_style(app: Flask, guard: Callable[[Callable[..., str]], Callable[..., str]] = lambda view: view) -> None:
    """Register `/_style` and `/_style/<page>`. Call in demo mode only; `guard` declares the audience."""

    def style_page(page: str = "index") -> str:
        if page not in PAGES:
            abort(404)
        moment = datetime(2026, 11, 9, 8, 40, tzinfo=UTC)
        return render_template(
            f"style/{page}.html", pages=PAGES, here=page, moment=moment, form=example_form(), wrong=wrong_form()
        )

    app.add_url_rule("/_style", "style", guard(style_page))
    app.add_url_rule("/_style/<page>", "style", guard(style_page), methods=["GET", "POST"])

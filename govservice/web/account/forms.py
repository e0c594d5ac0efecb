"""The forms of the account's room. Only what needs typing; what is wrong comes back from the operations."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length, Optional

from govservice.errors import Invalid
from govservice.web.forms_ui import ChoiceField, PasswordField, PortalForm, SelectField, TextField
from govservice.web.language import LANGUAGES

TYPED = Length(max=200, message=lazy_gettext("This is too long."))
ID_TYPES = (
    ("cn_id", lazy_gettext("Resident identity card")),
    ("passport", lazy_gettext("Passport")),
    ("hk_macau_permit", lazy_gettext("Permit for residents of Hong Kong and Macau")),
    ("taiwan_permit", lazy_gettext("Permit for residents of Taiwan")),
)


def needed(words: Any) -> InputRequired:
    return InputRequired(message=words)


class SignInForm(PortalForm):
    login = TextField(
        lazy_gettext("Sign-in name"),
        validators=[needed(lazy_gettext("Enter your sign-in name.")), TYPED],
        ui={"width": 20, "autocomplete": "username", "spellcheck": False},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        validators=[needed(lazy_gettext("Enter your password.")), Length(max=1000)],
        ui={"width": 20, "autocomplete": "current-password"},
    )
    next = HiddenField()


class RegisterForm(PortalForm):
    name = TextField(
        lazy_gettext("Your name"),
        description=lazy_gettext("As it stands in the document."),
        validators=[needed(lazy_gettext("Enter the name as it stands in the document.")), TYPED],
        ui={"width": 20, "autocomplete": "name", "spellcheck": False},
    )
    id_type = ChoiceField(
        lazy_gettext("Your document"),
        choices=ID_TYPES,
        validators=[needed(lazy_gettext("Choose the kind of document."))],
        ui={"small": True},
    )
    id_number = TextField(
        lazy_gettext("Number of the document"),
        validators=[needed(lazy_gettext("Enter the number of the document.")), TYPED],
        ui={"width": 20, "spellcheck": False, "autocomplete": "off"},
    )
    login = TextField(
        lazy_gettext("Sign-in name"),
        description=lazy_gettext("You choose it: letters and digits, for example wang.fang"),
        validators=[needed(lazy_gettext("Choose a sign-in name.")), TYPED],
        ui={"width": 20, "autocomplete": "username", "spellcheck": False},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        description=lazy_gettext("At least 10 characters. Several words are easy to remember."),
        validators=[needed(lazy_gettext("Choose a password.")), Length(max=1000)],
        ui={"width": 20, "autocomplete": "new-password"},
    )


class PasswordForm(PortalForm):
    current = PasswordField(
        lazy_gettext("Present password"),
        validators=[needed(lazy_gettext("Enter your present password.")), Length(max=1000)],
        ui={"width": 20, "autocomplete": "current-password"},
    )
    password = PasswordField(
        lazy_gettext("New password"),
        description=lazy_gettext("At least 10 characters. Several words are easy to remember."),
        validators=[needed(lazy_gettext("Choose a new password.")), Length(max=1000)],
        ui={"width": 20, "autocomplete": "new-password"},
    )


class LanguageForm(PortalForm):
    locale = SelectField(
        lazy_gettext("Language of letters and pages"),
        choices=[(each.code, each.name) for each in LANGUAGES.values()],
    )


class ActingForForm(PortalForm):
    """`party` is the id of a mandate, or "self"."""

    party = ChoiceField(
        lazy_gettext("For whom do you act now?"), validators=[needed(lazy_gettext("Choose for whom you act."))]
    )
    next = HiddenField(validators=[Optional()])


def show_wrong(form: PortalForm, fault: Invalid) -> None:
    """Puts the sentences of an operation under the fields they are about; others lead the form."""
    for name, words in fault.fields.items():
        field = form._fields.get(name)
        if field is not None:
            field.errors = [*field.errors, gettext(words)]
        else:
            form.form_errors.append(gettext(words))

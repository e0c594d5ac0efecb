"""From a definition to a form: one WTForms class per page, one field per question that is open to the applicant.

What a person typed is read by `definitions.values` (full-width digits, stray blanks, invisible signs), so that the
form, the engine's expressions and the record agree on what a value is. A field that is not asked is not in the form:
a posted value for it is never looked at, and its name is logged. Texts come from the definition in the reader's
language; the sentences about what is wrong name the question, because the error summary shows them away from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, cast

import wtforms
from flask import request
from flask_babel import gettext
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

from govservice import logs
from govservice.definitions.questions import UNITS, Question
from govservice.definitions.values import WrongValue, parse
from govservice.identifiers import IdKind, WrongIdentifier, normalise
from govservice.identifiers import parse as parse_identifier
from govservice.web.forms_ui import ChoiceField, DateField, ManyField, PortalForm, SelectField, TextField
from govservice.web.i18n import text
from govservice.web.widgets import TextArea

log = logs.get(__name__)
LONG_TEXT = 150  # characters from which a text gets a box of several lines
Options = Sequence[tuple[str, str]]


class ItemForm(PortalForm):
    """The questions of one page or of one correction. `values()` after `validate()`."""

    idem = wtforms.HiddenField()

    def questions(self) -> list[Any]:
        """The fields that stand for a question, in order."""
        return [field for field in self if isinstance(field, Asked)]

    def values(self) -> dict[str, Any]:
        """JSON forms by the definition's field names; None where nothing was given."""
        return {field.spec_name: field.json for field in self.questions()}


class Asked:
    """Mixin: a WTForms field that stands for a field of a definition and is checked by `definitions.values`."""

    spec: Question
    spec_name: str
    identifier: IdKind | None = None  # what an answer must be, by the catalogue's type of fact
    json: Any = None

    def raw(self) -> Any:
        """What was posted, as `values.parse` takes it."""
        return cast(Any, self).data

    def pre_validate(self, form: BaseForm) -> None:
        """Reads the typed text. Raises StopValidation with a sentence that names the question."""
        label = str(cast(Any, self).label.text)
        try:
            typed = self.raw()
            if self.identifier is not None and typed is not None:
                typed = normalise(typed)  # blanks and hyphens do not count as characters
            self.json = parse(self.spec, typed)
            if self.json == "":  # nothing but blanks and invisible signs
                self.json = None
            if self.identifier is not None and self.json is not None:
                self.json = parse_identifier(self.identifier, self.json)
        except WrongValue as wrong:
            raise StopValidation(sentence(label, wrong)) from None
        except WrongIdentifier as wrong:
            raise StopValidation(gettext("%(what)s: %(fault)s", what=label, fault=gettext(str(wrong)))) from None
        if self.json is None and self.spec.required:
            raise StopValidation(missing(self.spec.type, label))


def sentence(label: str, wrong: WrongValue) -> str:
    """What is wrong with an answer, naming the question."""
    facts = wrong.facts
    known = {
        "Give %(limit)s or more.": lambda: gettext("%(what)s must be %(limit)s or more", what=label, **facts),
        "Give %(limit)s or less.": lambda: gettext("%(what)s must be %(limit)s or less", what=label, **facts),
        "Give a whole number, such as 25.": lambda: gettext("%(what)s must be a whole number, like 68", what=label),
        "Give a number, such as 120.5.": lambda: gettext("%(what)s must be a number, like 326.4", what=label),
        "This is longer than %(limit)s characters.": lambda: gettext(
            "%(what)s must be %(limit)s characters or fewer", what=label, **facts
        ),
        "Give a date that exists, such as 27 11 2026.": lambda: gettext(
            "%(what)s must be a real date, like 27 11 2026", what=label
        ),
    }
    make = known.get(wrong.message)
    return str(make()) if make else str(gettext("%(what)s: choose from the list", what=label))


def missing(kind: str, label: str) -> str:
    """What to do about a question that was left empty."""
    if kind in ("choice", "choices", "district"):
        return str(gettext("Choose an answer: %(what)s", what=label))
    if kind == "yes_no":
        return str(gettext("Choose yes or no: %(what)s", what=label))
    return str(gettext("Enter an answer: %(what)s", what=label))


class AskedText(Asked, TextField):
    """text, integer and decimal: one line."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist[:1])


class AskedArea(AskedText):
    """address and long text: several lines."""

    widget = TextArea()


class AskedList(AskedArea):
    """choices without options: a list that a registry would have given, one entry a line."""

    def process_data(self, value: Any) -> None:
        super().process_data("\n".join(value) if isinstance(value, list | tuple) else value)


class AskedSelect(Asked, SelectField):
    """district: one of those in which people may file."""

    def pre_validate(self, form: BaseForm) -> None:
        super().pre_validate(form)
        if self.json is not None and self.json not in {value for value, *_rest in self.iter_choices()}:
            raise StopValidation(gettext("%(what)s: choose from the list", what=str(self.label.text)))


class AskedChoice(Asked, ChoiceField):
    pass


class AskedMany(Asked, ManyField):
    pass


class AskedYesNo(AskedChoice):
    """`data` is "yes" or "no"; the JSON form is a bool."""

    def process_data(self, value: Any) -> None:
        super().process_data({True: "yes", False: "no"}.get(value, value))


class AskedDate(Asked, DateField):
    """Three boxes. A part that is missing or no date is an error of its own, found while reading."""

    def process_data(self, value: Any) -> None:
        self.data = date.fromisoformat(value) if isinstance(value, str) and value else value

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            super().process_formdata(valuelist)

    def raw(self) -> str | None:
        return self.data.isoformat() if self.data else None

    def pre_validate(self, form: BaseForm) -> None:
        if getattr(self, "process_errors", None):
            label = str(self.label.text)
            self.process_errors = [gettext("%(what)s must be a real date, like 27 11 2026", what=label)]
            raise StopValidation(self.process_errors[0])
        super().pre_validate(form)


def html_id(name: str) -> str:
    """`menu.seats` as an id that style sheets and fragments can name."""
    return name.replace(".", "-")


def make_form(
    fields: Mapping[str, Question],
    asked: Iterable[str],
    answers: Mapping[str, Any],
    districts: Options = (),
    formdata: Any = None,
    labels: Mapping[str, Any] | None = None,
    formats: Mapping[str, IdKind] | None = None,
) -> ItemForm:
    """A form with the asked questions, filled with the answers given so far.

    `districts` are the (code, name) pairs that a district may be chosen from; `labels` gives {en, zh} of fields whose
    label is their fact type's, `formats` the kind of identifier of fields that hold one. `formdata` left out: Flask's
    own request is read.
    """
    wanted = [name for name in fields if name in set(asked)]
    if formdata is None:
        _note_unasked(fields, wanted)
    members: dict[str, Any] = {}
    for name in wanted:
        label = text((labels or {}).get(name) or fields[name].label or name)
        members[html_id(name).replace("-", "__")] = _field(name, fields[name], label, districts)
    form_class = type("PageForm", (ItemForm,), members)
    data = {html_id(name).replace("-", "__"): answers.get(name) for name in wanted}
    options = {} if formdata is None else {"formdata": formdata}
    form = cast(ItemForm, form_class(data=data, **options))
    for name, member in zip(wanted, data, strict=True):
        field = form[member]
        field.spec, field.spec_name = fields[name], name
        field.identifier = (formats or {}).get(name)
    return form


def _note_unasked(fields: Mapping[str, Question], wanted: Collection[str]) -> None:
    """One line of the log where a form brings what was not asked (a register's value, say): it is not looked at, but
    whoever watches over the portal can see that somebody tried. Names only; parts of a date are the date's."""
    posted = {key.partition("-")[0] for key in request.form} if request.method == "POST" else set()
    if unasked := sorted(posted & fields.keys() - set(wanted)):
        log.warning("form.unasked", fields=unasked)


def _field(name: str, spec: Question, label: str, districts: Options) -> Any:
    kind: Any
    kind, ui = _KINDS[spec.type]
    looks: dict[str, Any] = dict(ui)
    shared: dict[str, Any] = {"name": name, "id": html_id(name), "description": text(spec.hint) if spec.hint else ""}
    if spec.type == "text" and (spec.max_length or 0) > LONG_TEXT:
        kind, looks = AskedArea, {"rows": 3}
    if spec.type in ("integer", "decimal") and spec.unit:
        looks["suffix"] = text(UNITS.get(spec.unit, spec.unit))
    if spec.type == "choices" and not spec.options:
        kind, looks = AskedList, {"rows": 3}
    elif spec.type == "choices" and not spec.hint:
        shared["description"] = gettext("Choose all that apply.")
    if spec.type == "choice" or (spec.type == "choices" and spec.options):
        shared["choices"] = [SelectChoice(code, text(words)) for code, words in (spec.options or {}).items()]
        shared["validate_choice"] = False
    if spec.type == "yes_no":
        shared["choices"] = [SelectChoice("yes", gettext("Yes")), SelectChoice("no", gettext("No"))]
        shared["validate_choice"] = False
    if spec.type == "district":
        pairs = [("", gettext("Choose a district")), *districts]
        shared["choices"] = [SelectChoice(code, words) for code, words in pairs]
    if not spec.required:
        label = gettext("%(what)s (optional)", what=label)
    return kind(label, ui=looks, **shared)


_KINDS: dict[str, tuple[type[wtforms.Field], dict[str, Any]]] = {
    "text": (AskedText, {}),
    "address": (AskedArea, {"rows": 2, "autocomplete": "street-address"}),
    "district": (AskedSelect, {}),
    "integer": (AskedText, {"width": 5, "inputmode": "numeric", "spellcheck": False}),
    "decimal": (AskedText, {"width": 10, "inputmode": "decimal", "spellcheck": False}),
    "date": (AskedDate, {}),
    "choice": (AskedChoice, {}),
    "choices": (AskedMany, {}),
    "yes_no": (AskedYesNo, {"inline": True}),
}

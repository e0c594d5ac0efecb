"""How fields are drawn: the govuk-frontend-wtf widgets with our labels, hints, headings and translated words.

A field may carry `ui`, a mapping of looks:
  width (2 3 4 5 10 20 30: characters), prefix, suffix (unit after the box), inputmode, autocomplete, spellcheck,
  rows, maxlength (counts characters), hints ({choice value: hint}), inline (radios side by side), small, accept, size.
Calling `field(heading=True)` makes its label or legend the page's <h1>.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from govuk_frontend_wtf import wtforms_widgets as gov
from wtforms import Field

from govservice.web.language import current_language

Params = dict[str, Any]
PLAIN_KEYS = ("autocomplete", "inputmode", "spellcheck", "rows", "maxlength", "autocapitalize")


def label_classes(base: str, heading: bool, legend: bool) -> str:
    return f"{base}--xl" if heading else f"{base}--{'m' if legend else 's'}"


def finish(field: Field, params: Params, heading: bool) -> Params:
    """The touches that every component shares."""
    ui: Params = getattr(field, "ui", None) or {}
    if not (params.get("hint") or {}).get("text"):
        params["hint"] = None
    if params.get("errorMessage"):
        params["errorMessage"]["visuallyHiddenText"] = gettext("Error")
    params.update({key: ui[key] for key in PLAIN_KEYS if key in ui})
    for key in ("prefix", "suffix"):
        if ui.get(key):
            params[key] = {"text": ui[key]}
    if ui.get("width"):
        params["classes"] = f"{params.get('classes', '')} govuk-input--width-{ui['width']}".strip()
    _name(field, params, heading)
    return params


def _name(field: Field, params: Params, heading: bool) -> None:
    fieldset = params.get("fieldset")
    if fieldset:
        legend = fieldset["legend"]
        legend.setdefault("classes", label_classes("govuk-fieldset__legend", heading, legend=True))
        legend["isPageHeading"] = heading
    elif params.get("label"):
        params["label"].setdefault("classes", label_classes("govuk-label", heading, legend=False))
        params["label"]["isPageHeading"] = heading


class Looks:
    """Mixin before a govuk widget: takes `heading`, drops `required`, applies `finish`."""

    def map_gov_params(self, field: Field, **kwargs: Any) -> Params:
        heading = bool(kwargs.pop("heading", False))
        for name in ("required", "maxlength", "minlength"):
            kwargs.pop(name, None)
        params: Params = super().map_gov_params(field, **kwargs)  # type: ignore[misc]
        return finish(field, self.adjust(field, params), heading)

    def adjust(self, field: Field, params: Params) -> Params:
        return params


class TextInput(Looks, gov.GovTextInput):  # type: ignore[misc]
    pass


class TextArea(Looks, gov.GovTextArea):  # type: ignore[misc]
    pass


class CountedArea(Looks, gov.GovCharacterCount):  # type: ignore[misc]
    """A text area that says how many characters are left (with script; the limit stands there without it)."""

    def adjust(self, field: Field, params: Params) -> Params:
        params["textareaDescriptionText"] = gettext("You can enter up to %{count} characters")
        params["charactersUnderLimitText"] = {
            "one": gettext("You have 1 character left"),
            "other": gettext("You have %{count} characters left"),
        }
        params["charactersAtLimitText"] = gettext("You have no characters left")
        params["charactersOverLimitText"] = {
            "one": gettext("You have 1 character too many"),
            "other": gettext("You have %{count} characters too many"),
        }
        return params


class PasswordInput(Looks, gov.GovPasswordInput):  # type: ignore[misc]
    def adjust(self, field: Field, params: Params) -> Params:
        params.update(
            value=None,
            showPasswordText=gettext("Show"),
            hidePasswordText=gettext("Hide"),
            showPasswordAriaLabelText=gettext("Show the password"),
            hidePasswordAriaLabelText=gettext("Hide the password"),
            passwordShownAnnouncementText=gettext("Your password is visible"),
            passwordHiddenAnnouncementText=gettext("Your password is hidden"),
        )
        return params


class Choices(Looks):
    """Radios and checkboxes: hints per choice, side by side where asked."""

    family = "radios"

    def adjust(self, field: Field, params: Params) -> Params:
        ui: Params = getattr(field, "ui", None) or {}
        hints = ui.get("hints") or {}
        for item in params["items"]:
            if hints.get(item["value"]):
                item["hint"] = {"text": hints[item["value"]]}
        looks = [f"govuk-{self.family}--{look}" for look in ("inline", "small") if ui.get(look)]
        params["classes"] = " ".join(looks)
        return params


class RadioInput(Choices, gov.GovRadioInput):  # type: ignore[misc]
    pass


class CheckboxesInput(Choices, gov.GovCheckboxesInput):  # type: ignore[misc]
    family = "checkboxes"


class CheckboxInput(Choices, gov.GovCheckboxInput):  # type: ignore[misc]
    family = "checkboxes"


class SelectInput(Looks, gov.GovSelect):  # type: ignore[misc]
    pass


class FileInput(Looks, gov.GovFileInput):  # type: ignore[misc]
    def adjust(self, field: Field, params: Params) -> Params:
        params.pop("value", None)
        accept = (getattr(field, "ui", None) or {}).get("accept")
        if accept:
            params["attributes"]["accept"] = accept
        return params


class DateInput(gov.GovFormBase):  # type: ignore[misc]
    """Year, month, day in Chinese order, day, month, year in English; each part has its own name."""

    template = "govuk_frontend_wtf/date.html"

    def __call__(self, field: Field, **kwargs: Any) -> Any:
        kwargs.setdefault("id", field.id)
        return super().__call__(field, **kwargs)

    def map_gov_params(self, field: Field, **kwargs: Any) -> Params:
        heading = bool(kwargs.pop("heading", False))
        kwargs.pop("required", None)
        params: Params = super().map_gov_params(field, **kwargs)
        params.pop("label", None)
        params.pop("name", None)
        params["fieldset"] = {"legend": {"text": field.label.text}}
        words = {"year": gettext("Year"), "month": gettext("Month"), "day": gettext("Day")}
        order = ("year", "month", "day") if current_language().code == "zh" else ("day", "month", "year")
        typed: dict[str, str] = field.parts()  # type: ignore[attr-defined]
        wrong = " govuk-input--error" if field.errors else ""
        params["items"] = [
            {
                "label": words[part],
                "id": f"{field.id}-{part}",
                "name": f"{field.name}-{part}",
                "classes": f"govuk-input--width-{4 if part == 'year' else 2}{wrong}",
                "value": typed[part],
            }
            for part in order
        ]
        return finish(field, params, heading)

"""The form of one action: a reason, what is wrong (for a correction), files that the action requires, an opinion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import FileStorage
from wtforms import HiddenField

from govservice.definitions.compiled import Compiled
from govservice.engine import Expected, Offer
from govservice.errors import Invalid, TooLarge
from govservice.operations.files import Upload, check_upload
from govservice.web.clerk.casefile import attachment_title, may_see
from govservice.web.forms_ui import LongTextField, PortalForm, TextField, TickField, UploadField
from govservice.web.i18n import text

ACCEPTED = ("pdf", "png", "jpg")
MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a correction may name: a field or a material, with the names of its two inputs."""

    name: str
    label: str
    tick: str
    note: str


def items_of(compiled: Compiled, parts: frozenset[str] | None, present: Mapping[str, Any]) -> list[Item]:
    """What this step may ask to correct: what it sees, of fields only those the applicant answered."""
    fields = [n for n, q in compiled.service.fields.items() if present.get(n) == "you" and may_see(compiled, parts, n)]
    materials = [n for n in compiled.service.materials if n in present and may_see(compiled, parts, n)]
    labels = {n: compiled.service.fields[n].label for n in fields}
    labels |= {n: compiled.service.materials[n].label for n in materials}
    return [Item(n, text(label), f"item{i}", f"note{i}") for i, (n, label) in enumerate(labels.items())]


def act_form(offer: Offer, items: list[Item]) -> PortalForm:
    """The form of one action, with exactly the inputs that it needs."""

    class ActForm(PortalForm):
        idem = HiddenField()
        token_version = HiddenField()
        data_rev = HiddenField()

    ui = {"rows": 5, "maxlength": MAX_REASON}
    if offer.needs.items:
        for item in items:
            setattr(ActForm, item.tick, TickField(item.label, ui={"small": True}))
            setattr(ActForm, item.note, TextField(lazy_gettext("What is wrong, and what is right?"), ui={}))
    if offer.needs.reason:
        label = lazy_gettext("Words to the applicant") if offer.needs.items else lazy_gettext("Reason")
        hint = lazy_gettext("The applicant reads this. Say what the law asks and what was found.")
        ActForm.reason = LongTextField(label, description=hint, ui=ui)  # type: ignore[attr-defined]
    for name in offer.needs.attachments:
        if not offer.second:
            setattr(
                ActForm,
                f"file_{name}",
                UploadField(text(attachment_title(name)), ui={"accept": ".pdf,.png,.jpg,.jpeg"}),
            )
    if not offer.needs.reason:
        ActForm.opinion = LongTextField(  # type: ignore[attr-defined]
            lazy_gettext("Opinion (optional)"),
            description=lazy_gettext("Stands on the case for the other departments."),
            ui=ui,
        )
    return ActForm()


@dataclass(frozen=True, slots=True)
class Filled:
    """What was typed, ready for the operation. `errors` maps an input's name to its sentence."""

    reason: str | None
    opinion: str | None
    items: dict[str, str]
    attachments: dict[str, list[Upload]]
    errors: dict[str, str]


def read(form: PortalForm, offer: Offer, items: list[Item], max_mb: int) -> Filled:
    """Checks the form; every fault is told beside its input, nothing typed is lost."""
    errors: dict[str, str] = {}
    reason = form["reason"].data if "reason" in form else None
    if offer.needs.reason and not reason:
        errors["reason"] = _("Write the reason")
    chosen = {i.name: form[i.note].data or "" for i in items if offer.needs.items and form[i.tick].data}
    for item in items if offer.needs.items else ():
        if form[item.tick].data and not form[item.note].data:
            errors[item.note] = _("Say what is wrong with: %(name)s", name=item.label)
        elif form[item.note].data and not form[item.tick].data:
            chosen[item.name] = form[item.note].data  # who describes a fault means it
    if offer.needs.items and not chosen:
        errors[items[0].tick if items else "reason"] = _("Tick at least one thing to correct")
    attachments = _attachments(form, offer, max_mb, errors)
    opinion = form["opinion"].data if "opinion" in form else None
    return Filled(reason, opinion, chosen, attachments, errors)


def _attachments(form: PortalForm, offer: Offer, max_mb: int, errors: dict[str, str]) -> dict[str, list[Upload]]:
    found: dict[str, list[Upload]] = {}
    for name in offer.needs.attachments if not offer.second else ():
        key = f"file_{name}"
        given = form[key].data
        if not isinstance(given, FileStorage) or not given.filename:
            errors[key] = _("Choose a file: %(name)s", name=text(attachment_title(name)))
            continue
        try:
            found[name] = [check_upload(key, given.filename, given.read(), ACCEPTED, max_mb)]
        except Invalid as fault:
            errors[key] = _(fault.fields[key])
        except TooLarge as fault:
            errors[key] = _(fault.message, **fault.facts)
    return found


def expected_of(form: PortalForm) -> Expected | None:
    """What the page showed, from its hidden fields; None where they were tampered with (the engine then decides)."""
    version, rev = form["token_version"].data, form["data_rev"].data
    if not (version or "").isdigit() or not (rev or "").isdigit():
        return None
    return Expected(int(version), int(rev))

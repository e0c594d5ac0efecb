"""The form of one action: a reason, what is wrong (for a correction), files that the action requires, an opinion.

Inputs are named after what they are about, and what was posted is read the same way whether or not the action is
still possible: the same form sent twice is one and the same request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from wtforms import HiddenField

from govservice.definitions.compiled import Edge
from govservice.engine import Expected, Needs
from govservice.errors import N_, Invalid, TooLarge
from govservice.operations.files import Upload, check_upload
from govservice.queries.sight import Sight
from govservice.web.clerk.casefile import attachment_title
from govservice.web.forms_ui import (
    MAX_REASON,
    IntegerField,
    LongTextField,
    PortalForm,
    TextField,
    TickField,
    UploadField,
)
from govservice.web.i18n import text

ACCEPTED = ("pdf", "png", "jpg")
MAX_PAUSE = 250  # working days that the law's excluded time may take
MAX_ITEM = 500  # characters about one thing to correct
AGAIN = N_("This form cannot be sent. Please open the page again.")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a correction may name: a field or a material, with the names of its two inputs."""

    name: str
    label: str

    @property
    def tick(self) -> str:
        return f"item-{self.name.replace('.', '-')}"

    @property
    def note(self) -> str:
        return f"note-{self.name.replace('.', '-')}"


def items_of(sight: Sight, present: Mapping[str, Any]) -> list[Item]:
    """What this step may ask to correct: what it sees of what the applicant answered, could have answered (None), or
    sent; of papers that nobody had to send those that it says it reads, and those that were pledged instead."""
    service = sight.compiled.service
    fields = {n: q.label for n, q in service.fields.items() if n in present and sight.sees(n)}
    materials = {n: m.label for n, m in service.materials.items() if n in present and sight.sees(n)}
    return [Item(n, text(label)) for n, label in {**fields, **materials}.items()]


def act_form(
    edges: Sequence[Edge], items: Sequence[Item], posted: MultiDict[str, str] | None = None
) -> PortalForm:  # fmt: skip
    """The form of one action. `edges`: the action as the steps that the clerk had know it (the present one first);
    `posted`: what was sent, where its inputs had other names than here."""

    class ActForm(PortalForm):
        idem = HiddenField()
        token_version = HiddenField()
        data_rev = HiddenField()
        seen = HiddenField()

    corrects = any(e.correction for e in edges)
    ui = {"rows": 5, "maxlength": MAX_REASON}
    if corrects:
        for item in items:
            note = lazy_gettext("%(name)s: what is wrong, and what is right?", name=item.label)
            setattr(ActForm, item.tick, TickField(item.label, ui={"small": True}))
            setattr(ActForm, item.note, TextField(note, ui={}))
    if any(map(_must_say_why, edges)):
        label, hint = _words_asked(edges, corrects)
        ActForm.reason = LongTextField(label, description=hint, ui=ui)
    if any(e.pause and e.length is None for e in edges):
        label = lazy_gettext("Expected length in working days")
        ActForm.length = IntegerField(
            label, description=lazy_gettext("The clock runs on after it at the latest."), ui={}
        )
    for name in attachments_of(edges):
        field = UploadField(text(attachment_title(name)), ui={"accept": ".pdf,.png,.jpg,.jpeg"})
        setattr(ActForm, f"file_{name}", field)
    brought = posted is not None and bool(posted.get("opinion", "").strip())  # typed on the page of the case
    if brought or not all(map(_must_say_why, edges)):
        ActForm.opinion = LongTextField(
            lazy_gettext("Opinion (optional)"),
            description=lazy_gettext("For the colleagues who decide after you. The applicant does not read it."),
            ui=ui,
        )
    return ActForm() if posted is None else ActForm(formdata=CombinedMultiDict([request.files, posted]))


def _must_say_why(edge: Edge) -> bool:
    """A pause whose notice the definition does not word needs the clerk's words; so does a question to others."""
    return edge.reason or edge.consult is not None or (edge.pause is not None and edge.notice is None)


def _words_asked(edges: Sequence[Edge], corrects: bool) -> tuple[Any, Any]:
    """What the words are called, and who reads them."""
    if any(edge.consult is not None for edge in edges):
        return lazy_gettext("Your question"), lazy_gettext("The departments that you ask read this.")
    if edges and edges[0].internal:
        return lazy_gettext("Opinion"), lazy_gettext("The department that asked reads this; the applicant does not.")
    if edges and edges[0].conditions is not None:
        return lazy_gettext("Conditions, each on a line of its own"), lazy_gettext(
            "They stand on the document, where anybody may read them, and are checked on site afterwards."
        )
    label = lazy_gettext("Words to the applicant") if corrects else lazy_gettext("Reason")
    return label, lazy_gettext("The applicant reads this. Say what the law asks and what was found.")


def attachments_of(edges: Sequence[Edge]) -> list[str]:
    return list(dict.fromkeys(name for edge in edges for name in edge.requires_attachments))


@dataclass(frozen=True, slots=True)
class Filled:
    """What was typed, ready for the operation. `errors` maps an input's name to its sentence."""

    reason: str | None
    opinion: str | None
    items: dict[str, str]
    attachments: dict[str, list[Upload]]
    length: str | None
    errors: dict[str, str]


def read(form: PortalForm, needs: Needs, edges: Sequence[Edge], items: Sequence[Item], max_mb: int) -> Filled:
    """Reads the form; every fault is told beside its input, nothing typed is lost."""
    errors: dict[str, str] = {}
    reason, opinion = (form[n].data if n in form else None for n in ("reason", "opinion"))
    if needs.reason and not reason:
        asks = any(edge.consult is not None for edge in edges)
        errors["reason"] = _("Write your question") if asks else _("Write the reason")
    for name, words in (("reason", reason), ("opinion", opinion)):
        if len(words or "") > MAX_REASON:
            errors[name] = _("Write at most %(n)s characters", n=MAX_REASON)
    known = [item for item in items if item.tick in form]
    chosen = _chosen(form, known, errors)
    if needs.items and not chosen:
        errors[known[0].tick if known else "reason"] = _("Tick at least one thing to correct")
    attachments = _attachments(form, needs, edges, max_mb, errors)
    length = form["length"].data if "length" in form else None
    if needs.length and not (length and 0 < length <= MAX_PAUSE):
        errors["length"] = _("Enter a whole number of working days, at most %(n)s", n=MAX_PAUSE)
    said = f"{length}wd" if length else None
    return Filled(reason or None, opinion or None, chosen, attachments, said, errors)


def _chosen(form: PortalForm, items: Sequence[Item], errors: dict[str, str]) -> dict[str, str]:
    """What is wrong, by name; who describes a fault means it, ticked or not."""
    chosen: dict[str, str] = {}
    for item in items:
        ticked, note = form[item.tick].data, form[item.note].data or ""
        if ticked or note:
            chosen[item.name] = note
        if ticked and not note:
            errors[item.note] = _("Say what is wrong with: %(name)s", name=item.label)
        elif len(note) > MAX_ITEM:
            errors[item.note] = _("Write at most %(n)s characters", n=MAX_ITEM)
    return chosen


def _attachments(
    form: PortalForm, needs: Needs, edges: Sequence[Edge], max_mb: int, errors: dict[str, str]
) -> dict[str, list[Upload]]:
    """Files by the name that the action gives them; what is needed and not there is an error."""
    found: dict[str, list[Upload]] = {}
    for name in attachments_of(edges):
        key = f"file_{name}"
        given = form[key].data
        if not isinstance(given, FileStorage) or not given.filename:
            if name in needs.attachments:
                errors[key] = _("Choose a file: %(name)s", name=text(attachment_title(name)))
            continue
        try:
            found[name] = [check_upload(key, given.filename, given.read(), ACCEPTED, max_mb)]
        except Invalid as fault:
            errors[key] = _(fault.fields[key])
        except TooLarge as fault:
            errors[key] = _(fault.message, **fault.facts)
    return found


def expected_of(form: PortalForm) -> Expected:
    """What the page showed, from its hidden fields. Raises Invalid where they are not as the page wrote them: without
    them nobody could tell whether the page is old."""
    version, rev = whole(form["token_version"].data), whole(form["data_rev"].data)
    if version is None or rev is None:
        raise Invalid({}, AGAIN)
    return Expected(version, rev)


def whole(typed: str | None) -> int | None:
    """A small whole number that the portal wrote itself; None for anything else."""
    return int(typed) if typed and len(typed) <= 9 and typed.isascii() and typed.isdecimal() else None

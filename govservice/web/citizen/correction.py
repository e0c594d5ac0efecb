"""Correcting: one page with only the wrong answers and documents open, each with what was given and what is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from govservice.definitions.compiled import Compiled
from govservice.engine import Expected
from govservice.errors import Missing, NotAllowed, Stale
from govservice.exchange.found import found_of, newest
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.reliance import CHANGED
from govservice.operations import filing as operations
from govservice.queries.tracking import CasePage, Happening, case_page, words_of
from govservice.web.access import audience, citizen_case, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import FileRow, Filing, districts, files_in, filing_of, idem_of, new_idem
from govservice.web.citizen.uploads import attach_all
from govservice.web.forms import ItemForm, make_form
from govservice.web.i18n import text
from govservice.web.words import answer_text, person_at


@dataclass(frozen=True)
class Words:
    """What a member of staff wrote: a reason for all, and a sentence for each field or material named."""

    reason: str = ""
    items: Mapping[str, str] | None = None

    def about(self, name: str) -> str:
        """What was written about one thing; what was written for all is shown beside it (`reasons_of`)."""
        return (self.items or {}).get(name, "")


def read_words(stored: str) -> Words:
    """The words of an act as stored: JSON with `reason` and `items`, or a plain text."""
    try:
        data = json.loads(stored)
    except ValueError:
        return Words(stored)
    if not isinstance(data, dict):
        return Words(stored)
    items = data.get("items")
    return Words(str(data.get("reason") or ""), items if isinstance(items, dict) else None)


def spoken_in(session: Session, page: CasePage, happenings: list[Happening]) -> dict[str, Words]:
    stored = words_of(session, page.case, [h.data.get("text") for h in happenings])
    return {id: read_words(words) for id, words in stored.items()}


@dataclass(frozen=True)
class Card:
    """One thing to correct: `kind` field or material; `gave` in words; every department that asked about it. `spared`:
    why a paper that is named now did not have to be sent; `holder`: the register that has it."""

    name: str
    kind: str
    title: str
    gave: str
    files: tuple[FileRow, ...]
    wrong: tuple[str, ...]
    asked_by: tuple[tuple[str, datetime], ...]
    spared: str = ""
    holder: str = ""


def open_asks(page: CasePage) -> list[Happening]:
    """The requests that the applicant has not answered yet: those since the last resubmission."""
    last = max((h.seq for h in page.happenings if h.type == "correction.resubmitted"), default=0)
    return [h for h in page.happenings if h.type == "correction.asked" and h.seq > last]


def reasons_of(asks: Iterable[Happening], spoken: Mapping[str, Words]) -> list[tuple[str, str]]:
    """What each department wrote to the applicant about its request as a whole: (department, words)."""
    said = [(asker(h), spoken[str(h.data["text"])].reason) for h in asks if h.data.get("text") in spoken]
    return list(dict.fromkeys((who, words) for who, words in said if words))


def reasons_now(filing: Filing, page: CasePage) -> list[tuple[str, str]]:
    """The same for the requests that wait for an answer."""
    asks = open_asks(page) if page.standing.turn == "you" else []
    with filing.rt.read() as session:
        stored = words_of(session, citizen_case(filing.number, session), [h.data.get("text") for h in asks])
    return reasons_of(asks, {id: read_words(words) for id, words in stored.items()})


def cards_of(filing: Filing, page: CasePage) -> list[Card]:
    """What the notice names, and what a corrected answer makes necessary, in the order of the form; empty while no
    answer is awaited."""
    if page.standing.turn != "you" or page.standing.brings or filing.case.status == "draft":
        return []
    asks = open_asks(page)
    with filing.rt.read() as session:
        case = citizen_case(filing.number, session)
        stored = words_of(session, case, [h.data.get("text") for h in asks])
        sent = read_form(session, case.applicant_id, case.id, case.data_rev)
        files = {slot: files_in(session, case, ids) for slot, ids in sent.materials.items()}
        said = said_now(session, filing.compiled, case) if any(h.system for h in asks) else {}
    spoken = {id: read_words(words) for id, words in stored.items()}
    named = in_order(filing.compiled, {n for h in asks for n in h.data["items"]} | filing.slots.opened)
    return [_card(filing, name, asks, spoken, sent, files, said.get(name)) for name in named]


def said_now(session: Session, compiled: Compiled, case: Case) -> dict[str, str]:
    """What registers say now of what changed and nobody has settled, by field: why a correction is asked for that no
    member of staff asked for."""
    catalogue = current_runtime().definitions.catalogue
    rows = [row for row in newest(session, case.id).values() if row.result in CHANGED and row.resolution is None]
    said = {}
    for found in found_of(session, catalogue, compiled, case, rows):
        hidden = compiled.service.facts[found.name].show == "hidden"
        for kind, _old, new in () if hidden else found.changes:
            value = answer_text(compiled.service.fields.get(kind), new, catalogue, kind) or gettext("Nothing")
            said[kind] = gettext(
                "The %(registry)s says now: %(value)s", registry=text(found.registry_name), value=value
            )
    return said


def in_order(compiled: Compiled, names: Iterable[str]) -> list[str]:
    """Names of fields and materials in the order of the form; unknown ones last."""
    order = [*compiled.service.fields, *compiled.service.materials]
    return sorted(set(names), key=lambda name: (order.index(name) if name in order else len(order), name))


def _card(
    filing: Filing,
    name: str,
    asks: list[Happening],
    spoken: Mapping[str, Words],
    sent: Form,
    files: Mapping[str, tuple[FileRow, ...]],
    said: str | None = None,
) -> Card:
    about = [h for h in asks if name in h.data["items"]]
    wrong = [spoken[h.data["text"]].about(name) for h in about if h.data.get("text") in spoken]
    if name in filing.slots.opened:
        wrong.append(gettext("Your corrected answers make this necessary; nobody had asked for it before."))
    if said is not None:
        wrong.append(said)
    by = tuple((asker(h) or gettext("the portal"), h.at) for h in about)
    gave = answer_text(filing.fields.get(name), sent.answers.get(name), filing.rt.definitions.catalogue, name)
    kind = "material" if name in filing.compiled.service.materials else "field"
    title, brought = text(filing.labels.get(name, name)), files.get(name, ())
    holder = "" if brought else holder_of(filing, name)
    spared = gettext("Nothing: %(registry)s holds it", registry=holder) if holder else ""
    if name in sent.pledges and not brought:
        spared = gettext("Nothing: you gave a pledge instead")
    return Card(name, kind, title, gave, brought, tuple(dict.fromkeys(w for w in wrong if w)), by, spared, holder)


def holder_of(filing: Filing, slot: str) -> str:
    """The register whose record stands in for a paper; "" where none does."""
    material = filing.compiled.service.materials.get(slot)
    view = filing.facts.get(material.replaced_by.fact or "") if material and material.replaced_by else None
    return text(view.registry_name) if view is not None and view.filled else ""


def asker(happening: Happening) -> str:
    department = text(happening.department) if happening.department else ""
    return person_at(text(happening.who) if happening.who else "", department)


@blueprint.route("/my/cases/<number>/correct", methods=["GET", "POST"])
@audience("citizen", uploads=True)
def correct(number: str) -> str | Response | tuple[str, int]:
    filing = filing_of(number)
    page = _load(number)
    cards = cards_of(filing, page)
    if not cards:
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    form = _form(filing, cards)
    if request.method == "GET":
        return _page(filing, page, cards, form, {})
    if request.form.get("token") != str(filing.token_version):
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    return _send(filing, page, cards, form)


def _load(number: str) -> CasePage:
    rt = current_runtime()
    with rt.read() as session:
        return case_page(session, rt.definitions, rt.calendars, citizen_case(number, session), now())


def _form(filing: Filing, cards: list[Card]) -> ItemForm:
    """What was opened by another answer may stay empty on this page: that other answer may be taken back with it.
    Whether it is needed is judged by what was kept."""
    asked = [card.name for card in cards if card.name in filing.slots.fields]
    opened = {name: replace(filing.fields[name], required=False) for name in filing.slots.opened}
    return make_form(
        {**filing.fields, **opened}, asked, filing.form.answers, districts(filing.rt), formats=filing.formats
    )


def _send(filing: Filing, page: CasePage, cards: list[Card], form: ItemForm) -> str | Response | tuple[str, int]:
    """Keeps what is right first, then sends all of it or says what is still missing."""
    problems: dict[str, str] = {}
    valid = form.validate_on_submit()
    for card in cards:
        given = [f for f in request.files.getlist(f"file-{card.name}") if f.filename]
        if given and card.name in filing.slots.materials:
            problem = _replace(filing, card, given)
            if problem and not (problem == _same_again(card) and card.name in request.form.getlist("as_is")):
                problems[card.name] = problem
    if valid:
        _save(filing, form)
    if not valid or problems:
        return _page(filing_of(filing.number), page, cards, form, problems), 422
    if left := left_unsaid(filing, cards, request.form.getlist("as_is")):
        return _page(filing_of(filing.number), page, cards, form, left), 422
    try:
        operations.resubmit(
            filing.rt, filing.actor, filing.case.id, expected=Expected(filing.token_version),
            idem=idem_of(request.form.get("idem")), now=now(),
        )  # fmt: skip
    except Missing as missing:
        problems = {name: still_missing(filing, name) for name in missing.fields}
        now_open = filing_of(filing.number)
        cards = cards_of(now_open, page)
        return _page(now_open, page, cards, _form(now_open, cards), problems), 422
    except (Stale, NotAllowed):
        return redirect(url_for("citizen.case", number=filing.number, said="not_now"), 303)
    return redirect(url_for("citizen.case", number=filing.number, said="corrected"), 303)


def _replace(filing: Filing, card: Card, given: list[FileStorage]) -> str:
    """The new files take the place of those that were found wrong; the old ones stay in the record. The very file that
    was found wrong corrects nothing, and must not be taken away for itself."""
    held = {row.id for row in filing.files.get(card.name, ())}
    old = [row for row in card.files if row.id in held]
    brought = {_sha256_of(file) for file in given}
    if brought <= {row.sha256 for row in old}:
        return _same_again(card)
    problem = attach_all(filing, card.name, given)
    if problem:
        return problem
    for row in old:
        if row.sha256 not in brought:
            operations.detach(filing.rt, filing.actor, filing.case.id, row.id, now=now())
    return ""


def _same_again(card: Card) -> str:
    """What is said where the very file comes again that was found wrong."""
    words = gettext("%(what)s: this file was found wrong. Upload the corrected one, or say that you leave it")
    return str(words % {"what": card.title})


def _sha256_of(file: FileStorage) -> str:
    digest = hashlib.sha256(file.read()).hexdigest()
    file.seek(0)
    return digest


def _save(filing: Filing, form: ItemForm) -> None:
    values = form.values()
    for page in filing.compiled.service.form:
        of_page = {name: value for name, value in values.items() if name in page.fields}
        if of_page:
            operations.save_page(filing.rt, filing.actor, filing.case.id, page.page, of_page, now=now())


def left_unsaid(filing: Filing, cards: Iterable[Card], as_is: Iterable[str]) -> dict[str, str]:
    """What would be sent as it was before and nobody said so: there is one correction, and a slip would use it up.

    `as_is`: names of what the applicant says they leave. What stands closed here (a register's) is no slip, and what
    another answer opened is judged by whether it is needed.
    """
    with filing.rt.read() as session:
        case = citizen_case(filing.number, session)
        before = read_form(session, case.applicant_id, case.id, case.data_rev)
        changed = read_form(session, case.applicant_id, case.id).changed_from(before)
    slots = filing.slots
    mine = [c for c in cards if c.name in slots.fields | slots.materials and c.name not in slots.opened]
    words = gettext("%(what)s is still as you sent it. Change it, or say that you leave it as it is")
    none = gettext("%(what)s: upload a file, or say that you upload none")
    left = [c for c in mine if c.name not in {*changed, *as_is}]
    return {c.name: (none if c.spared else words) % {"what": c.title} for c in left}


def still_missing(filing: Filing, name: str) -> str:
    """Why a correction cannot be sent yet."""
    label = text(filing.labels.get(name, name))
    if name in filing.compiled.service.materials:
        return str(gettext("%(what)s: upload a file", what=label))
    return str(gettext("Enter an answer: %(what)s", what=label))


def _page(filing: Filing, page: CasePage, cards: list[Card], form: ItemForm, problems: Mapping[str, str]) -> str:
    fields: dict[str, Any] = {field.spec_name: field for field in form.questions()}
    for name, problem in problems.items():
        if name in fields and not fields[name].errors:
            fields[name].errors = [problem]
    shown = {name: problem for name, problem in problems.items() if name not in fields}
    idem = idem_of(request.form.get("idem")) if request.method == "POST" else new_idem()
    return render_template(
        "citizen/correct.html", filing=filing, page=page, cards=cards, form=form, fields=fields, problems=shown,
        idem=idem, wrong=bool(form.errors or problems), reasons=reasons_now(filing, page),
        as_is=request.form.getlist("as_is"),
    )  # fmt: skip

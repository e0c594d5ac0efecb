"""What every page of a filing knows: the case, its definition, the answers so far, the facts, what is open."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import redirect, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.definitions.compiled import Compiled
from govservice.definitions.periods import period_words
from govservice.definitions.questions import Question
from govservice.definitions.values import typed
from govservice.engine import MAIN, Actor, Gap, load_state
from govservice.exchange import conditional, evidence
from govservice.exchange.accesses import Purpose, Read, record_reads
from govservice.exchange.evidence import ACCOUNT, FactView
from govservice.exchange.outcomes import Outcome
from govservice.exchange.pending import WITHIN, fields_of, materials_of, must_be_known, pending_facts
from govservice.identifiers import IdKind
from govservice.models.casedata import AGAIN, ISSUED, SHARED, YOU, Form, read_form
from govservice.models.cases import Case, Token
from govservice.models.exchange import VAULT
from govservice.models.papers import File, name_of
from govservice.money import Money
from govservice.operations.completeness import OpenSlots, missing_items, open_slots, visible_pages
from govservice.operations.runtime import Runtime
from govservice.queries.service_page import labels
from govservice.queries.tracking import party_of
from govservice.web.access import citizen_case, current_actor, current_runtime, now
from govservice.web.i18n import date_text, text
from govservice.web.words import answer_text, duration_text, gap, list_text

ASKED = "asked"  # the role of a read by somebody whose answer the application needs
FELLOW = "fellow"  # the role of a read by somebody who acts for the same organisation


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a material: its name as the applicant gave it. `size` in bytes."""

    id: str
    name: str
    size: int
    uploaded_at: datetime
    sha256: str


@dataclass(frozen=True)
class Filing:
    rt: Runtime
    actor: Actor
    case: Case
    compiled: Compiled
    form: Form
    facts: Mapping[str, FactView]
    slots: OpenSlots
    files: Mapping[str, tuple[FileRow, ...]]
    token_version: int
    party: str  # name of the organisation it is filed for; "" for a person's own
    gaps: Mapping[str, Gap]  # what was put off when it was sent, by material

    @property
    def number(self) -> str:
        return self.case.number

    @property
    def fields(self) -> Mapping[str, Question]:
        return self.compiled.service.fields

    @property
    def fee(self) -> Money | None:
        """What the service costs."""
        fee = self.compiled.service.fee
        return Money.of(fee.amount.value, fee.amount.currency) if fee is not None else None

    @property
    def fee_due(self) -> str:
        fee = self.compiled.service.fee
        return fee.due if fee is not None else ""

    @property
    def shown_pages(self) -> list[Any]:
        """The form's pages that are shown with these answers."""
        shown = set(visible_pages(self.compiled, self.form))
        return [page for page in self.compiled.service.form if page.page in shown]

    @property
    def asked_pages(self) -> list[Any]:
        """The shown pages that have something to answer."""
        return [p for p in self.shown_pages if any(name in self.slots.fields for name in p.fields)]

    @property
    def more_pages_may_come(self) -> bool:
        """Whether later answers may still open pages, hidden only because their condition is not decided yet."""
        values: dict[str, object] = dict(typed(self.fields, self.form.answers))
        shown = {page.page for page in self.shown_pages}
        conditions = self.compiled.page_conditions
        hidden = [p.page for p in self.compiled.service.form if p.page not in shown and p.page in conditions]
        verdicts = [conditions[page] for page in hidden]
        return any(condition.evaluate(values).missing for condition in verdicts if condition is not None)

    @property
    def shown_fields(self) -> list[str]:
        return [name for page in self.shown_pages for name in page.fields]

    @property
    def asked_materials(self) -> list[str]:
        return [name for name in self.compiled.service.materials if name in self.slots.materials]

    def missing(self) -> list[str]:
        """Fields and materials without which it cannot be sent."""
        return missing_items(self.compiled, self.facts, self.form, self.slots)

    @property
    def to_be_shown(self) -> list[str]:
        """Facts that an answer has made necessary and that the applicant has not been told of yet."""
        return conditional.to_be_shown(self.compiled, self.facts, self.form) if self.case.status == "draft" else []

    @property
    def labels(self) -> dict[str, Any]:
        return dict(labels(self.rt.definitions, self.compiled))

    def answer(self, name: str) -> str:
        """An answer in words, personal numbers masked but to whoever typed them."""
        catalogue = self.rt.definitions.catalogue
        own = self.form.own(name) and self.actor.person_id == self.case.applicant_id
        return answer_text(self.fields.get(name), self.form.answers.get(name), catalogue, name, to_author=own)

    def answer_to(self, name: str, value: Any) -> str:
        """A register's value that stands in no field of the form, in words."""
        return answer_text(None, value, self.rt.definitions.catalogue, name)

    @property
    def formats(self) -> dict[str, IdKind]:
        """Fields that hold an identifier, with its kind, by the catalogue's types of facts."""
        types = self.rt.definitions.catalogue.facts
        return {name: kind for name in self.fields if name in types and (kind := types[name].identifier) is not None}

    @property
    def hidden(self) -> frozenset[str]:
        """Values that the law keeps out of the applicant's sight."""
        return evidence.hidden_fields(self.compiled, self.facts)

    @property
    def late(self) -> frozenset[str]:
        """Fields and materials that the application may be sent without: their register owes them."""
        if self.case.status != "draft":
            return frozenset()
        names = pending_facts(self.compiled, self.facts)
        fields = fields_of(self.compiled, names) - must_be_known(self.compiled)
        return fields | materials_of(self.compiled, names)

    @property
    def waiting(self) -> list[str]:
        """Fields that nobody may type and no register has given yet."""
        return [name for name in evidence.waiting_fields(self.compiled, self.facts) if name not in self.late]


def filing_of(number: str, *, as_sent: bool = False) -> Filing:
    """The filing of a case of the present actor, as it is being filled in; `as_sent`: with the answers and files that
    were sent last, not with what a correction has kept since. Raises NotFound where it is not theirs."""
    rt, actor = current_runtime(), current_actor()
    assert actor is not None
    with rt.read() as session:
        case = citizen_case(number, session)
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case.id, rt.definitions.catalogue)
        form = read_form(session, case.applicant_id, case.id, case.data_rev if as_sent else None)
        if not as_sent:
            form = evidence.merge_answers(compiled, facts, form)
            form = evidence.with_defaults(compiled, facts, form) if case.status == "draft" else form
        token = session.get(Token, (case.id, MAIN))
        if request.method == "GET":
            record_fellow_read(rt, actor, case, [*form.answers, *form.materials], "task")
        return Filing(
            rt, actor, case, compiled, form, facts, open_slots(session, case, compiled, facts),
            {slot: files_in(session, case, ids) for slot, ids in form.materials.items()},
            token.version if token else 0, party_of(session, case),
            {} if case.status == "draft" else load_state(session, case.id).gaps,
        )  # fmt: skip


def record_fellow_read(rt: Runtime, actor: Actor, case: Case, what: list[str], purpose: Purpose) -> None:
    """Who acts for an enterprise sees what a fellow filed for it: a read of the fellow's data, which the fellow sees.
    One's own case is no read."""
    if actor.person_id == case.applicant_id:
        return
    with rt.write() as session:
        record_reads(session, actor.id, FELLOW, None, [Read(case.applicant_id, case.id, what, purpose)], now())


def files_in(session: Session, case: Case, ids: tuple[str, ...]) -> tuple[FileRow, ...]:
    """Files with their names opened, in the order given; gone ones are left out."""
    rows = [session.get(File, id) for id in ids]
    return tuple(
        FileRow(row.id, name, row.size, row.uploaded_at, row.sha256)
        for row in rows
        if row is not None and row.case_id == case.id and (name := name_of(session, row)) is not None
    )


def not_a_draft(filing: Filing, *, told: bool = True) -> Response | None:
    """Where to go instead when the application was sent already, or when nothing was agreed to yet; with `told` also
    where an answer calls for a register of which the applicant was not told."""
    if filing.case.status != "draft":
        return redirect(url_for("citizen.case", number=filing.number, said="sent_already"), 303)
    if filing.form.agreed_at is None or (told and filing.to_be_shown):
        return redirect(url_for("citizen.purpose", number=filing.number), 303)
    return None


def new_idem() -> str:
    """A fresh idempotency key for a form: sending the same form twice asks for one and the same thing."""
    return secrets.token_urlsafe(18)


def idem_of(posted: str | None) -> str:
    """The key that a form brought; a fresh one where it is missing or not one of ours."""
    given = posted or ""
    return given if 16 <= len(given) <= 64 and given.isascii() and given.isprintable() else new_idem()


def districts(rt: Runtime) -> list[tuple[str, str]]:
    """The districts in which people may file, for a drop-down list."""
    return [(area.code, text(area.name)) for area in rt.definitions.catalogue.areas.values() if area.serves]


def why_asked(filing: Filing, view: FactView) -> str:
    """Why a registry's fields are asked of the citizen after all, and what takes the place of those that are not."""
    node = filing.compiled.service.facts[view.name]
    own = [name for name, field in filing.fields.items() if field.fact == view.name and not view.values.get(name)]
    waiting, account = [n for n in own if n in filing.waiting], [n for n in own if view.party.get(n) is not None]
    if node.block is not None and view.state == "no_record":
        return text(node.block)
    named = register_name(filing, view)
    if node.untold:
        words = gettext(
            "Only the %(registry)s can tell this, and nothing is asked of you for it: %(what)s. What depends on its "
            "answer, such as a pledge, is not offered while there is none."
        )
        return str(words % {"registry": named, "what": _names(filing, own)})
    if view.name in pending_facts(filing.compiled, filing.facts) and filing.case.status == "draft":
        words = gettext(
            "The %(registry)s has not answered. You can send without this: we go on asking, and ask you for it once if "
            "no answer has come within %(days)s. If you have it at hand, give it now."
        )
        return str(words % {"registry": named, "days": duration_text(node.pending_within or WITHIN)})
    said = []
    if sentence := view.sentence if not own or set(own) - {*waiting, *account} else None:
        told = gettext(sentence.message, **{"registry": named})
        if view.outcome == Outcome.REFUSED:  # one register may be asked for one thing and not for another
            words = gettext(
                "You chose to give this information yourself, so we did not ask the %(registry)s: %(what)s."
            )
            told = words % {"registry": named, "what": _names(filing, list(node.taken))}
        said.append(told)
    if account:
        words = gettext(
            "The %(registry)s did not tell us this, so we take it from your account and your mandate: %(what)s."
        )
        said.append(words % {"registry": named, "what": _names(filing, account)})
    if waiting:
        words = gettext(
            "Only the %(registry)s can tell this, nobody may type it: %(what)s. You can send once it has answered."
        )
        said.append(words % {"registry": named, "what": _names(filing, waiting)})
    return gap().join(said)


def reservation(filing: Filing, view: FactView) -> str:
    """What the applicant is told about values that the form shows, and that one should not lean on."""
    said = [gettext(view.sentence.message, **{"registry": register_name(filing, view)})] if view.sentence else []
    if view.state == "stale" and view.registry_updated_at is not None:
        said.append(gettext("It is as of %(day)s.", day=date_text(view.registry_updated_at)))
    said.append(gettext("This is about: %(what)s.", what=_names(filing, list(view.values))))
    return gap().join(said)


def _names(filing: Filing, fields: list[str]) -> str:
    """Fields, or values that only stand with a fact, as people call them."""
    catalogue = filing.rt.definitions.catalogue
    return list_text([text(filing.labels.get(name) or catalogue.label(name) or name) for name in fields])


def register_name(filing: Filing, view: FactView) -> str:
    """The register a fact comes from, by name, even if it was never asked."""
    catalogue = filing.rt.definitions.catalogue
    if view.registry == VAULT:
        return text(view.registry_name)
    code = view.registry or catalogue.registry_of(filing.compiled.service.facts[view.name].dataset or "") or ""
    return text(catalogue.registries[code].short if code in catalogue.registries else view.registry_name)


def source_of(filing: Filing, name: str) -> dict[str, str]:
    """The badge of an answer: register and date, or you."""
    source = filing.form.sources.get(name, YOU)
    if source == ACCOUNT:
        return {"kind": "register", "name": gettext("Your account and mandate"), "note": ""}
    if source in (SHARED, ISSUED):  # it came forth from another part of the bundle, or from this case itself
        return {"kind": "register", "name": gettext("The application itself"), "note": ""}
    if source.startswith(AGAIN):
        return {"kind": "you", "name": gettext("You"), "note": again_words(source.removeprefix(AGAIN))}
    view = filing.facts.get(source.removeprefix("fact:")) if source.startswith("fact:") else None
    if view is None:
        return {"kind": "you", "name": gettext("You"), "note": ""}
    return {"kind": "register", "name": text(view.registry_name), "note": asked_note(view)}


def asked_note(view: FactView) -> str:
    """When a register was asked, and of which time where the fact says so."""
    if view.fetched_at is None:
        return ""
    day = date_text(view.fetched_at)
    if view.as_of is not None:
        return str(gettext("of %(period)s, asked on %(day)s", period=text(period_words(view.as_of)), day=day))
    return str(gettext("asked on %(day)s", day=day))


def editable_note(filing: Filing, fact: str) -> str:
    """That the applicant may change what a register gave; "" where they may not."""
    view = filing.facts.get(fact)
    if view is None or not any(filing.fields[n].fact == fact for n in evidence.editable_fields(
        filing.compiled, filing.facts
    )):  # fmt: skip
        return ""
    words = gettext(
        "These answers come from the %(registry)s. Change what is wrong: a clerk then compares both before anything is "
        "decided."
    )
    return str(words % {"registry": register_name(filing, view)})


def again_words(number: str) -> str:
    """From which application an answer or a document was taken over."""
    return str(gettext("as in your application %(number)s", number=number))


def known_items(filing: Filing) -> list[dict[str, str]]:
    """What stands beside a question: each register with the values it gave and the date; what still waits."""
    items = []
    for view in filing.facts.values():
        note = f"{text(view.registry_name)} · {date_text(view.fetched_at)}"
        known = {n: v for n, v in view.values.items() if n not in filing.hidden}
        shown = [_said(filing, n) for n in known if n in filing.fields and n in filing.shown_fields]
        shown += [_count(filing, n, v) for n, v in known.items() if n not in filing.fields]
        if view.filled and any(shown):
            items.append({"kind": "register", "value": list_text([s for s in shown if s]), "note": note})
        elif view.state == "deferred":
            owed = view.name in pending_facts(filing.compiled, filing.facts)
            owed = owed or filing.compiled.service.facts[view.name].untold
            note = gettext("you may send without it") if owed else gettext("please give it yourself, or ask again")
            items.append({"kind": "waiting", "value": text(view.registry_name), "note": note})
    return items


def _said(filing: Filing, name: str) -> str:
    """A value as it stands there; a bare yes, count or sum of money with its name, which alone would say nothing."""
    field, words = filing.fields[name], filing.answer(name)
    bare = field.type == "yes_no" or (field.type in ("integer", "decimal") and field.unit in (None, "CNY"))
    return str(gettext("%(what)s: %(count)s", what=text(field.label), count=words)) if bare and words else words


def _count(filing: Filing, name: str, value: Any) -> str:
    """A fact that is no field of the form: of a list (staff certificates) how many there are."""
    if not isinstance(value, (list, tuple)):
        return filing.answer_to(name, value)
    entries = gettext("%(count)s entries", count=len(value))
    return str(gettext("%(what)s: %(count)s", what=text(filing.labels.get(name, name)), count=entries))

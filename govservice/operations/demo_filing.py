"""How an applicant of the demonstration fills in the form, attaches papers, submits and answers a correction.

The same parts as the citizen's desk uses, in the caller's transaction: facts through the gateway and its records,
answers as sealed revisions, a snapshot of what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.questions import Question
from govservice.engine import Actor
from govservice.exchange import conditional, consents, evidence, prefill, recording, toll
from govservice.exchange.snapshot import Reason, seal_snapshot
from govservice.models.base import to_iso
from govservice.models.casedata import YOU, Form, write_form
from govservice.models.cases import Case
from govservice.models.session import box_of
from govservice.operations import demo_words as words
from govservice.operations.completeness import agreed, filled_in, may_put_off, pledge_of, prune_hidden, visible_pages
from govservice.operations.demo_papers import paper
from govservice.operations.demo_plan import Fate
from govservice.operations.files import store
from govservice.operations.runtime import Runtime

DECLINES = 0.03  # share of applicants who would rather bring the health certificates themselves


@dataclass(slots=True)
class Filing:
    """One applicant's papers for one case, as they stand."""

    rt: Runtime
    session: Session
    compiled: Compiled
    fate: Fate
    actor: Actor
    case_id: str
    random: Random
    form: Form = field(default_factory=Form)
    sent: Form = field(default_factory=Form)
    facts: evidence.Facts = field(default_factory=dict)

    @property
    def applicant_id(self) -> str:
        assert self.actor.person_id is not None
        return self.actor.person_id

    def agree(self, at: datetime) -> None:
        """The purpose page is answered; the registries are asked and their answers recorded. Those that only an answer
        calls for are asked when it is there (`answer`)."""
        declines = "health_certificates" in self.fate.defers or self.random.random() < DECLINES
        declined = ("health",) if "health" in self.compiled.service.facts and declines else ()
        self.form = replace(self.form, declined=declined, agreed_at=to_iso(at))
        self._ask(at)

    def _ask(self, at: datetime) -> None:
        catalogue, declined = self.rt.definitions.catalogue, self.form.declined
        left = {*declined, *conditional.unneeded(self.compiled, self.form)}
        with_consent = [name for name in consents.wants_consent(self.compiled) if name not in left]
        case = self.session.get_one(Case, self.case_id)
        consents.note_given(self.session, case, self.compiled, catalogue, with_consent, self.actor.id, at)
        wanted, settled = prefill.needs(
            self.session, catalogue, self.compiled, self.case_id, self.actor, at, declined, "prefill", form=self.form
        )
        results = [*self.rt.gateway.ask(self.rt.database, wanted), *settled]
        recording.record(self.session, catalogue, results)
        self.facts = evidence.current_facts(self.session, self.case_id, catalogue)

    def answer(self, at: datetime) -> None:
        """Everything that is asked, and the papers that no registry spares; one revision."""
        fields, later = self.compiled.service.fields, self.compiled.fact_conditions
        self.form = evidence.merge_answers(self.compiled, self.facts, self.form)
        asked = evidence.asked_fields(self.compiled, self.facts)
        mine = [name for name in asked if name not in self.form.answers]  # a register's word stands, even if editable
        self._give([name for name in mine if not fields[name].default and fields[name].fact not in later])
        if conditional.to_be_shown(self.compiled, self.facts, self.form):
            self._ask(at)
        self.form = filled_in(self.compiled, self.facts, self.form)
        asked = evidence.asked_fields(self.compiled, self.facts)
        self._give([n for n in asked if n not in self.form.answers and (fields[n].default or fields[n].fact in later)])
        form = self._papers(self.form, at)
        shown = tuple(visible_pages(self.compiled, form))
        self._write(replace(form, pages_done=shown), at)

    def _give(self, names: Sequence[str]) -> None:
        """Answers these; of what is optional and a register has no record of there is nothing to say."""
        fields = self.compiled.service.fields
        nothing = {name for name in names if not fields[name].required and self._held_by_nobody(fields[name].fact)}
        given = {n: value for n in names if n not in nothing and (value := self._value(n, fields[n])) is not None}
        self.form = prune_hidden(self.compiled, self.form.with_answers(given, YOU))

    def _held_by_nobody(self, fact: str | None) -> bool:
        view = self.facts.get(fact or "")
        return view is not None and view.state == "no_record"

    def _papers(self, form: Form, at: datetime) -> Form:
        """Each paper that is asked for: pledged or put off where the plan says so, else brought."""
        materials: dict[str, tuple[str, ...]] = {}
        pledges, deferred = dict(form.pledges), list(form.deferred)
        for slot in evidence.materials_asked(self.compiled, self.facts):
            words = pledge_of(self.rt.definitions.catalogue, self.compiled, self.facts, form, slot)
            if slot in self.fate.pledges and words is not None:
                pledges[slot] = agreed(self.compiled, slot, words, at)
            elif slot in self.fate.defers and may_put_off(self.compiled, self.facts, form, slot):
                deferred.append(slot)
            elif self.compiled.service.materials[slot].required:
                materials[slot] = (self.attach(slot, "material", self.actor.id, at),)
        return replace(form, materials=materials, pledges=pledges, deferred=tuple(deferred))

    def bring(self, slots: Sequence[str], at: datetime) -> None:
        """What was put off comes."""
        form = self.form
        for slot in slots:
            brought = {**form.materials, slot: (self.attach(slot, "material", self.actor.id, at),)}
            form = replace(form.without_promise(slot), materials=brought)
        self._write(form, at)

    def correct(self, items: tuple[str, ...], at: datetime) -> list[str]:
        """Another value or another file for everything named; returns what changed."""
        before, materials, given = self.form, dict(self.form.materials), {}
        for name in items:
            if name in self.compiled.service.materials:
                materials[name] = (self.attach(name, "material", self.actor.id, at),)
            elif name in self.form.sources and self.form.own(name):
                given[name] = self._value(name, self.compiled.service.fields[name])
        form = prune_hidden(self.compiled, self.form.with_answers(given, YOU))
        self._write(replace(form, materials=materials), at)
        return self.form.changed_from(before)

    def seal(self, reason: Reason, at: datetime) -> None:
        """The snapshot of what was sent."""
        case = self.session.get_one(Case, self.case_id)
        conditional.note_unneeded(self.session, case.id, self.compiled, self.form, at, sent=True)
        sealed = seal_snapshot(
            self.session, case, self.compiled, self.form.as_json(), self.facts, reason=reason, now=at
        )
        toll.note(
            self.session, case, self.compiled, self.rt.definitions.catalogue, self.form, self.facts, sealed, self.sent
        )
        self.sent = self.form
        self.session.expunge_all()

    def attach(self, slot: str, kind: str, by: str, at: datetime) -> str:
        """Stores a paper; returns its id."""
        revision = len(self.form.materials.get(slot, ())) + 1 if kind == "material" else 1
        box = box_of(self.session, self.applicant_id)
        assert box is not None
        file = store(
            box, self.rt.storage, self.case_id, self.applicant_id,
            slot=slot, kind=kind, revision=revision, upload=paper(slot, revision), by=by, now=at, durable=False,
        )  # fmt: skip
        self.session.add(file)
        return file.id

    def _write(self, form: Form, at: datetime) -> None:
        self.form = write_form(self.session, self.applicant_id, self.case_id, form, self.actor.id, at)

    def _value(self, name: str, asked: Question) -> Any:
        """What this applicant answers: the plan's own answer, a fitting one by name, else one of the field's type."""
        if name in self.fate.answers:
            return self.fate.answers[name]
        if asked.fact is not None:
            return _declared(self.fate, name, asked, self.random)
        named = named_answers(self.random, self.form.answers)
        return named[name] if name in named else typed_answer(self.random, asked)


def _declared(fate: Fate, name: str, asked: Question, random: Random) -> Any:
    """What a citizen says where no registry does: rented premises, a tenancy of last week, a school just entered."""
    said = {
        "premises.address": fate.enterprise.address,
        "premises.district": fate.enterprise.area,
        "premises.area": "120",
        "premises.title_no": f"租赁备案 {fate.enterprise.uscc[-6:]}",
        "org.name": fate.enterprise.name,
        "org.uscc": fate.enterprise.uscc,
        "org.address": fate.enterprise.address,
        "rental.number": f"ZL-{fate.enterprise.uscc[-6:]}",
        "rental.address": fate.enterprise.address,
        "rental.district": fate.enterprise.area,
        "study.school": "贵州大学",
    }
    if name in said or asked.type in ("text", "address", "district"):
        return said.get(name, "—")
    return typed_answer(random, asked)


def named_answers(random: Random, held: Mapping[str, Any]) -> dict[str, Any]:
    form = held.get("business.form") or random.choice(tuple(words.ITEMS))
    return {
        "menu.kind": list(random.choice(words.FOODS)),
        "menu.seats": 0 if random.random() < 0.12 else random.randrange(12, 160, 4),
        "signage.text": random.choice([s for s in words.SIGNS if s != held.get("signage.text")]),
        "business.form": form,
        "business.items": list(random.choice(words.ITEMS[form])),
        "manager.name": random.choice(words.MANAGERS),
        "online.sells": random.random() < 0.35,
        "online.shop": random.choice(words.SHOPS),
    }


def typed_answer(random: Random, asked: Question) -> Any:
    options = list(asked.options or ())
    by_type: dict[str, Any] = {
        "text": "无",
        "address": "花溪区清溪路 1 号",
        "integer": 1,
        "decimal": "1",
        "yes_no": False,
        "choice": random.choice(options) if options else None,
        "choices": options[:1],
    }
    return by_type.get(asked.type)

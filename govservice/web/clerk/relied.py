"""What a decision relies on, as a clerk sees it: what registers say now beside what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.exchange.found import Found, found_of, newest, unsettled
from govservice.models.reliance import EXAMINED
from govservice.operations.disputing import open_disputes
from govservice.operations.revalidating import ways_of
from govservice.operations.runtime import Runtime
from govservice.queries.consents import withdrawn_of
from govservice.queries.flags import Word, flags_of
from govservice.queries.names import staff_names
from govservice.queries.sight import Sight
from govservice.web.clerk.access import Opened
from govservice.web.i18n import text
from govservice.web.titles import Titles
from govservice.web.words import answer_text

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One fact that was asked again, in words."""

    id: str
    name: str
    title: Text
    registry: Text
    tone: str
    words: str
    at: datetime
    changes: tuple[dict[str, Any], ...]
    settled: str
    reason: str
    ways: tuple[str, ...]  # how it may be settled
    asked: bool  # False: as it was sent, no register was asked then


@dataclass(frozen=True, slots=True)
class Relied:
    """`waiting`: facts whose register has not answered yet, with when it is asked next. `again`: there is something to
    ask for."""

    lines: tuple[Line, ...]
    waiting: tuple[tuple[Text, datetime | None], ...]
    again: bool
    withdrawn: tuple[tuple[Text, datetime], ...] = ()  # facts whose consent was taken back, with when
    told: tuple[tuple[Text, Text, Word], ...] = ()  # what registries told by themselves: what, whose register
    disputed: tuple[tuple[Text, Text, date, str], ...] = ()  # which entry, whose register, answered by, what waits
    by_itself: tuple[Text, ...] = ()  # what is asked again before a decision without anybody's word

    @property
    def any(self) -> bool:
        return bool(self.lines or self.waiting or self.withdrawn or self.told or self.disputed)


def relied_of(rt: Runtime, session: Session, opened: Opened, sight: Sight) -> Relied:
    """Only facts that the clerk's steps see."""
    case, catalogue, compiled = opened.case, rt.definitions.catalogue, sight.compiled
    rows = [row for name, row in newest(session, case.id).items() if sight.sees_fact(name)]
    found = found_of(session, catalogue, compiled, case, rows)
    names = staff_names(session, {f.resolved_by for f in found if f.resolved_by})
    waiting = tuple(
        (title_of(rt, compiled, need.name), need.next_try_at)
        for need in unsettled(session, case)
        if sight.sees_fact(need.name)
    )
    seen = [name for name in compiled.service.facts if sight.sees_fact(name)]
    open_here = case.status == "open" and any(task.status in ("open", "waiting") for task in opened.tasks)
    withdrawn = tuple(
        (title_of(rt, compiled, name), at)
        for name, at in withdrawn_of(session, case.id).items()
        if sight.sees_fact(name) and name in compiled.service.facts
    )
    lines = tuple(_line(rt, sight, f, names) for f in found)
    flags = flags_of(session, [case.id]).get(case.id)
    told = tuple(
        (Titles(rt).event(word.registry, word.type), catalogue.registries[word.registry].title, word)
        for word in (flags.words if flags is not None else ())
        if hears(sight, word) and word.registry in catalogue.registries
    )
    disputed = tuple(
        (
            catalogue.label(row.fact_type) or title_of(rt, compiled, row.name),
            catalogue.registries[row.registry_code].title,
            row.due_on,
            row.hold,
        )
        for row in open_disputes(session, case.id)
        if row.name in compiled.service.facts and sight.sees_fact(row.name)
    )
    facts = compiled.service.facts
    by_itself = [title_of(rt, compiled, name) for name in seen if facts[name].revalidate is not None]
    return Relied(lines, waiting, bool(seen) and open_here, withdrawn, told, disputed, tuple(by_itself))


def hears(sight: Sight, word: Word) -> bool:
    """Whether it concerns a fact that the clerk's step sees."""
    facts = sight.compiled.service.facts.items()
    return any(word.type in node.subscribe and sight.sees_fact(name) for name, node in facts)


def title_of(rt: Runtime, compiled: Compiled, name: str) -> Text:
    """What a fact is called: the dataset that it comes from."""
    dataset = rt.definitions.catalogue.datasets.get(compiled.service.facts[name].dataset or "")
    return dataset.title if dataset is not None else {"en": name, "zh": name}


def _line(rt: Runtime, sight: Sight, found: Found, names: Mapping[str, Text]) -> Line:
    tone, words = _said(found)
    fields, facts = sight.compiled.service.fields, rt.definitions.catalogue.facts
    changes = tuple(
        {
            "name": kind, "label": fields[kind].label if kind in fields else facts[kind].label,
            "before": answer_text(fields.get(kind), old, rt.definitions.catalogue, kind),
            "value": answer_text(fields.get(kind), new, rt.definitions.catalogue, kind),
        }
        for kind, old, new in found.changes
    )  # fmt: skip
    ways = ways_of(found) if found.stands_open else ()
    return Line(
        found.id, found.name, title_of(rt, sight.compiled, found.name), found.registry_name, tone, words, found.at,
        changes, settled_words(found, names), found.reason, ways, found.asked,
    )  # fmt: skip


def _said(found: Found) -> tuple[str, str]:
    if found.result in ("material", "gone") and found.resolution is not None:
        return "info", _("Changed, and settled")
    if found.resolution == "verified":
        return "ok", _("Verified by a member of staff")
    if found.resolution == "waived":
        return "info", _("Not needed for this decision")
    if found.result in ("same", "immaterial") and found.outcome == EXAMINED:
        return "warn", _("As it was sent; the register is examining it")
    words = {
        "same": ("ok", _("As it was sent")),
        "immaterial": ("ok", _("As it was sent, or changed in a way that does not matter here")),
        "material": ("bad", _("Says something else than the applicant") if found.declared else _("Has changed")),
        "gone": ("bad", _("Has no record any more")),
        "unavailable": ("warn", _("Does not answer")),
        "unverified": ("warn", _("Not verified by a register")),
    }
    tone, said = words[found.result]
    return tone, str(said)


def settled_words(found: Found, names: Mapping[str, Text]) -> str:
    """Who settled it and how; "" where nobody did."""
    if found.resolution is None:
        return ""
    who = text(names.get(found.resolved_by or "", {"en": "", "zh": ""}))
    words = {
        "kept": _("%(who)s: the decision takes the change into account.", who=who),
        "verified": _("%(who)s has verified the data.", who=who),
        "waived": _("%(who)s: this decision does not need it.", who=who),
        "corrected": _("The applicant's correction has taken the new data over."),
        "conditional": _("Decided without the register's word, as this service allows."),
    }
    return str(words[found.resolution])

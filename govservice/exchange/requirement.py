"""One need of a case as a small machine of its own: how it stands, and what may become of it.

One table, one shared machine (`transitions`, nothing is bound to it). What the table does not hold is refused: a value
that nobody asked for cannot become a registry's word, and what a clerk waived is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session
from transitions import Machine, MachineError

from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import brought
from govservice.errors import NotAllowed
from govservice.exchange.outcomes import REQUIREMENT_STATE, Outcome
from govservice.exchange.views import Facts
from govservice.models.casedata import Form
from govservice.models.exchange import EvidenceRequirement

State = Literal[
    "needed", "fetching", "available", "no_record", "ambiguous", "withheld", "deferred", "refused", "declared",
    "uploaded", "disputed", "stale", "verified", "contradicted", "waived", "unneeded",
]  # fmt: skip
STATES: tuple[str, ...] = get_args(State)
OPEN = ("no_record", "ambiguous", "withheld", "deferred", "refused", "contradicted", "stale", "declared", "uploaded")
# What a withdrawn consent leaves as it is: it was told, or given, while the consent held.
STANDS = ("available", "stale", "disputed", "contradicted", "declared", "uploaded", "verified", "waived")
ANSWERS = ("available", "no_record", "ambiguous", "withheld", "deferred", "stale", "contradicted")
# trigger, from, to. `ask` is refused for what was waived only.
WAYS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("ask", tuple(s for s in STATES if s not in ("waived", "fetching")), "fetching"),
    *((answer, ("fetching",), answer) for answer in ANSWERS),
    ("refuse", tuple(s for s in STATES if s != "waived"), "refused"),  # the applicant would rather bring it
    ("declare", OPEN, "declared"),
    ("upload", OPEN, "uploaded"),
    ("age", ("available", "declared", "uploaded", "verified"), "stale"),
    ("dispute", ("available", "stale", "contradicted"), "disputed"),
    ("uphold", ("disputed",), "available"),  # the registry's owner stands by its record
    ("correct", ("disputed",), "stale"),  # the owner has corrected it: asked again
    ("contradict", ("declared", "uploaded", "available"), "contradicted"),
    ("accept", ("contradicted",), "available"),
    ("verify", (*OPEN, "disputed", "verified", "waived"), "verified"),
    ("waive", STATES, "waived"),
    ("leave", tuple(s for s in STATES if s != "waived"), "unneeded"),  # its condition (`if`) does not hold
    ("need", ("unneeded",), "needed"),
)  # fmt: skip
_MACHINE = Machine(
    model=None, states=list(STATES), initial="needed", auto_transitions=False, queued=False,
    transitions=[{"trigger": trigger, "source": list(source), "dest": dest} for trigger, source, dest in WAYS],
)  # fmt: skip


class _Cursor:
    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


def moved(state: str, trigger: str) -> str:
    """The state that a trigger leads to. Raises NotAllowed where the table has no such way."""
    cursor = _Cursor(state)
    try:
        _MACHINE.events[trigger].trigger(cursor)
    except (KeyError, ValueError, MachineError) as error:
        raise NotAllowed(state=state, trigger=trigger) from error
    return cursor.state


def answered(state: str, outcome: Outcome, *, met: bool) -> str:
    """The state after a registry was asked (or, REFUSED, is not to be). A need that is met stays met where the registry
    only said nothing (`met`); what was waived stays so whatever a registry that was asked with others said."""
    if state == "waived":
        return state
    if outcome is Outcome.REFUSED:
        return moved(state, "refuse")
    return moved(moved(state, "ask"), "available" if met else REQUIREMENT_STATE[outcome])


@dataclass(frozen=True, slots=True)
class Given:
    """What the applicant gave in place of a registry: typed values, or papers."""

    name: str
    how: Literal["declare", "upload"]


def given_instead(compiled: Compiled, facts: Facts, form: Form) -> list[Given]:
    """The needs that no registry met and the applicant did, with what they gave."""
    found = []
    for name, node in compiled.service.facts.items():
        view = facts.get(name)
        if view is None or view.filled:
            continue
        mine = any(each in form.sources and form.own(each) for each in brought(name, node))
        whole = node.pending != "allowed" or not _lacking(compiled, name, form)  # what is left out is still owed
        if mine and whole:
            found.append(Given(name, "declare"))
        elif any(form.materials.get(each) for each in _papers(compiled, name)):
            found.append(Given(name, "upload"))
    return found


def given_anew(compiled: Compiled, name: str, form: Form, before: Form) -> bool:
    """Whether the applicant gave something else for this need than `before`: another answer, another paper."""
    fields = brought(name, compiled.service.facts[name])
    said = any(form.answers.get(each) != before.answers.get(each) for each in fields)
    return said or any(form.materials.get(m) != before.materials.get(m) for m in _papers(compiled, name))


def _papers(compiled: Compiled, fact: str) -> list[str]:
    """The materials that this fact replaces."""
    materials = compiled.service.materials.items()
    return [name for name, spec in materials if spec.replaced_by is not None and spec.replaced_by.fact == fact]


def _lacking(compiled: Compiled, fact: str, form: Form) -> list[str]:
    """The fields of a fact that nobody has filled."""
    fields = compiled.service.fields.items()
    mine = [name for name, field in fields if field.fact == fact and field.required]
    return [name for name in mine if form.answers.get(name) in (None, "", [])]


def rows_of(session: Session, case_id: str, names: Iterable[str]) -> Mapping[str, EvidenceRequirement]:
    """The rows of these needs, locked until the transaction ends."""
    rows = select(EvidenceRequirement).where(
        EvidenceRequirement.case_id == case_id, EvidenceRequirement.name.in_(set(names))
    )
    return {row.name: row for row in session.scalars(rows.order_by(EvidenceRequirement.id).with_for_update())}


def move(row: EvidenceRequirement, trigger: str, now: datetime) -> None:
    """Raises NotAllowed where the table has no such way."""
    row.state, row.updated_at = moved(row.state, trigger), now

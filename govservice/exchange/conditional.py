"""Facts that are asked for only where a condition over the answers holds (`if`): a register that another case would
need is not asked, nor is anybody's consent to it.

While the answers are given the condition is weighed anew with each of them. A register that has become needed is asked
once the applicant has seen why; what one told that is not needed any more is shown to nobody and is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.exchange.requirement import move
from govservice.exchange.views import Facts
from govservice.models.base import new_id
from govservice.models.exchange import UNNEEDED, EvidenceRequirement


class Answered(Protocol):
    """What is needed of a revision of answers (`models.casedata.Form`)."""

    @property
    def answers(self) -> Mapping[str, Any]: ...
    @property
    def declined(self) -> tuple[str, ...]: ...


def unneeded(compiled: Compiled, form: Answered) -> frozenset[str]:
    """Names of the facts whose condition does not hold with these answers; a missing answer fulfils none."""
    if not compiled.fact_conditions:
        return frozenset()
    values = typed(compiled.service.fields, form.answers)
    return frozenset(name for name, each in compiled.fact_conditions.items() if not each.evaluate(values).value)


def to_be_shown(compiled: Compiled, facts: Facts, form: Answered) -> list[str]:
    """Names of the facts that an answer has made necessary and that the applicant has not been told of yet."""
    left = {*unneeded(compiled, form), *form.declined}
    return [name for name in compiled.fact_conditions if name not in left and name not in facts]


def note_unneeded(
    session: Session, case_id: str, compiled: Compiled, form: Answered, now: datetime, *, sent: bool = False
) -> None:
    """Sets aside what was asked for and is not needed any more. `sent`: also what never was, so that nothing waits
    for it: a decision does not rely on it; and what a corrected answer calls for is needed from now on."""
    if not compiled.fact_conditions:
        return
    left = unneeded(compiled, form)
    rows = select(EvidenceRequirement).where(
        EvidenceRequirement.case_id == case_id, EvidenceRequirement.name.in_(compiled.fact_conditions)
    )
    known = {row.name: row for row in session.scalars(rows.order_by(EvidenceRequirement.id).with_for_update())}
    for name, row in known.items():
        if name in left and row.state not in (UNNEEDED, "waived"):
            move(row, "leave", now)
            row.outcome, row.next_try_at, row.ask_at, row.asked_at = None, None, None, None
        elif sent and name not in left and row.state == UNNEEDED:
            move(row, "need", now)
    for name in sorted(left - known.keys()) if sent else ():
        session.add(EvidenceRequirement(
            id=new_id(), case_id=case_id, name=name, state=UNNEEDED, outcome=None, exchange_id=None, updated_at=now,
        ))  # fmt: skip
    session.flush()

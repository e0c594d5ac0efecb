"""What notices say about what registers hold: what they spared the applicant, that one says something else than what
was sent, and how a dispute ended."""

from __future__ import annotations

from typing import Any

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.exchange.found import found_of
from govservice.models.exchange import Burden
from govservice.models.papers import Message
from govservice.models.reliance import CHANGED, Dispute, Revalidation
from govservice.queries.tracking import CasePage
from govservice.web.access import current_runtime
from govservice.web.citizen.late import owed_letter
from govservice.web.disputes import shown_dispute
from govservice.web.words import answer_text


def found_changed(session: Session, page: CasePage, message: Message) -> dict[str, Any]:
    """What that look found, whatever was found later; how it was settled as far as it is."""
    rt, compiled = current_runtime(), page.compiled
    about = session.get(Revalidation, message.effect_key.rpartition(":")[2])
    if about is None:
        abort(404)
    rows = session.scalars(
        select(Revalidation).where(
            Revalidation.case_id == page.case.id, Revalidation.at == about.at, Revalidation.result.in_(CHANGED)
        )
    )
    catalogue, fields = rt.definitions.catalogue, compiled.service.fields
    found = []
    for one in found_of(session, catalogue, compiled, page.case, rows):
        changes = [
            {
                "label": fields[kind].label if kind in fields else catalogue.facts[kind].label,
                "before": answer_text(fields.get(kind), old, catalogue, kind),
                "now": answer_text(fields.get(kind), new, catalogue, kind),
            }
            for kind, old, new in one.changes
            if compiled.service.facts[one.name].show != "hidden"
        ]  # fmt: skip
        found.append({"registry": one.registry_name, "gone": one.result == "gone", "changes": changes,
                      "declared": one.declared})  # fmt: skip
    return {"found": found}


def answered_dispute(session: Session, page: CasePage, message: Message) -> dict[str, Any]:
    """What the registry's owner answered."""
    rt = current_runtime()
    row = session.get(Dispute, message.effect_key.rpartition(":")[2])
    if row is None:
        abort(404)
    return {"one": shown_dispute(rt, session, row, page.compiled)}


def spared(session: Session, case_id: str, later: int) -> dict[str, int] | None:
    """What the sending itself counted (`exchange/toll.py`): the receipt says the same on any later day. `later`:
    documents that are still to come."""
    toll = session.scalar(select(Burden).where(Burden.case_id == case_id, Burden.n == 1))
    if toll is None or toll.fields <= toll.fields_typed:
        return None
    return {
        "answers": toll.fields - toll.fields_typed, "of_answers": toll.fields,
        "papers": toll.documents - toll.documents_brought - later, "of_papers": toll.documents,
    }  # fmt: skip


OF_MESSAGE = {"data_changed": found_changed, "disputed": answered_dispute, "owed": owed_letter}

"""A dispute in words, for the person who began it and for the registry's owner."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.models.reliance import Dispute
from govservice.operations.disputing import said_in
from govservice.operations.runtime import Runtime
from govservice.web.words import answer_text


def shown_dispute(rt: Runtime, session: Session, row: Dispute, compiled: Compiled) -> dict[str, Any]:
    """What was said and answered. Values of an erased person are gone."""
    catalogue, said = rt.definitions.catalogue, said_in(session, row)
    registry, field = catalogue.registries.get(row.registry_code), compiled.service.fields.get(row.fact_type)
    kind = catalogue.facts.get(row.fact_type)
    label = field.label if field is not None else kind.label if kind is not None else {"en": row.name, "zh": row.name}
    tone, state = state_words(row.state)
    return {
        "id": row.id, "label": label, "registry": registry.title if registry else {"en": "", "zh": ""},
        "held": answer_text(field, said.held, catalogue, row.fact_type) if said else "",
        "claimed": said.claimed if said else "", "reason": said.reason if said else "",
        "answer": said.answer if said else "", "tone": tone, "state": state, "open": row.state == "sent",
        "accepted": row.state == "accepted", "sent_at": row.sent_at, "due_on": row.due_on,
        "answered_at": row.answered_at, "hold": row.hold,
    }  # fmt: skip


def state_words(state: str) -> tuple[str, str]:
    words = {
        "sent": ("info", _("Unanswered")),
        "accepted": ("ok", _("Corrected")),
        "rejected": ("bad", _("Not corrected")),
        "withdrawn": ("mute", _("Taken back")),
    }
    tone, said = words[state]
    return tone, str(said)

"""Types of events of consultations: another department is asked for its opinion."""

from __future__ import annotations

from govservice.engine.event_type import ACT, STAY, EventType

CONSULT: tuple[EventType, ...] = (
    EventType(
        "consult.asked",
        "A step asked other departments for their opinion; no clock stands still.",
        {
            "step": "path of the step that asks", "trigger": "id of the action",
            "asks": "paths of the side steps at which the departments answer",
            "effects?": "list of topics put into the outbox", **ACT,
        },
    ),
    EventType(
        "consult.opened",
        "A department is to answer, within its own limit.",
        {"asked_by": "id of the token that asks", "scope": "scope of the side token", **STAY},
    ),
    EventType(
        "consult.ended",
        "A department answered, its silence counted as no objection, or it need not answer any more.",
        {
            "step": "path of the side step", "outcome": "agreed, conditional, objected, no_answer or cancelled", **ACT,
        },
    ),
)  # fmt: skip

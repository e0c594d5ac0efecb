"""The type of event of what a case rests on: it changed while the case ran."""

from __future__ import annotations

from govservice.engine.event_type import EventType

DATA: tuple[EventType, ...] = (
    EventType(
        "data.changed",
        "What the case rests on changed while it ran: a register answered late or says something else now, or the "
        "applicant gave what a register owed.",
        {
            "facts": "names of the facts",
            "why": "settled (the register answered late), given (by the applicant) or found (by a look at it)",
            "rev?": "revision of the answers from now on", "changed?": "names of the fields and materials that differ",
            "unconfirmed?": "tokens whose first confirmation fell, because what they read changed",
        },
    ),
)  # fmt: skip

"""Types of events of bundles: how their child cases come, begin and end."""

from __future__ import annotations

from govservice.engine.event_type import EventType

BUNDLE: tuple[EventType, ...] = (
    EventType(
        "child.planned",
        "A child case of a bundle is to come once what it needs of others is there.",
        {"service": "code of its service", "step": "the bundle's step", "waits_for": "services it needs something of"},
    ),
    EventType(
        "child.asked",
        "A child case of a bundle was asked for: the outbox opens and sends it.",
        {
            "service": "code of its service", "step": "the bundle's step", "attempt": "how often it was asked for",
            "effects": "list of topics put into the outbox",
        },
    ),
    EventType(
        "child.opened",
        "A child case exists: its own outbox said so.",
        {"service": "code of its service", "case": "id of the child's case"},
    ),
    EventType(
        "child.ended",
        "A child case came to an end, or will never begin.",
        {
            "service": "code of its service", "step": "the bundle's step",
            "outcome": "the child's own, or not_needed, prevented (what it waited for did not succeed), failed (it "
            "could not be opened), cancelled (the bundle went on without it)",
            "case?": "id of the child's case", "attempt?": "the try that is cancelled",
            "effects?": "list of topics put into the outbox",
        },
    ),
)  # fmt: skip

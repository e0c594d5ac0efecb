"""Events of who does the work: tasks given to somebody, parts ended or looked at again by supervision."""

from __future__ import annotations

from govservice.engine.event_type import ACT, TIMERS, EventType

PEOPLE: tuple[EventType, ...] = (
    EventType(
        "task.assigned",
        "The lead or supervision gave a task to somebody.",
        {
            "task": "seq at which it was opened", "step": "its step", "to": "id of the user", "was?": "who had it",
            **ACT,
        },
    ),
    EventType(
        "renewal.begun",
        "The application is for the renewal of a licence that was issued before.",
        {
            "document": "id of the licence", "expires_on": "its last day", "expires_at": "first instant too late",
            "timers": TIMERS,
        },
    ),
    EventType(
        "appointment.made",
        "A time was set for a meeting at a step: by the applicant, by the department, or by the system.",
        {
            "step": "path of the step", "kind": "what is met for, such as inspection", "starts_at": "when it begins",
            "effects?": "list of topics put into the outbox", **ACT,
        },
    ),
)  # fmt: skip

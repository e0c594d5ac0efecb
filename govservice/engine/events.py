"""The catalogue of events: every type with its version and the fields of its data. docs/events.md says the same to
people.

A field ending in `?` is left out where it does not apply. Adding a field that old events lack, or changing what one
means,
is a new version with an upcast in `evolve.UPCASTS`; events of old versions stay readable for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from govservice.engine.event_type import ACT, DATES, STAY, TIMERS, EventType
from govservice.engine.events_bundle import BUNDLE
from govservice.engine.events_consult import CONSULT
from govservice.engine.events_data import DATA
from govservice.engine.events_people import PEOPLE

CATALOGUE: tuple[EventType, ...] = (
    EventType(
        "case.opened",
        "Somebody began an application: the case exists as a draft.",
        {
            "case": "id of the case", "number": "the number that people see", "service": "code of the service",
            "sha": "hash of the definition the case is pinned to", "person": "id of the person who files",
            "organisation": "id of the organisation it is for, or null", "mandate": "id of the mandate used, or null",
            "channel": "online or counter", "area": "code of the area, or null while it is not known",
            "parent?": "id of the bundle's case, where this is a child of one",
            "effects?": "list of topics put into the outbox",
        },
    ),
    EventType(
        "case.closed",
        "The case came to an end: every task, clock and timer ends with it.",
        {
            "step": "the end",
            "outcome": "granted, refused, withdrawn, lapsed or terminated",
            "effects": "list of topics put into the outbox",
        },
    ),
    EventType(
        "case.migrated",
        "The case moved to another version of its service; starts, pauses and who acted stay as they were.",
        {
            "from": "hash of the version that it had", "to": "hash of the version that it has from now on",
            "steps": "new path by old path, as the map says", "scopes": "the same for scopes of branches",
            "fields": "new name by old name of fields of the form",
            "tokens": "list of [token, step, scope]: where every token stands now",
            "tasks": "list of [seq, step, role, department, kept]; kept: whoever had taken it still has",
            "stays": "list of [token, limit or null, day, instant, provisional, calendar]: the steps' own limits",
            "limits": "list of what clock.started says of each limit that runs, counted by the new version",
            "timers": TIMERS, "ended": "names of timers that the new version does not have",
            "rev?": "revision of the answers under their new names",
        },
    ),
    EventType("step.entered", "A token of the case came to a step.", STAY),
    EventType(
        "step.left",
        "A token left a step by an action, an answer, a join rule, a lapse or a deemed act.",
        {
            "step": "the step that was left", "trigger": "id of the action, or @ok, @fail, @join<n>, @lapse<n>",
            "marks?": "milestone reached: received, accepted, decided or delivered",
            "marked_at?": "from when the milestone counts", "rev?": "revision of the answers that a submission pinned",
            "area?": "area whose departments decide, found at submission",
            "places?": "areas of the roles that have one of their own, by role, found at submission",
            "flag?": "flag that the answer sets",
            "outcomes?": "outcome by branch that the join rule saw", "deemed?": "true: silence counted as this act",
            "note?": "what the definition says about the deemed act", "effects?": "list of topics put into the outbox",
            "kept?": "seq of the answer that had come early and was used",
            "result?": "of an auto step's answer: what the definition declares of it, never words",
            **ACT,
        },
    ),
    EventType(
        "action.confirmed",
        "The first of two people confirmed an action; it takes effect when a second one does.",
        {"step": "path of the step", "trigger": "id of the action", **ACT},
    ),
    EventType(
        "answer.kept",
        "An answer to an auto step came before the step was reached; it is kept and used on arrival.",
        {
            "step": "path of the step it answers", "trigger": "@ok or @fail",
            "result": "what the definition declares of the answer, by name: numbers, days, options; never words",
        },
    ),
    EventType(
        "branch.opened",
        "A department's part of a parallel step began, or began again.",
        {
            "branch": "scope of the branch", "round": "how often the parallel step was entered",
            "reopened": "true: within the round, because the answers it reads changed or supervision says so",
            "by_supervision?": "true: a supervisor let it be looked at again", **STAY, "text?": ACT["text?"],
            "text_sha?": ACT["text_sha?"],
        },
    ),
    EventType(
        "branch.ended",
        "A branch came to an outcome, or is not needed.",
        {
            "branch": "scope of the branch", "outcome": "the outcome, or not_needed", "round": "as in branch.opened",
            "rev?": "revision of the answers that the outcome rests on",
        },
    ),
    EventType(
        "branch.cancelled",
        "An open branch was ended because the parallel step was left.",
        {"branch": "scope of the branch", "by_supervision?": "true: a supervisor ended this part alone", **ACT},
    ),
    EventType(
        "branch.suspended",
        "Another branch asked the applicant for a correction: this one waits too until the answer is there.",
        {"branch": "scope of the branch"},
    ),
    EventType("branch.resumed", "A branch that waited for another one's correction goes on.", {"branch": "its scope"}),
    EventType(
        "pause.begun",
        "Excluded time began (art. 45): the applicant is told in writing how long it will take.",
        {
            "step": "path of the step", "trigger": "id of the action", "kind": "why, as the law names it",
            "length": "the expected length, such as 20wd", "until_on": "its last day", "until_at": "its last instant",
            "provisional": "whether that day may still move", "timers": TIMERS,
            "effects": "list of topics put into the outbox", **ACT,
        },
    ),
    EventType(
        "pause.ended",
        "Excluded time is over.",
        {
            "step": "path of the step", "kind": "as in pause.begun",
            "how": "action, timer (nobody had ended it), left (its step was left) or settled (what it waited for)",
            "trigger?": "id of the action",
            "effects?": "list of topics put into the outbox", **ACT,
        },
    ),
    EventType(
        "after.opened",
        "Work lives on after the case has closed: a pledge to check, a review by its day, or what a register told.",
        {
            "materials": "names of the materials that were pledged",
            "fact?": "name of the fact of which a register told that it has changed", **STAY,
        },
    ),
    EventType(
        "after.ended",
        "Work after the case had closed came to an outcome; the case stays closed as it was.",
        {"step": "the step it ended at", "outcome": "the outcome"},
    ),
    EventType(
        "token.paused", "A token's stay stands still.", {"kind": "why, as the law names it; deferral: waits for a gap"}
    ),
    EventType(
        "token.resumed",
        "A token's stay counts on.",
        {
            "due_on": "last day of the step's own limit, or null", "due_at": "first instant too late, or null",
            "provisional": "whether that date may still move", "timers": TIMERS,
        },
    ),
    *BUNDLE,
    *CONSULT,
    *DATA,
    *PEOPLE,
    EventType(
        "person.invited",
        "The other person whose part this is was found by the identifier that the applicant gave, and asked.",
        {"step": "path of the step", "person": "id of the person"},
    ),
    EventType(
        "task.claimed",
        "Somebody took a task.",
        {
            "task": "seq at which it was opened",
            "step": "its step",
            "role": "its role",
        },
    ),
    EventType(
        "task.released",
        "A task went back to the department.",
        {
            "task": "seq at which it was opened",
            "step": "its step",
            "by": "who had it",
        },
    ),
    EventType(
        "task.escalated",
        "A step took too long: another role sees it from now on.",
        {
            "step": "path of the step", "role": "who sees it", "department": "id of that role's department",
            "limit?": "name of the limit that this role may extend: four fifths of it are used",
        },
    ),
    EventType(
        "correction.asked",
        "A department found something missing or wrong.",
        {
            "step": "path of the step",
            "trigger": "id of the action",
            "items": "names of fields and materials",
            "timers?": TIMERS,
            **ACT,
        },
    ),
    EventType(
        "correction.notified",
        "The applicant was told, once, everything that is to be corrected.",
        {
            "scope": "the step, or the parallel step",
            "tokens": "tokens that asked",
            "items": "names of fields and materials",
            "texts": "ids of rows of case_texts",
            "lapse_on": "last day to answer",
            "lapse_at": "first instant too late to answer",
            "provisional": "whether that date may still move",
            "second_notice?": "true: the same step had asked in an earlier notice; the law allows one (art. 32(4))",
            "timers": TIMERS, "effects": "list of topics put into the outbox",
        },
    ),
    EventType(
        "correction.resubmitted",
        "The applicant answered the notice.",
        {
            "rev": "revision of the answers", "changed": "names of the fields and materials that differ",
            "tokens": "tokens that go on",
            "unconfirmed": "tokens whose first confirmation fell, because what they read changed",
            "timers?": TIMERS,
        },
    ),
    EventType(
        "pledge.made",
        "The applicant gave a pledge instead of a proof.",
        {
            "material": "name of the material it replaces", "pledge": "id of the pledge", "version": "of its words",
            "digest": "SHA-256 of its words in every language",
        },
    ),
    EventType(
        "pledge.ended",
        "A pledge stands no more: the proof itself came.",
        {"material": "name of the material it replaced"},
    ),
    EventType(
        "gap.opened",
        "The applicant put a material off: it must come by a date.",
        {
            "material": "its name", "due_on": "last day to bring it", "due_at": "first instant too late",
            "provisional": "whether that date may still move", "timers": TIMERS,
        },
    ),
    EventType(
        "gap.closed",
        "A material that had been put off has come.",
        {
            "material": "its name", "rev?": "revision of the answers that brings it, where nothing else pinned it",
            "unconfirmed": "tokens whose first confirmation fell, because what they read changed",
        },
    ),
    EventType(
        "step.called",
        "The last deferred material has come: the auto step that waited for it is called.",
        {"step": "path of the step", "effects": "list of topics put into the outbox: the call"},
    ),
    EventType(
        "clock.started",
        "A limit of the case began to count, or began afresh.",
        {
            "key": "limit:<name>", "statutory": "the limit by law", "promised": "the promised limit, or null",
            "started_at": "from when it counts; the day itself is not counted",
            "calendar": "version of the calendar", **DATES,
            "timers": TIMERS,
        },
    ),
    EventType("clock.paused", "A limit stands still.", {"key": "limit:<name>", "kind": "why, as the law names it"}),
    EventType("clock.resumed", "A limit counts on.", {"key": "limit:<name>", **DATES, "timers": TIMERS}),
    EventType(
        "clock.moved",
        "A new calendar moved a limit's dates.",
        {
            "key": "limit:<name>",
            "calendar": "version of the calendar",
            **DATES,
            "timers": TIMERS,
        },
    ),
    EventType(
        "clock.extended",
        "A limit was made longer, with reasons that the applicant is told (art. 42).",
        {
            "key": "limit:<name>", "by": "how much longer, such as 10wd", "statutory": "the limit by law from now on",
            **DATES, "timers": TIMERS, "effects": "list of topics put into the outbox", **ACT,
        },
    ),
    EventType(
        "clock.stopped",
        "A limit ended with its milestone.",
        {
            "key": "limit:<name>",
            "stopped_at": "when the milestone counts",
            "late": "list: promised, statutory, where that date was missed",
        },
    ),
    EventType(
        "clock.breached",
        "A date passed with its limit still running.",
        {
            "key": "limit:<name>",
            "kind": "promised or statutory",
        },
    ),
    EventType(
        "timer.fired",
        "Something due by itself happened.",
        {
            "key": "which timer",
            "do": "breach, warn, escalate, notice, lapse, resume or an action",
            "due_at": "when it was due",
            "done": "false: its action was not possible then",
            "step?": "path of the step",
            "effects?": "list of topics put into the outbox",
        },
    ),
    EventType("timers.set", "Timers of steps follow the limit they hang on.", {"timers": TIMERS}),
)  # fmt: skip

BY_NAME: Mapping[str, EventType] = {entry.name: entry for entry in CATALOGUE}
VERSIONS: Mapping[str, int] = {entry.name: entry.v for entry in CATALOGUE}


def as_markdown() -> str:
    """The catalogue as docs/events.md holds it."""
    parts = []
    for entry in CATALOGUE:
        rows = "\n".join(
            f"| `{name.rstrip('?')}` | {'' if name.endswith('?') else 'yes'} | {text} |"
            for name, text in entry.fields.items()
        )
        parts.append(
            f"## `{entry.name}` v{entry.v}\n{entry.meaning}\n\n| field | always | meaning |\n|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)

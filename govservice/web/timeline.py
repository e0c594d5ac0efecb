"""The history of a case in sentences, newest first, as staff read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from govservice.definitions.compiled import Compiled
from govservice.queries.asides import Aside
from govservice.queries.tracking import Happening
from govservice.web.access import current_runtime
from govservice.web.asides import with_asides
from govservice.web.i18n import text
from govservice.web.words import duration_text, pause_name
from govservice.worktime.duration import Duration

SHOWN = frozenset(
    ("case.opened", "case.closed", "step.left", "action.confirmed", "correction.asked", "correction.notified",
     "correction.resubmitted", "answer.kept", "person.invited", "task.claimed", "task.assigned", "branch.cancelled",
     "branch.opened", "task.released", "consult.asked", "consult.ended", "appointment.made", "task.escalated",
     "clock.breached", "clock.moved", "case.migrated", "clock.extended", "pause.begun", "pause.ended",
     "timer.fired", "data.changed", "pledge.made", "pledge.ended", "gap.opened", "gap.closed", "after.opened")
)  # fmt: skip


def staff_timeline(
    compiled: Compiled, happenings: Iterable[Happening], words: Mapping[str, str], *, quotes: bool = True,
    asides: Iterable[Aside] = (),
) -> list[dict[str, Any]]:  # fmt: skip
    """Items for `status.timeline`. `words` holds what people wrote, by id of case_texts; `quotes` shows it. `asides`:
    consents and disputes that the reader may know of."""
    items = []
    for h in happenings:
        if h.type not in SHOWN or _is_plumbing(h):
            continue
        quote = quotation(words.get(h.data.get("text", ""))) if quotes else ""
        by = _("the person asked") if _is_persons(compiled, h) else by_whom(h)
        items.append(
            {"title": title_of(compiled, h), "at": h.at, "by": by, "note": note_of(compiled, h), "quote": quote}
        )
    return with_asides(items[::-1], asides, compiled, lambda _aside: str(_("the applicant")))


def _is_plumbing(h: Happening) -> bool:
    """Joins and the system's own answers follow from what stands beside them."""
    if h.type == "timer.fired":
        return h.data.get("do") != "warn" or ("step" not in h.data and not _about_gap(h))
    if h.type in ("branch.cancelled", "branch.opened"):
        return not h.data.get("by_supervision")
    if h.type == "consult.ended":
        return h.data.get("outcome") != "cancelled"
    return h.type == "step.left" and str(h.data.get("trigger", "")).startswith("@join")


def _about_gap(h: Happening) -> bool:
    return str(h.data.get("key", "")).startswith("deferral:")


def text_ids(happenings: Iterable[Happening]) -> list[str]:
    """Ids of the words that the events point to."""
    return [h.data["text"] for h in happenings if h.data.get("text")]


def quotation(raw: str | None) -> str:
    """What a person wrote, as one text: the reason or opinion, then what is wrong item by item."""
    if not raw:
        return ""
    try:
        said = json.loads(raw)
    except ValueError:
        return raw
    parts = [str(said[k]) for k in ("reason", "opinion") if said.get(k)]
    parts += [str(note) for note in (said.get("items") or {}).values() if note]
    return " · ".join(parts)


def by_whom(h: Happening) -> str:
    """Who did it, and for whom: a colleague acts for somebody absent under both names."""
    if h.system:
        return str(_("the system"))
    if h.mine:
        return str(_("the applicant"))
    who = text(h.who) if h.who else ""
    if h.behalf is not None:
        who = str(_("%(who)s for %(absent)s", who=who, absent=text(h.behalf)))
    return f"{who} · {text(h.department)}" if h.department else who


def step_name(compiled: Compiled, path: object) -> str:
    step = compiled.steps.get(str(path))
    return text(step.title) if step else str(path or "")


def action_name(compiled: Compiled, data: Mapping[str, Any]) -> str:
    edge = compiled.edge(str(data.get("step", "")), str(data.get("trigger", "")))
    return text(edge.label) if edge else ""


def title_of(compiled: Compiled, h: Happening) -> str:
    """One sentence for one event."""
    step, action = step_name(compiled, h.data.get("step")), action_name(compiled, h.data)
    if h.type == "step.left":
        return _left(compiled, h, step, action)
    plain = {
        "case.opened": _("Draft begun"),
        "action.confirmed": _("%(step)s: %(action)s, first of two people", step=step, action=action),
        "answer.kept": _("%(step)s: the answer came early and is kept until the case gets there", step=step),
        "correction.asked": _("%(step)s asked for a correction", step=step),
        "correction.notified": _("The applicant was sent one correction notice"),
        "correction.resubmitted": _("The applicant sent the corrections"),
        "task.assigned": _("%(step)s: the task was given to %(name)s", step=step, name=text(h.to) if h.to else ""),
        "branch.cancelled": _("%(branch)s: ended by supervision", branch=_branch_name(compiled, h)),
        "branch.opened": _("%(branch)s: to be looked at again, by supervision", branch=_branch_name(compiled, h)),
        "consult.asked": _("%(step)s: %(action)s", step=step, action=action),
        "consult.ended": _("%(step)s: need not be answered any more", step=step),
        "appointment.made": _("%(step)s: a time was set for the meeting", step=step),
        "task.claimed": _("%(step)s: task claimed", step=step),
        "data.changed": _changed(h),
        "task.released": _("%(step)s: task given back", step=step),
        "person.invited": _("%(step)s: the person was asked", step=step),
        "task.escalated": _("%(step)s took too long and was brought to the attention of a superior", step=step),
        "clock.breached": _("A date passed: %(kind)s", kind=_breach(h)),
        "case.migrated": _("The case moved to another version of the service"),
        "clock.extended": _(
            "The limit by law was extended by %(by)s",
            by=_length(h.data.get("by") if h.type == "clock.extended" else None),
        ),
        "pause.begun": _(
            "The clock stands still: %(kind)s, %(length)s at most",
            kind=pause_name(h.data.get("kind")),
            length=_length(h.data.get("length")),
        ),
        "pause.ended": _pause_ended(h),
        "after.opened": _("%(step)s began; the case stays closed", step=step),
        "timer.fired": _("%(step)s: its limit is nearly used up", step=step),
        "clock.moved": _("Dates were counted anew after a change of the calendar"),
    }
    if h.type == "task.escalated" and "limit" in h.data:
        return str(_("The limit by law is nearly used up: whoever may extend it was shown the case"))
    if h.type in ("pledge.made", "pledge.ended", "gap.opened", "gap.closed") or _about_gap(h):
        return _promise(compiled, h)
    if h.type == "case.closed":
        return str(_("Closed: %(outcome)s", outcome=outcome_name(str(h.data.get("outcome")))))
    return str(plain.get(h.type, h.type))


def _changed(h: Happening) -> str:
    words = {
        "settled": _("What a register says was taken over into the application"),
        "given": _("The applicant gave what a register owed"),
        "found": _("A register says something else than the application"),
    }
    return str(words.get(str(h.data.get("why")), ""))


def _promise(compiled: Compiled, h: Happening) -> str:
    """A pledge, or a document that comes later."""
    name = str(h.data.get("material") or str(h.data.get("key", "")).split(":")[1])
    what = _(", ").join(names_of(compiled, [name]))
    words = {
        "pledge.made": _("A pledge was given instead of: %(what)s", what=what),
        "pledge.ended": _("The pledge fell, the document came: %(what)s", what=what),
        "gap.opened": _("Put off: %(what)s", what=what),
        "gap.closed": _("Brought: %(what)s", what=what),
    }
    return str(words.get(h.type, _("The applicant was reminded of: %(what)s", what=what)))


def _left(compiled: Compiled, h: Happening, step: str, action: str) -> str:
    trigger = str(h.data.get("trigger", ""))
    if h.data.get("deemed"):
        return str(_("%(step)s: %(action)s by law, because nobody acted in time", step=step, action=action))
    if action and _is_applicants(compiled, h):
        return action  # the draft's title speaks to the applicant
    if trigger.startswith("@lapse"):
        return str(_("Nothing came in time: the application ended by itself"))
    if trigger == "@ok":
        return str(_("%(step)s: done", step=step))
    if trigger == "@fail":
        return str(_("%(step)s: did not succeed", step=step))
    return str(_("%(step)s: %(action)s", step=step, action=action)) if action else step


def _is_applicants(compiled: Compiled, h: Happening) -> bool:
    step = compiled.steps.get(str(h.data.get("step", "")))
    return step is not None and step.kind == "applicant"


def _is_persons(compiled: Compiled, h: Happening) -> bool:
    """Whether another person than the applicant acted: their own part of the case."""
    step = compiled.steps.get(str(h.data.get("step", "")))
    return h.mine and step is not None and step.person is not None


def _branch_name(compiled: Compiled, h: Happening) -> str:
    scope = str(h.data.get("branch", ""))
    found = (b for block in compiled.blocks.values() for b in block.branches if scope.startswith(b.scope))
    return next((text(branch.title) for branch in found), scope)


def _length(said: object) -> str:
    return duration_text(Duration.parse(str(said))) if said else ""


def _pause_ended(h: Happening) -> str:
    kind = pause_name(h.data.get("kind"))
    if h.data.get("how") == "settled":
        return str(_("The clock runs on: the change was settled"))
    if h.data.get("how") == "timer":
        return str(_("The clock runs on by itself, nobody had ended the pause: %(kind)s", kind=kind))
    return str(_("The clock runs on: %(kind)s is over", kind=kind))


def _breach(h: Happening) -> str:
    return str(_("the promised date") if h.data.get("kind") == "promised" else _("the limit by law"))


def outcome_name(outcome: str) -> str:
    names = {
        "granted": _("granted"), "refused": _("refused"), "withdrawn": _("withdrawn"), "lapsed": _("lapsed"),
        "terminated": _("terminated"),
    }  # fmt: skip
    return str(names.get(outcome, outcome))


def names_of(compiled: Compiled, items: Sequence[str]) -> list[str]:
    """Labels of fields and materials."""
    labels = []
    for name in items:
        field, material = compiled.service.fields.get(name), compiled.service.materials.get(name)
        found = field.label if field else material.label if material else None
        labels.append(text(found) if found else name)
    return labels


def note_of(compiled: Compiled, h: Happening) -> str:
    """What belongs to the event beside its sentence."""
    if h.type in ("correction.asked", "correction.notified"):
        note = _("To correct: %(names)s", names=_(", ").join(names_of(compiled, h.data.get("items", []))))
        second = _("This is a second notice for the same step; the law allows one.")
        return " · ".join([note, second] if h.data.get("second_notice") else [note])
    if h.type == "correction.resubmitted" and h.data.get("changed"):
        changed = str(_("Changed: %(names)s", names=_(", ").join(names_of(compiled, h.data["changed"]))))
        fell = _("The first of two confirmations rested on what changed and does not count any more: both look again.")
        return " · ".join([changed, fell] if h.data.get("unconfirmed") else [changed])
    if h.data.get("flag"):
        return flag_words(h.data["flag"])
    return text(h.data["note"]) if h.data.get("note") else ""


def flag_words(flag: str) -> str:
    """What an automatic step's answer left in the record; one that the catalogue does not know any more by its name."""
    return text(current_runtime().definitions.catalogue.flags.get(flag, {"en": flag, "zh": flag}))

"""What is said where it does nothing: told, so that nobody counts on it."""

from __future__ import annotations

from collections.abc import Mapping

from govservice.definitions.walk import Raw, Report, Way, actions, all_steps, mapping

OF_BRANCHES = ("notice", "collect_within", "siblings", "clock", "recheck")
# What an action does that stays where it is: keys that then do nothing, and what to do instead.
STAYING: Mapping[str, Mapping[str, str]] = {
    "correction": {
        "effects": "the notice goes out by itself; put effects at the action that leads on",
        "marks": "a milestone is marked where the case goes on; put it at the action that leads on",
        "two_people": "one person asks; leave it out, or let two people take the decision",
    },
    "pause": {"marks": "a milestone is marked where the case goes on; put it at the action that leads on"},
    "resume": {"marks": "a milestone is marked where the case goes on; put it at the action that leads on"},
}


def check_idle(report: Report, data: Raw) -> None:
    """Adds a warning for each key that does nothing where it stands."""
    for way in actions(data):
        _check_staying(report, way)
    for key in OF_BRANCHES:
        if key in mapping(data, "correction"):
            message = "does nothing here: it is for branches; put it into the `correction` of a parallel step"
            report.add("W-IDLE-KEY", "warning", ("correction", key), message)
    for step in all_steps(data):
        for key in ("fields", "attachments") if step.kind == "auto" else ():
            if mapping(step.data, "requires").get(key):
                message = "does nothing here: a call waits for `gaps` only; require it of the action that leads here"
                report.add("W-IDLE-KEY", "warning", (*step.path, "requires", key), message)
        if step.kind == "applicant" and step.in_branch and "owner" in step.data:
            message = "does nothing here: the step is the person's, and makes no task; leave it out"
            report.add("W-IDLE-KEY", "warning", (*step.path, "owner"), message)


def _check_staying(report: Report, way: Way) -> None:
    if "to" in way.data or "end" in way.data:
        return  # told as a way too many, or the action goes on
    for act, keys in STAYING.items():
        for key, instead in keys.items() if way.data.get(act) else ():
            if way.data.get(key):
                message = f"does nothing beside `{act}`: {instead}"
                report.add("W-IDLE-KEY", "warning", (*way.path, key), message)

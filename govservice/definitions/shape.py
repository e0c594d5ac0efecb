"""What the keys of steps, actions and timers must look like together."""

from __future__ import annotations

import re
from collections.abc import Mapping

from govservice.definitions.joins import RESERVED_OUTCOMES
from govservice.definitions.reader import Path
from govservice.definitions.shape_consult import check_consult
from govservice.definitions.shape_form import check_form
from govservice.definitions.shape_idle import check_idle
from govservice.definitions.shape_time import check_time
from govservice.definitions.walk import (
    TIMER_ACTS,
    Raw,
    Report,
    StepAt,
    Way,
    actions,
    all_steps,
    branches,
    listing,
    main_steps,
    mapping,
    timers,
    ways,
    word,
    words,
)

_BACKOFF = re.compile(r"[1-9][0-9]{0,3}[smh]", re.ASCII)
_WORK = {"kind", "title", "limit", "actions", "timers"}
KEYS: Mapping[str, set[str]] = {
    "applicant": _WORK | {"owner"},
    "human": _WORK | {"owner", "appointment", "reads", "after_close"},
    "auto": {"kind", "title", "limit", "timers", "do", "answers", "requires"},
    "parallel": {"kind", "title", "limit", "timers", "owner", "branches", "correction", "join"},
    "cases": {"kind", "title", "limit", "timers", "owner", "spawn", "join"},
    "end": {"kind", "title", "outcome", "effects", "opens"},
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "applicant": ("actions",),
    "human": ("actions", "owner"),
    "auto": ("do", "answers"),
    "parallel": ("branches", "owner", "join"),
    "cases": ("spawn", "join"),
    "end": ("outcome",),
}
ANSWERS = ("ok", "fail")  # every call gives one of these
LAPSE_OUTCOMES = ("withdrawn", "lapsed", "terminated")


def check_shape(report: Report, data: Raw) -> None:
    """Adds faults of shape, also in a file whose schema is broken elsewhere."""
    for step in all_steps(data):
        _check_step(report, step)
        for path, timer in timers(step):
            _check_timer(report, data, step, path, timer)
        _check_lapses(report, data, step)
    for way in ways(data):
        _check_way(report, data, way)
    for way in actions(data):
        _check_reason(report, data, way)
        if "conditions" in way.data and way.data.get("reason") is not True:
            report.error("E-MISSING", way.path, "`conditions` are said in words: `reason: true` is required")
        _check_system(report, way)
    _check_start(report, data)
    _check_corrections(report, data)
    check_idle(report, data)
    check_form(report, data)
    check_time(report, data)


def _check_start(report: Report, data: Raw) -> None:
    """A case begins with somebody who files it: the applicant, or a clerk at the counter."""
    start = mapping(data, "steps", word(data, "start") or "")
    if start and word(start, "kind") not in (*(k for k in KEYS if "actions" in KEYS[k]), None):
        report.error("E-START", ("start",), "a case begins with a step of the applicant, or of a clerk at the counter")
    if start.get("after_close") is True:
        report.error("E-START", ("start",), "a step after the case has closed cannot be its first")


def _check_step(report: Report, step: StepAt) -> None:
    kind = step.kind
    if kind not in KEYS:
        return  # the schema says so
    for key in step.data:
        if key not in KEYS[kind] and any(key in keys for keys in KEYS.values()):
            report.error("E-KEY", (*step.path, key), f"does not belong to a step of kind {kind}")
    for key in REQUIRED[kind]:
        if not step.data.get(key) and not (key == "owner" and step.in_branch):
            report.error("E-MISSING", step.path, f"{key!r} is required of a step of kind {kind}")
    if kind == "auto" and mapping(step.data, "answers"):
        _check_answers(report, step)


def _check_answers(report: Report, step: StepAt) -> None:
    given = mapping(step.data, "answers")
    for answer in ANSWERS:
        if answer not in given:
            report.error("E-AUTO-NO-FAIL", (*step.path, "answers"), f"says nothing about the answer {answer!r}")
    for answer in given:
        if answer not in ANSWERS:
            message = "never comes: a call answers `ok` or `fail`; tell answers apart by `result.` in guards"
            report.error("E-ANSWER", (*step.path, "answers", answer), message)
    first, _, last = (word(mapping(step.data, "do", "retry"), "backoff") or "").partition("..")
    if _BACKOFF.fullmatch(first) and _BACKOFF.fullmatch(last) and _seconds(first) > _seconds(last):
        report.error("E-VALUE", (*step.path, "do", "retry", "backoff"), f"grows: write {last}..{first}")


def _seconds(length: str) -> int:
    return int(length[:-1]) * {"s": 1, "m": 60, "h": 3600}[length[-1]]


def _check_way(report: Report, data: Raw, way: Way) -> None:
    if way.what in ("action", "always"):
        given = [key for key in ("to", "end") if key in way.data] + ["correction"] * bool(way.data.get("correction"))
        stays = [key for key in ("pause", "resume", "consult") if key in way.data]
        if len(given) > 1:
            report.error("E-WAY", way.path, f"goes several ways at once: {', '.join(given)}")
        elif not given and not stays:
            report.error("E-WAY", way.path, "goes nowhere: give `to`, `end` or `correction: true`")
        elif (given or len(stays) > 1) and (idle := [key for key in stays if key != "consult"]):
            report.error("E-WAY", way.path, f"stays where it is: `{idle[-1]}` goes with none of the other ways")
        if "once" in way.data and way.data.get("correction") is not True:
            report.error("E-KEY", (*way.path, "once"), "belongs to a correction")
        for key in ("length", "notice"):
            if key in way.data and "pause" not in way.data:
                report.error("E-KEY", (*way.path, key), "belongs to a pause")
    elif way.what == "answer" and ("to" in way.data) == ("end" in way.data):
        report.error("E-WAY", way.path, "give either `to` or `end`")
    if "consult" in way.data:
        check_consult(report, way)
    if mapping(way.data, "requires").get("attachments") and _is_applicants(way):
        message = "the applicant cannot attach anything to an action: what they bring stands under `materials`"
        report.error("E-KEY", (*way.path, "requires", "attachments"), message)
    _check_alternatives(report, way)
    _check_ends(report, way)
    if way.what == "always":
        _check_always(report, data, way)


def _is_applicants(way: Way) -> bool:
    kind = way.step.kind if way.step is not None else ""
    return word(way.data, "by") == "applicant" or ("by" not in way.data and kind == "applicant")


def _check_alternatives(report: Report, way: Way) -> None:
    alternatives = listing(way.data, "to")
    if not isinstance(way.data.get("to"), list):
        return
    for index, alternative in enumerate(alternatives):
        if not isinstance(alternative, dict):
            continue
        path: Path = (*way.path, "to", index)
        last = index == len(alternatives) - 1
        if ("to" in alternative) == ("end" in alternative):
            report.error("E-WAY", path, "give either `to` or `end`")
        if last and "guard" in alternative:
            report.error("E-NOT-TOTAL", path, "the last alternative has no guard, so that one always holds")
        if not last and "guard" not in alternative:
            report.error("E-NOT-TOTAL", path, "only the last alternative has no guard; those after it are never taken")


def _check_ends(report: Report, way: Way) -> None:
    """Outcomes belong to branches and to steps that live on after the case has closed."""
    open_ended = way.step is not None and (way.step.in_branch or bool(way.step.data.get("after_close")))
    for path, alternative in way.alternatives():
        outcome = word(alternative, "end")
        if outcome is not None and not open_ended:
            report.error("E-WAY", path, "`end` stands in a branch or an `after_close` step; here use `to` an end step")
        if outcome in RESERVED_OUTCOMES:
            report.error("E-OUTCOME", path, f"the outcome {outcome!r} is reserved")


def _check_always(report: Report, data: Raw, way: Way) -> None:
    """A case-wide action ends the case, and says whose it is wherever no step does."""
    for key in ("correction", "pause", "resume"):
        if way.data.get(key):
            report.error("E-ALWAYS", (*way.path, key), "leads to an end: this belongs to an action of a step")
    if word(way.data, "by") == "system":
        report.error("E-ALWAYS", (*way.path, "by"), "nobody does this: a timer takes actions of its own step only")
    elif "by" not in way.data and (unowned := _unowned(data, words(way.data, "unless"))):
        message = f"say `by`: nobody owns {', '.join(map(repr, unowned[:3]))}, so the applicant alone could do it there"
        report.error("E-ALWAYS", way.path, message)
    for path, alternative in way.alternatives():
        target = word(alternative, "to")
        kind = word(mapping(data, "steps", target), "kind") if target else None
        if kind is not None and kind != "end":
            report.error("E-ALWAYS", path, f"leads to an end, not to {target!r}")


def _unowned(data: Raw, unless: list[str]) -> list[str]:
    """Steps without an owner at which a case-wide action holds."""
    open_steps = (s for s in main_steps(data) if s.kind != "end" and s.data.get("after_close") is not True)
    return [s.id for s in open_steps if s.id not in unless and "owner" not in s.data]


def _check_reason(report: Report, data: Raw, way: Way) -> None:
    if way.data.get("reason") is True:
        return
    for path, alternative in way.alternatives():
        target, outcome = word(alternative, "to"), word(alternative, "end")
        refused = target is not None and word(mapping(data, "steps", target), "outcome") == "refused"
        if (refused and not (way.step and way.step.in_branch)) or outcome == "rejected":
            report.error("E-REASON", path, "who refuses must say why: `reason: true` is required")
            return


def _check_system(report: Report, way: Way) -> None:
    if word(way.data, "by") != "system" or way.step is None:
        return
    if not any(word(timer, "do") == way.name for _, timer in timers(way.step)):
        report.error("E-TIMER", (*way.path, "by"), "nobody does this: the system acts only by a timer of the step")


def _check_timer(report: Report, data: Raw, step: StepAt, path: Path, timer: Raw) -> None:
    do = word(timer, "do")
    if do == "lapse":
        if step.in_branch:
            report.error("E-TIMER", path, "a branch cannot end the case; let the timer act as one of its actions")
        elif "to" not in timer:
            report.error("E-MISSING", path, "'to' is required of a timer that lets the case lapse")
    elif "to" in timer:
        report.error("E-TIMER", (*path, "to"), "belongs to `do: lapse` only")
    if do == "escalate" and "to_role" not in timer:
        report.error("E-MISSING", path, "'to_role' is required of a timer that escalates")
    if do != "escalate" and "to_role" in timer:
        report.error("E-TIMER", (*path, "to_role"), "belongs to `do: escalate` only")
    if "as" in timer and do in TIMER_ACTS:
        report.error("E-TIMER", (*path, "as"), "belongs to timers that take an action")
    act = mapping(step.data, "actions", do or "")
    if act and not ("to" in act or "end" in act):
        report.error("E-TIMER", (*path, "do"), f"{do!r} is for people to say: a timer takes actions that lead on")
    share = (word(timer, "at") or "").endswith("%limit")
    if share and "of" not in timer and "limit" not in step.data:
        report.error("E-TIMER", (*path, "at"), "the step has no limit; give it one, or name a clock with `of`")
    if "of" in timer and not share:
        report.error("E-TIMER", (*path, "of"), "belongs to shares of a limit such as 80%limit")


def _check_lapses(report: Report, data: Raw, step: StepAt) -> None:
    ends = {word(timer, "to") for _, timer in timers(step) if word(timer, "do") == "lapse"}
    if ends and (_asks(step) or step.kind == "parallel"):
        policy = mapping(step.data, "correction") if step.kind == "parallel" else mapping(data, "correction")
        ends |= {word(policy, "lapse_to")} - {None}
    if len(ends) > 1:
        report.error("E-TIMER", (*step.path, "timers"), "a step lapses to one end only, by timer or by correction")


def _check_corrections(report: Report, data: Raw) -> None:
    asks_main = [s for s in all_steps(data) if not s.in_branch and _asks(s)]
    if asks_main and not mapping(data, "correction"):
        report.error("E-MISSING", asks_main[0].path, "asks for corrections: `correction` is required at the top")
    _check_lapse_to(report, data, ("correction",), mapping(data, "correction"))
    asking = {s.scope.partition(".")[0] for s in all_steps(data) if s.in_branch and _asks(s)}
    for block in main_steps(data):
        correction = mapping(block.data, "correction")
        if block.id in asking and not correction:
            report.error("E-MISSING", block.path, "its branches ask for corrections: `correction` is required")
        _check_lapse_to(report, data, (*block.path, "correction"), correction)
        _check_branch_names(report, block)


def _check_branch_names(report: Report, block: StepAt) -> None:
    for name, path, branch in branches(block):
        if "person" in branch:
            _check_persons_steps(
                report,
                path,
                [s for s in all_steps({"steps": {block.id: block.data}}) if s.scope == f"{block.id}.{name}"],
            )
        if "steps" in branch and not mapping(branch, "steps"):
            report.error("E-MISSING", (*path, "steps"), "a branch has at least one step")


def _check_persons_steps(report: Report, path: Path, steps: list[StepAt]) -> None:
    """Another person may never answer: what happens then is for a timer to do."""
    own = [step for step in steps if step.kind == "applicant"]
    if not own:
        report.error("E-KEY", (*path, "person"), "belongs to a branch with a step of kind applicant: that person's")
    for step in own:
        if not any(word(timer, "do") in mapping(step.data, "actions") for _, timer in timers(step)):
            message = "is another person's, who may never answer: give it a timer that takes one of its actions"
            report.error("E-MISSING", step.path, message)


def _check_lapse_to(report: Report, data: Raw, path: Path, correction: Raw) -> None:
    if not correction or "lapse_to" in correction:
        return
    if len(lapse_ends(data)) != 1:
        report.error("E-MISSING", path, "'lapse_to' is required, because not exactly one end fits")


def lapse_ends(data: Raw) -> list[str]:
    """The ends that a case may lapse to when nothing else is said."""
    return [s.id for s in main_steps(data) if word(s.data, "outcome") in LAPSE_OUTCOMES]


def _asks(step: StepAt) -> bool:
    return any(a.get("correction") is True for a in mapping(step.data, "actions").values() if isinstance(a, dict))

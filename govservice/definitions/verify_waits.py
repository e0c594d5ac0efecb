"""Does somebody notice where a case waits: an owner or a timer at each wait, a date for each fan-out?"""

from __future__ import annotations

from govservice.definitions.compiled import Limit, Step
from govservice.definitions.verify_graph import Notes, place_of_step
from govservice.definitions.verify_paths import Way, ways_of

NO_ACT = ("warn", "escalate", "@appoint")  # timers that only tell somebody


def check_waits(notes: Notes) -> None:
    graph = notes.graph
    for step in graph.compiled.steps.values():
        if graph.run_to(step.path) and step.path != graph.compiled.start:
            _check_wait(notes, step)
    _check_idle_timers(notes)
    told: set[str] = set()
    for way in ways_of(graph, graph.compiled.start):
        step = graph.compiled.steps[way.steps[-1]]
        if step.kind in ("parallel", "cases") and step.path not in told and not _dated(notes, step, way):
            told.add(step.path)
            _tell_undated(notes, step, way)


def _check_wait(notes: Notes, step: Step) -> None:
    """A case that waits for the applicant or for other cases has a date: a timer, or a limit, which warns. Other cases
    may be watched by an owner instead; of an applicant's step an owner has no task. A branch has an owner always."""
    watched = step.kind == "cases" and step.owner is not None
    if step.kind in ("applicant", "cases") and not step.scope and not (watched or step.limit or step.timers):
        whom, more = ("the applicant", "") if step.kind == "applicant" else ("other cases", ", or an owner")
        message = (
            f"At {step.path!r} the case waits for {whom}, and nobody is told when nothing comes: it may lie there for "
            f"ever. Give the step a timer or a limit{more}."
        )
        notes.at_step("E-WAIT", step.path, message)


def _dated(notes: Notes, step: Step, way: Way) -> bool:
    """Whether a fan-out has a date: its own limit, one on every step of its branches, or a clock that runs on this
    way."""
    compiled = notes.graph.compiled
    if step.limit is not None or any(timer.do not in NO_ACT for timer in step.timers):
        return True
    inner = [s for s in compiled.steps.values() if s.scope.startswith(f"{step.path}.") and s.kind != "auto"]
    if inner and all(s.limit is not None for s in inner):
        return True
    return any(_runs(limit, way) for limit in compiled.limits.values())


def _runs(limit: Limit, way: Way) -> bool:
    """Whether a clock of the case runs at the end of a way."""
    started, stopped = way.marked(limit.start), way.marked(limit.stop)
    return bool(started) and (not stopped or stopped[-1] < started[-1])


def _check_idle_timers(notes: Notes) -> None:
    """A timer by a clock of the case that runs on no way to its step."""
    graph = notes.graph
    hung = {
        (step.path.partition(".")[0], timer.of): (step, timer)
        for step in graph.compiled.steps.values()
        for timer in step.timers
        if timer.of is not None and graph.run_to(step.path)
    }
    for way in ways_of(graph, graph.compiled.start) if hung else ():
        for limit in graph.compiled.limits.values():
            if (way.steps[-1], limit.name) in hung and _runs(limit, way):
                del hung[way.steps[-1], limit.name]
    for step, timer in hung.values():
        message = (
            f"The clock {timer.of!r} never runs at {step.path!r}, so this timer never acts. Hang it on a clock that "
            "does, or on the step's own limit."
        )
        place = (*place_of_step(step.path), "timers", int(timer.id))
        notes.add("W-TIMER-IDLE", place, message, step=step.path, trace=graph.run_to(step.path))


def _tell_undated(notes: Notes, step: Step, way: Way) -> None:
    message = (
        f"Several work at {step.path!r} at once and nothing says until when: no limit of the step, of the steps in it, "
        "or of the case runs there. Give it a `limit`."
    )
    notes.at_step("W-FAN-OUT", step.path, message, way.steps)

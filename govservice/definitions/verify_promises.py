"""Pledges, deferred materials and steps after the end: no grant with a gap, no check that nobody makes, no way between
the case and what lives on after it."""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.compiled import Compiled, Edge
from govservice.definitions.shape import LAPSE_OUTCOMES
from govservice.definitions.verify_graph import Arc, Notes, is_move, place_of_step, runs_from


def check_promises(notes: Notes) -> None:
    _after_close(notes)
    if notes.graph.compiled.bundles:
        return  # its children check what was pledged, and wait for what comes later: each is checked for that by itself
    _pledges(notes)
    if notes.graph.compiled.deferrals:
        _deferrals(notes)
        _granted_with_a_gap(notes)


# -- pledges


def _pledges(notes: Notes) -> None:
    for name, material in notes.graph.compiled.service.materials.items():
        replaced = material.replaced_by
        if replaced is not None and replaced.pledge is not None and replaced.post_check is None:
            message = (
                f"Nobody checks whether the pledge {replaced.pledge!r} is kept. Name a step that does: "
                "`post_check: {step: ..., within: ...}`."
            )
            notes.add("W-UNCHECKED-PLEDGE", ("materials", name, "replaced_by"), message)


# -- steps that live on after the case has closed


def _after_close(notes: Notes) -> None:
    compiled = notes.graph.compiled
    for path, edges in compiled.out.items():
        for edge in edges:
            _border(notes, edge)
            if compiled.steps[path].after_close and edge.kind == "action":
                _after_action(notes, edge)
    for step in compiled.steps.values():
        for index, timer in enumerate(step.timers):
            if step.after_close and timer.do == "lapse":
                message = (
                    "the case has closed already and cannot lapse. Let the timer take an action, warn or escalate."
                )
                notes.add("E-AFTER-CLOSE", (*place_of_step(step.path), "timers", index), message, step=step.path)


def _border(notes: Notes, edge: Edge) -> None:
    """No edge crosses between the case and what comes after it."""
    compiled = notes.graph.compiled
    here = compiled.steps[edge.source].after_close
    for target in edge.targets:
        there = compiled.steps.get(target.to or "")
        if there is None or there.after_close == here:
            continue
        message = (
            f"{there.path!r} belongs to the case, which has closed: give `end`, or lead to another `after_close` step."
            if here
            else f"{there.path!r} lives on after the case has closed: only a `post_check` leads there. Remove this way."
        )
        notes.at_edge("E-AFTER-CLOSE", edge, message)


def _after_action(notes: Notes, edge: Edge) -> None:
    for wrong, key, words in (
        (edge.marks is not None, "marks", "every clock of the case has ended, so there is no milestone to mark"),
        (edge.correction, "correction", "the case has closed, so there is nothing to correct"),
    ):
        if wrong:
            notes.at_edge("E-AFTER-CLOSE", edge, f"{words}. Remove `{key}`.", key=key)


# -- deferred materials


def _deferrals(notes: Notes) -> None:
    compiled = notes.graph.compiled
    for name, deferral in compiled.deferrals.items():
        place = ("materials", name, "deferrable")
        end = compiled.steps[deferral.to]
        if end.outcome not in LAPSE_OUTCOMES:
            message = (
                f"{deferral.to!r} ends as {end.outcome}: who does not bring a document is not granted and not refused. "
                "Lead to an end with outcome terminated, lapsed or withdrawn."
            )
            notes.add("E-DEFERRAL", (*place, "to"), message)
        if not any(_waits(compiled, arc) for arc in _onward(notes, deferral.until)):
            message = (
                f"{deferral.until!r} does not wait for it: say `requires: {{gaps: closed}}` there, on the auto step or "
                "on the actions that lead on."
            )
            notes.add("E-DEFERRAL", (*place, "until"), message, step=deferral.until)
        _too_long(notes, name)


def _too_long(notes: Notes, name: str) -> None:
    """The gap is closed within the time that the service promises."""
    compiled = notes.graph.compiled
    for limit in compiled.limits.values():
        longest = limit.promised or limit.statutory
        if limit.stop == "decided" and compiled.deferrals[name].within.calendar_days > longest.calendar_days:
            message = (
                f"It may come {compiled.deferrals[name].within} later, but the decision is promised within {longest}: "
                "the case would wait for it. Give less time."
            )
            notes.add("W-DEFERRAL-LONG", ("materials", name, "deferrable", "within"), message)
            return


def _onward(notes: Notes, path: str) -> Iterator[Arc]:
    """Ways of work out of a step of the case."""
    return (arc for arc in notes.graph.arcs[path] if not arc.edge.escape and is_move(arc.edge))


def _waits(compiled: Compiled, arc: Arc) -> bool:
    """Whether this way is open only when every gap is closed."""
    step = compiled.steps[arc.edge.source]
    return arc.edge.requires_gaps or (step.kind == "auto" and step.requires_gaps)


def _granted_with_a_gap(notes: Notes) -> None:
    """No way of work leads to a grant without passing where gaps must be closed."""
    compiled = notes.graph.compiled
    runs = runs_from(
        [compiled.start], lambda path: (arc.to for arc in _onward(notes, path) if not _waits(compiled, arc))
    )
    for path, run in runs.items():
        if compiled.steps[path].outcome == "granted":
            message = (
                f"The case can be granted at {path!r} although a deferred document has not come "
                f"({' -> '.join(run)}). Say `requires: {{gaps: closed}}` on this way."
            )
            notes.at_step("E-GAP-OPEN", path, message, run)

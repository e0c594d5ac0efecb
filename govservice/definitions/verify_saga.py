"""What registries did for a case and can take back: it is finished, or undone, on every way to an end.

An auto step may have been carried out however it answered: the answer can be lost. So a step whose act has an
`undone_by` leaves something open, by `ok` and by `fail`; only the answer `ok` of an act that `settles`, or of the act
that takes back, closes it. Withdrawing and lapsing lead to an end like any other way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Step
from govservice.definitions.schema_registry import RegisterAct
from govservice.definitions.verify_graph import Arc, Graph, Notes, runs_from

Acts = Mapping[str, RegisterAct]


def check_saga(notes: Notes, catalogue: Catalogue) -> None:
    """Ends reached while something is open; ends without a grant after what cannot be taken back any more."""
    acts = catalogue.acts
    for step in notes.graph.compiled.steps.values():
        act = acts.get(step.call or "")
        if act is None or not notes.graph.run_to(step.path):
            continue
        if act.undone_by is not None:
            _check_open(notes, acts, step, act.undone_by)
        if act.settles:
            _check_settled(notes, acts, step, act.undone_by)


def _check_open(notes: Notes, acts: Acts, step: Step, undo: str) -> None:
    graph = notes.graph
    if step.scope:
        message = f"has something done that must be taken back by {undo!r}: a join may cancel a branch in the middle."
        notes.at_step("E-SAGA-BRANCH", step.path, message + " Let the main token do it.")
        return

    def after(path: str) -> Iterator[str]:
        return (arc.to for arc in graph.arcs[path] if not _closes(graph, acts, arc, path, undo))

    starts = [arc.to for arc in graph.arcs[step.path] if not _closes(graph, acts, arc, step.path, undo)]
    runs = runs_from(starts, after)
    for path, run in runs.items():
        if graph.compiled.steps[path].kind == "end":
            message = (
                f"The case may end at {path!r} while what {step.call!r} has done, or may have done, is not taken back. "
                f"Lead every way through the answer `ok` of a step that calls {undo!r}, and forbid to withdraw there."
            )
            notes.at_step("E-SAGA-OPEN", step.path, message, (*graph.run_to(step.path), *run))
            return
    for name, deferral in graph.compiled.deferrals.items():
        if deferral.until in runs:
            message = f"The case may be ended for want of {name!r} while what {step.call!r} has done is not taken back."
            notes.at_step("E-SAGA-OPEN", step.path, f"{message} Let the document be due before.")


def _closes(graph: Graph, acts: Acts, arc: Arc, path: str, undo: str) -> bool:
    """Whether by this way nothing is left to take back: the answer `ok` of the act that does so, or that settles."""
    call = graph.compiled.steps[path].call or ""
    act = acts.get(call)
    settles = act is not None and act.settles and act.undone_by == undo
    return arc.edge.name == "@ok" and (call == undo or settles)


def _check_settled(notes: Notes, acts: Acts, step: Step, undo: str | None) -> None:
    """Done for good, the case is granted: one that is withdrawn or refused afterwards would say what is not so."""
    graph = notes.graph
    starts = [arc.to for arc in graph.arcs[step.path] if arc.edge.name == "@ok"]
    runs = runs_from(starts, lambda path: _onward(graph, acts, path, undo))
    for path, run in runs.items():
        if graph.compiled.steps[path].kind == "end" and graph.compiled.steps[path].outcome != "granted":
            message = (
                f"After {step.call!r} nothing can be taken back, and yet the case may end at {path!r} without a grant. "
                "Lead every way to a grant, and forbid to withdraw there."
            )
            notes.at_step("E-SAGA-SETTLED", step.path, message, (*graph.run_to(step.path), *run))
            return


def _onward(graph: Graph, acts: Acts, path: str, undo: str | None) -> Iterator[str]:
    call = graph.compiled.steps[path].call
    return (arc.to for arc in graph.arcs[path] if not (call == undo and arc.edge.name == "@ok"))

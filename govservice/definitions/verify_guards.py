"""Conditions that can never hold, and alternatives that an earlier one always takes."""

from __future__ import annotations

from collections.abc import Mapping

from govservice.definitions.compiled import Edge
from govservice.definitions.expressions import Expression
from govservice.definitions.reader import Path
from govservice.definitions.values import FieldLike
from govservice.definitions.verify_domains import implies, ways
from govservice.definitions.verify_graph import Notes, place_of_edge, place_of_step


def check_guards(notes: Notes) -> None:
    compiled = notes.graph.compiled
    fields = compiled.service.fields
    seen: set[str] = set()  # a case-wide action stands at many steps and is told once
    for edge in (edge for edges in compiled.out.values() for edge in edges):
        if edge.kind != "always" or edge.name not in seen:
            _check_edge(notes, edge, fields)
        if edge.kind == "always":
            seen.add(edge.name)
    for branch in notes.graph.branches.values():
        place = (*place_of_step(branch.scope), "when")
        _check(notes, branch.when, place, branch.scope, "this branch is never needed", fields)
    for index, page in enumerate(compiled.service.form):
        condition = compiled.page_conditions.get(page.page)
        _check(notes, condition, ("form", index, "show_if"), None, "this page is never shown", fields)


def _check_edge(notes: Notes, edge: Edge, fields: Mapping[str, FieldLike]) -> None:
    place = place_of_edge(edge)
    _check(notes, edge.guard, (*place, "guard"), edge.source, "nobody can ever take this action", fields)
    earlier: list[Expression] = []
    for index, target in enumerate(edge.targets):
        if target.guard is None:
            continue
        where = (*place, "to", index, "guard")
        if not _check(notes, target.guard, where, edge.source, "this alternative is never taken", fields):
            clauses = ways(target.guard, fields)
            if clauses and all(any(implies(c, other, fields) for other in earlier) for c in clauses):
                message = (
                    f"{target.guard.source!r} holds only where an earlier alternative does: put it first, or remove it."
                )
                notes.add("W-GUARD-SHADOWED", where, message, step=edge.source, trace=notes.graph.run_to(edge.source))
        earlier.append(target.guard)


def _check(
    notes: Notes,
    condition: Expression | None,
    place: Path,
    step: str | None,
    consequence: str,
    fields: Mapping[str, FieldLike],
) -> bool:
    """Tells a condition that no accepted answer can fulfil; True if it is one."""
    if condition is None or ways(condition, fields) != []:
        return False
    trace = notes.graph.run_to(step) if step in notes.graph.compiled.steps and step is not None else ()
    message = (
        f"{condition.source!r} can never hold: {consequence}. Mend the condition, or the field's min, max and options."
    )
    notes.add("W-GUARD-UNSAT", place, message, step=step, trace=trace)
    return True

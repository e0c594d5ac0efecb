"""What a case that moves to another version may still come to there: the steps ahead of it, what they decide by, and
who has them. What lies behind it decides nothing any more, so a question that only the draft's way reads, and that was
not asked when this case was sent, does not keep it where it is. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from govservice.definitions.compiled import Branch, Compiled, Edge, Step
from govservice.definitions.expressions import Expression


def steps_ahead(d: Compiled, here: Iterable[str]) -> frozenset[str]:
    """Paths of the steps from `here` (where the tokens of a case would stand) to every end, and of those that may begin
    after its close. A parallel step comes with all that is in it: supervision may let any part be looked at again."""
    todo = [path.partition(".")[0].partition("@")[0] for path in here]
    todo += [step.path for step in d.steps.values() if step.after_close]
    main = set(todo)
    while todo:
        path = todo.pop()
        new = {target.to for edge in d.out.get(path, ()) for target in edge.targets if target.to is not None} - main
        main |= new
        todo += new
    return frozenset(path for path in d.steps if path.partition(".")[0].partition("@")[0] in main)


def read_by(d: Compiled, ahead: frozenset[str]) -> set[str]:
    """Names of the answers that the steps ahead go by: conditions, what an action requires, the lists that branches are
    made of."""
    names = {name for expression in _conditions(d, ahead) if expression is not None for name in expression.names}
    names |= {name for edge in _edges(d, ahead) for name in edge.requires_fields}
    return names | {branch.each for branch in _branches(d, ahead) if branch.each is not None}


def roles_of(d: Compiled, ahead: frozenset[str]) -> set[str]:
    """Roles that have something to do there."""
    steps = _steps(d, ahead)
    timers = {timer.to_role for step in steps for timer in step.timers}
    found = {*timers, *(step.owner for step in steps), *(edge.by for edge in _edges(d, ahead))}
    return {role for role in found if role is not None and role in d.service.roles}


def _conditions(d: Compiled, ahead: frozenset[str]) -> Iterator[Expression | None]:
    for edge in _edges(d, ahead):
        yield edge.guard
        yield from (target.guard for target in edge.targets)
    yield from (branch.when for branch in _branches(d, ahead))
    yield from (opening.when for step in _steps(d, ahead) for opening in step.opens)
    yield from (spawn.when for path, bundle in d.bundles.items() if path in ahead for spawn in bundle.spawns)


def _steps(d: Compiled, ahead: frozenset[str]) -> list[Step]:
    return [step for path, step in d.steps.items() if path in ahead]


def _edges(d: Compiled, ahead: frozenset[str]) -> list[Edge]:
    return [edge for path, out in d.out.items() if path in ahead for edge in out]


def _branches(d: Compiled, ahead: frozenset[str]) -> list[Branch]:
    return [branch for path, block in d.blocks.items() if path in ahead for branch in block.branches]

"""The picture of where a case is: the service's way with what is done, where the case stands and what is to come.

Drawn from the definition the case is pinned to, so that it is right for any service. Columns are read from left to
right; a parallel step is one column with a node for each branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from govservice.definitions.compiled import MAIN, Branch, Compiled, Step
from govservice.models.cases import Case, Token, Visit
from govservice.queries.way import WayStep, department_kind, edges_of, role_title, way

Text = Mapping[str, str]
Status = Literal["done", "here", "to_come", "skipped"]


@dataclass(frozen=True, slots=True)
class FlowNode:
    """One step or branch. `kind` as in the definition, `branch`, or `end`. `department` is a kind of department.

    `waits`: the applicant must answer a correction; `collecting`: a correction was asked, its notice not yet sent.
    `actor`: user id of who did it, or of who has it now. `owner`: code of the role in the definition.
    `by_system`: a branch that the portal ended by itself; `failed`: what it tried there was not done.
    """

    path: str
    kind: str
    title: Text
    status: Status
    department: str | None = None
    role: Text | None = None
    actor: str | None = None
    at: datetime | None = None
    outcome: str | None = None
    outcome_label: Text | None = None
    waits: bool = False
    collecting: bool = False
    owner: str | None = None
    by_system: bool = False
    failed: bool = False


def flow(
    case: Case,
    compiled: Compiled,
    tokens: Sequence[Token],
    visits: Sequence[Visit],
    holders: Mapping[str, str | None],
) -> list[list[FlowNode]]:
    """Columns of nodes. `holders` maps a step with an open task to its assignee (None: nobody yet)."""
    main = next((t for t in tokens if t.id == MAIN), None)
    here = main.step if main is not None and case.status != "closed" else None
    last = {(v.token_id, v.step): v for v in visits}
    steps = _with_detour(compiled, way(compiled), here)
    for path in [step for token, step in last if token == MAIN and step != here]:
        steps = _with_passed(compiled, steps, path, here)
    at = next((i for i, step in enumerate(steps) if step.path == here), None)
    columns = []
    for index, step in enumerate(steps):
        visit = last.get((MAIN, step.path))
        status = _status(case, index, at, visit)
        if step.branches:
            columns.append(_branches(compiled, step.path, status, tokens, last, holders))
        else:
            columns.append([_node(step, status, visit, main, holders)])
    if case.status == "closed" and case.outcome != "granted" and main is not None:
        end = compiled.steps.get(main.step)
        title = end.title if end is not None else {"en": main.step, "zh": main.step}
        columns = [
            c for c in columns if any(n.status != "skipped" for n in c) and not _refused_there(case, compiled, c)
        ]
        columns.append([FlowNode(main.step, "end", title, "done", at=case.closed_at, outcome=case.outcome)])
    return columns


def _refused_there(case: Case, compiled: Compiled, column: Sequence[FlowNode]) -> bool:
    """Whether a column is the acceptance of a case that was never accepted: it is no thing done."""
    edges = [edge for node in column for edge in compiled.out.get(node.path, ())]
    return case.accepted_at is None and any(edge.marks == "accepted" for edge in edges)


def _with_detour(compiled: Compiled, steps: list[WayStep], here: str | None) -> list[WayStep]:
    """The way, with the present step put in after the draft's own steps where it is not on the usual way."""
    step = compiled.steps.get(here or "")
    if step is None or step.kind == "end" or any(s.path == here for s in steps):
        return steps
    before = _leads_to(compiled, steps, step)
    usual = max((i for i, s in enumerate(steps) if s.kind != "auto"), default=len(steps) - 1)
    return _put_in(compiled, steps, step, usual if before is None else before)


def _with_passed(compiled: Compiled, steps: list[WayStep], path: str, here: str | None) -> list[WayStep]:
    """The same with a step that people did beside the usual way, such as a window that collected: it is behind the
    case and leads back to the way. One that the case may come to again is left out."""
    step = compiled.steps.get(path)
    if step is None or step.scope or step.kind not in ("human", "applicant") or any(s.path == path for s in steps):
        return steps
    before = _leads_to(compiled, steps, step)
    at = next((i for i, s in enumerate(steps) if s.path == here), len(steps))
    return steps if before is None or before > at else _put_in(compiled, steps, step, before)


def _leads_to(compiled: Compiled, steps: Sequence[WayStep], step: Step) -> int | None:
    """The first place of the way, after its start, that a step beside it leads to."""
    targets = {target.to for edge in edges_of(compiled, step) for target in edge.targets}
    return next((i for i, s in enumerate(steps) if i and s.path in targets), None)


def _put_in(compiled: Compiled, steps: Sequence[WayStep], step: Step, place: int) -> list[WayStep]:
    kind, role = department_kind(compiled, step.owner), role_title(compiled, step.owner)
    extra = WayStep(step.path, step.kind, step.title, kind, step.limit, role=role, owner=step.owner)
    return [*steps[:place], extra, *steps[place:]]


def _status(case: Case, index: int, at: int | None, visit: Visit | None) -> Status:
    if case.status == "closed":
        return "done" if visit is not None else "skipped"
    if at is None:
        return "done" if visit is not None and visit.left_at is not None else "to_come"
    return "done" if index < at else "here" if index == at else "to_come"


def _node(
    step: WayStep, status: Status, visit: Visit | None, main: Token | None, holders: Mapping[str, str | None]
) -> FlowNode:
    here = status == "here" and main is not None
    return FlowNode(
        step.path, step.kind, step.title, status, step.department, step.role,
        actor=holders.get(step.path) if here else (visit.actor if visit and status == "done" else None),
        at=(visit.left_at if visit and status == "done" else visit.entered_at if visit and here else None),
        waits=here and main is not None and (main.waits_for in ("correction", "gaps") or step.kind == "applicant"),
        collecting=here and main is not None and main.waits_for == "correction_notice", owner=step.owner,
    )  # fmt: skip


def _branches(
    compiled: Compiled,
    block: str,
    status: Status,
    tokens: Sequence[Token],
    last: Mapping[tuple[int, str], Visit],
    holders: Mapping[str, str | None],
) -> list[FlowNode]:
    nodes = []
    for branch, token, title in parts_of(compiled, block, tokens):
        kind = department_kind(compiled, branch.owner) if branch.person is None else None  # no office's: a person's
        if token is None or status == "to_come":
            nodes.append(FlowNode(branch.scope, "branch", branch.title, status, kind, owner=branch.owner))
        elif token.status == "ended":
            nodes.append(replace(_ended(compiled, branch.scope, title, kind, token, last), owner=branch.owner))
        else:
            nodes.append(
                FlowNode(
                    branch.scope,
                    "branch",
                    title,
                    "here",
                    kind,
                    actor=holders.get(token.step),
                    at=token.entered_at,
                    waits=token.waits_for == "correction",
                    collecting=token.waits_for == "correction_notice",
                    owner=branch.owner,
                )  # fmt: skip
            )
    return nodes


class TokenLike(Protocol):
    """What is needed of a token, of the table or of a state."""

    @property
    def kind(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def round(self) -> int: ...


T = TypeVar("T", bound=TokenLike)


def parts_of(compiled: Compiled, block: str, tokens: Iterable[T]) -> Iterator[tuple[Branch, T | None, Text]]:
    """Each branch of a parallel step with its token and title; a branch with `each` comes once for each part of the
    last round, its title numbered."""
    inside = [t for t in tokens if t.kind == "branch" and t.scope.startswith(f"{block}.")]
    round = max((t.round for t in inside), default=0)
    for branch in compiled.blocks[block].branches:
        parts = [t for t in inside if t.scope.partition("/")[0] == branch.scope and t.round == round]
        if not parts:
            yield branch, None, branch.title
        for token in parts:
            number = token.scope.partition("/")[2]
            suffix = f" {int(number) + 1}" if number else ""
            yield branch, token, {language: words + suffix for language, words in branch.title.items()}


def _ended(
    compiled: Compiled, scope: str, title: Text, kind: str | None, token: Token, last: Mapping[tuple[int, str], Visit]
) -> FlowNode:
    stays = [v for (id, step), v in last.items() if id == token.id and step.startswith(scope + ".") and v.left_at]
    final = max(stays, key=lambda v: v.left_at or v.entered_at, default=None)
    edge = compiled.edge(final.step, final.action) if final is not None and final.action else None
    idle = token.outcome in ("not_needed", "cancelled")
    return FlowNode(
        scope, "branch", title, "skipped" if idle else "done", kind, None, final.actor if final and not idle else None,
        final.left_at if final and not idle else None, token.outcome,
        edge.label if edge is not None and not idle else None,
        by_system=edge is not None and edge.kind == "answer", failed=edge is not None and edge.name == "@fail",
    )  # fmt: skip

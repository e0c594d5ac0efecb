"""Edges of the machine from actions, answers, joins, case-wide actions and lapses."""

from __future__ import annotations

from collections.abc import Mapping

from govservice.definitions.compile_consult import consultation
from govservice.definitions.compiled import Edge, EdgeKind, Target
from govservice.definitions.expressions import Expression, compile_expression
from govservice.definitions.joins import compile_join
from govservice.definitions.names import Names, Vocabulary
from govservice.definitions.schema import Service
from govservice.definitions.schema_steps import Action, Alternative, Answer, BranchStep, StepNode

SYSTEM_LABEL: Mapping[str, str] = {"en": "By the system", "zh": "系统处理"}
LAPSE_LABEL: Mapping[str, str] = {"en": "Not answered in time", "zh": "逾期未办理"}
RENEWED = "@renewed"
RENEWED_LABEL: Mapping[str, str] = {"en": "Renewed by law", "zh": "视为准予延续"}


class EdgeBuilder:
    """Builds the edges of one service; `words` types the names of its guards."""

    def __init__(self, service: Service, words: Vocabulary) -> None:
        self.service, self.words = service, words

    def expression(self, source: str | None, names: Names) -> Expression | None:
        return None if source is None else compile_expression(source, names)

    def of_step(self, path: str, scope: str, node: StepNode | BranchStep, owner: str | None) -> list[Edge]:
        by = "applicant" if node.kind == "applicant" and owner != "person" else owner or "system"
        edges = [self.action(path, scope, name, action, by) for name, action in (node.actions or {}).items()]
        return edges + [self.answer(path, scope, name, answer) for name, answer in (node.answers or {}).items()]

    def action(self, path: str, scope: str, name: str, node: Action, by: str, kind: EdgeKind = "action") -> Edge:
        names, needs, pause = self.words.guard(), node.requires, node.pause
        return Edge(
            name=name, source=path, kind=kind, by=node.by or by, label=node.label,
            targets=self.targets(path, scope, node, names), guard=self.expression(node.guard, names),
            correction=node.correction, once=bool(node.once), reason=node.reason, conditions=node.conditions,
            requires_fields=needs.fields if needs else (), requires_attachments=needs.attachments if needs else (),
            requires_gaps=needs is not None and needs.gaps is not None, effects=node.effects, marks=node.marks,
            not_same_as=node.not_same_as, two_people=node.two_people, escape=kind == "always", hint=node.hint,
            pause=pause.kind if pause else None, length=(pause.length if pause else None) or node.length,
            notice=(pause.notice if pause else None) or node.notice, resume=node.resume,
            internal=node.consult is not None,
            consult=consultation(path, name, node.consult) if node.consult is not None else None,
        )  # fmt: skip

    def answer(self, path: str, scope: str, name: str, node: Answer) -> Edge:
        names = self.words.answer(node.result or {})
        return Edge(
            name=f"@{name}", source=path, kind="answer", by="system", label=SYSTEM_LABEL,
            targets=self.targets(path, scope, node, names), effects=node.effects, marks=node.marks, flag=node.flag,
            result=dict(node.result or {}),
        )  # fmt: skip

    def targets(self, path: str, scope: str, node: Action | Answer, names: Names) -> tuple[Target, ...]:
        """Where an edge leads; a correction, a pause and a consultation stay where they are."""
        if node.end is not None:
            return (Target(end=node.end),)
        if node.to is None:
            return (Target(to=path),)
        return tuple(self.target(scope, alternative, names) for alternative in node.to)

    def target(self, scope: str, node: Alternative, names: Names) -> Target:
        to = f"{scope}.{node.to}" if scope and node.to else node.to
        return Target(to=to, end=node.end, guard=self.expression(node.guard, names))

    def joins(self, path: str, node: StepNode) -> list[Edge]:
        return [
            Edge(
                name=f"@join{index}", source=path, kind="join", targets=(Target(to=rule.to),), by="system",
                label=SYSTEM_LABEL, effects=rule.effects, marks=rule.marks, siblings=rule.siblings,
                join=compile_join(rule.condition),
            )
            for index, rule in enumerate(node.join)
        ]  # fmt: skip

    def always(self, path: str, node: StepNode) -> list[Edge]:
        """The case-wide actions that hold at a step of the main token."""
        if node.kind == "end" or node.after_close:
            return []
        return [
            self.action(path, "", name, action, node.owner or "applicant", "always")
            for name, action in self.service.always.items()
            if path not in action.unless
        ]

    def renewed(self, path: str, end: str) -> Edge:
        """No decision before the licence to be renewed expired: the law counts it as renewed (art. 50)."""
        return Edge(
            name=RENEWED, source=path, kind="lapse", targets=(Target(to=end),), by="system", label=RENEWED_LABEL,
            escape=True, marks="decided", effects=("document.renew",),
        )  # fmt: skip

    @staticmethod
    def lapse(path: str, end: str, index: int) -> Edge:
        """A step may lapse to two ends (its own timer, a correction not answered): each has its trigger."""
        return Edge(
            name=f"@lapse{index or ''}", source=path, kind="lapse", targets=(Target(to=end),), by="system",
            label=LAPSE_LABEL, escape=True,
        )  # fmt: skip

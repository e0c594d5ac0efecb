"""The side steps of consultations: each department that an action asks answers at a step of its own.

Its role there is the first of the service's `roles` that belongs to it, else `opinion_<department>`, which whoever
answers for the department in such matters holds. It agrees, agrees on conditions, or objects; where it says nothing,
the limit's end counts as no objection or is brought to the asking department's attention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from govservice.definitions.compiled import Consultation, Edge, Step, Target, Text, TimerRule
from govservice.definitions.schema import Role, Service
from govservice.definitions.schema_steps import BranchStep, Consult, StepNode
from govservice.worktime.duration import Duration

ANSWERS: Mapping[str, tuple[Text, str, bool]] = {  # action: label, outcome, words are required
    "agree": ({"en": "No objection", "zh": "无异议"}, "agreed", False),
    "agree_if": ({"en": "Agree on conditions", "zh": "附条件同意"}, "conditional", True),
    "object": ({"en": "Object", "zh": "有异议"}, "objected", True),
}
OPINION = "opinion_"  # begins the role of a department that has no other part in the service
ROLE_TITLE: Text = {"en": "Opinions for other departments", "zh": "征求意见答复"}
SILENCE, SILENT = "@silence", "no_answer"  # what silence does, and what it comes to
SILENCE_LABEL: Text = {"en": "No answer in time", "zh": "逾期未答复"}
SILENCE_NOTE: Text = {"en": "No answer in time: counts as no objection", "zh": "逾期未答复，视为无异议"}
WARN_AT, OVER_AT = Duration(80, "%limit"), Duration(100, "%limit")


def side_step(source: str, action: str, department: str) -> str:
    """The path of the step at which a department answers an action's question."""
    return f"{source}@{action}@{department}"


def with_opinion_roles(service: Service) -> Service:
    """The service with a role for each department that it asks and that has no other part in it."""
    held = {role.department for role in service.roles.values() if role.area is None}
    more = {f"{OPINION}{code}": Role(department=code, title=ROLE_TITLE) for code in _asked(service) if code not in held}
    return service.model_copy(update={"roles": {**service.roles, **more}}) if more else service


def _asked(service: Service) -> Iterator[str]:
    for step in service.steps.values():
        nodes: list[StepNode | BranchStep] = [step]
        nodes += [each for branch in (step.branches or {}).values() for each in branch.steps.values()]
        for node in nodes:
            for action in (node.actions or {}).values():
                yield from action.consult.departments if action.consult is not None else ()


def role_of(service: Service, department: str) -> str | None:
    """Who answers for a consulted department."""
    here = ((code, role) for code, role in service.roles.items() if role.area is None)  # not an office elsewhere
    return next((code for code, role in here if role.department == department), None)


def consultation(source: str, action: str, node: Consult) -> Consultation:
    asks = tuple(side_step(source, action, code) for code in dict.fromkeys(node.departments))
    return Consultation(asks, node.limit, node.blocking, node.on_timeout)


def side_steps(service: Service, steps: Mapping[str, Step], edges: Mapping[str, list[Edge]]) -> Iterator[Step]:
    """A step for each department that an edge asks; it sees what the asking step sees."""
    for edge in (edge for out in edges.values() for edge in out if edge.consult is not None):
        assert edge.consult is not None
        asking = steps[edge.source]
        for path in edge.consult.asks:
            owner = role_of(service, path.rpartition("@")[2])
            yield Step(
                path=path, kind="human", title=edge.label, scope=path, owner=owner, limit=edge.consult.limit,
                timers=_timers(edge.consult, asking.owner), reads=asking.reads, asked_at=edge.source,
                asked_by=edge.name,
            )  # fmt: skip


def _timers(asked: Consultation, asking: str | None) -> tuple[TimerRule, ...]:
    if asked.on_timeout == "escalate":
        over = TimerRule(id="1", at=OVER_AT, do="escalate", to_role=asking)
    else:
        over = TimerRule(id="1", at=OVER_AT, do=SILENCE, note=SILENCE_NOTE)
    return (TimerRule(id="0", at=WARN_AT, do="warn"), over)


def answers(step: Step, asked: Consultation) -> list[Edge]:
    """The ways out of a side step. What silence does is an escape: nobody may count on it."""
    edges = [
        Edge(name=name, source=step.path, kind="action", targets=(Target(end=outcome),), by=step.owner or "system",
             label=label, reason=words, internal=True)
        for name, (label, outcome, words) in ANSWERS.items()
    ]  # fmt: skip
    if asked.on_timeout == "no_objection":
        edges.append(
            Edge(name=SILENCE, source=step.path, kind="lapse", targets=(Target(end=SILENT),), by="system",
                 label=SILENCE_LABEL, escape=True)
        )  # fmt: skip
    return edges

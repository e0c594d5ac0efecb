"""What a material change does to a case on its way (`on_change` of a fact): the step of a task, the kind of a pause.

A task stands at a side step of its own, `data@income`, beside whatever the case is doing; a decision that relies on the
fact waits for the settling anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.compiled import Edge, Step, Target, Text, TimerRule
from govservice.definitions.schema import Service
from govservice.definitions.schema_form import Fact, brought
from govservice.worktime.duration import Duration

MARK = "data@"  # begins the path of such a step
LOOKED = "looked"  # how it ends
TITLE: Text = {"en": "A register says something new", "zh": "登记信息有变更"}
LABEL: Text = {"en": "I have looked at the change", "zh": "已核对变更"}
TASK_WITHIN, PAUSE_FOR = Duration(3, "wd"), Duration(10, "wd")  # unless the fact says otherwise
PAUSE_KIND = "inspection"  # where no limit of the service lists a kind
WARN_AT = Duration(80, "%limit")


def change_step(fact: str) -> str:
    """The path of the step at which somebody looks at a change of a fact."""
    return f"{MARK}{fact}"


def is_change_step(path: str) -> bool:
    return path.startswith(MARK)


def change_steps(service: Service) -> Iterator[Step]:
    """A step for each fact whose change is a role's task. Whoever works there sees that fact and nothing else."""
    for name, fact in service.facts.items():
        if fact.on_change is not None and fact.on_change.task is not None:
            parts = (name, *dict.fromkeys(each.partition(".")[0] for each in brought(name, fact)))
            yield Step(
                path=change_step(name), kind="human", title=TITLE, scope=change_step(name), owner=fact.on_change.task,
                limit=fact.on_change.within or TASK_WITHIN, timers=(TimerRule(id="0", at=WARN_AT, do="warn"),),
                reads=parts,
            )  # fmt: skip


def looked_at(step: Step) -> Edge:
    """The one way out: it was looked at, with words on what follows."""
    return Edge(
        name="looked", source=step.path, kind="action", targets=(Target(end=LOOKED),), by=step.owner or "system",
        label=LABEL, reason=True, internal=True,
    )  # fmt: skip


def pause_of(service: Service, fact: Fact) -> tuple[str, Duration] | None:
    """The kind and the length of the pause that a change of this fact begins; None where it begins none."""
    change = fact.on_change
    if change is None or not (change.do == "pause" or change.pause is not None):
        return None
    listed = [kind for limit in service.limits.values() for kind in limit.pauses if kind != "correction"]
    return change.pause or next(iter(listed), PAUSE_KIND), change.length or PAUSE_FOR

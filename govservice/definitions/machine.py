"""The one `transitions.Machine` of a definition: flat, shared by all cases and threads, never mutated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from transitions import Event, Machine, MachineError

from govservice.definitions.compiled import Edge, Step, Target
from govservice.definitions.expressions import Expression
from govservice.definitions.joins import RESERVED_OUTCOMES

Values = Mapping[str, Any]
Guard = Callable[..., bool]


class Way(Event):
    """A trigger on which nothing hangs but guards: what follows a step are events of ours, not callbacks. The library's
    own took a fifth of a decision to find that there are none."""

    def trigger(self, model: Any, *args: Any, **kwargs: Any) -> bool:
        """Moves what has a `state` along the first transition from there whose guards hold for the values given; False
        where none does. Raises MachineError where none begins there."""
        hops = self.transitions.get(model.state)
        if hops is None:
            raise MachineError(f"{self.name} does not begin at {model.state}")
        for hop in hops:
            if all(cast("Guard", guard.func)(*args) is True for guard in hop.conditions):
                model.state = hop.dest
                return True
        return False


class Steps(Machine):
    """The machine of a definition."""

    event_cls = Way


def final_state(scope: str, outcome: str) -> str:
    """The machine's state of a branch that ended: `review.food#approved`."""
    return f"{scope}#{outcome}"


def destination(edge: Edge, target: Target, steps: Mapping[str, Step]) -> str:
    """The machine's state that a target leads to. An `after_close` step ends by itself: `post_check#confirmed`."""
    if target.to is not None:
        return target.to
    return final_state(steps[edge.source].scope or edge.source, target.end or "")


def build_machine(start: str, steps: Mapping[str, Step], out: Mapping[str, tuple[Edge, ...]]) -> Machine:
    """Guards are the conditions of its transitions; they are called with the mapping of values that the trigger got:

    `machine.events[edge.name].trigger(token, values)`, where `token` has an attribute `state`.
    """
    transitions = list(_transitions(steps, out))
    finals = [t["dest"] for t in transitions if t["dest"] not in steps]
    scopes = dict.fromkeys(step.scope for step in steps.values() if step.scope)
    finals += [final_state(scope, word) for scope in scopes for word in RESERVED_OUTCOMES]
    return Steps(
        model=None, states=list(dict.fromkeys([*steps, *finals])), transitions=transitions, initial=start,
        queued=False, auto_transitions=False, send_event=False,
    )  # fmt: skip


def machine_edges(machine: Machine) -> set[tuple[str, str, str]]:
    """(trigger, source, destination) of every transition of a machine."""
    return {
        (event.name, transition.source, transition.dest or transition.source)
        for event in machine.events.values()
        for transitions in event.transitions.values()
        for transition in transitions
    }


def _transitions(steps: Mapping[str, Step], out: Mapping[str, tuple[Edge, ...]]) -> Iterator[dict[str, Any]]:
    for edges in out.values():
        for edge in edges:
            for target in edge.targets:
                guards = [g for g in (edge.guard, target.guard) if g is not None]
                yield {
                    "trigger": edge.name,
                    "source": edge.source,
                    "dest": destination(edge, target, steps),
                    "conditions": [_condition(guard) for guard in guards],
                }


def _condition(guard: Expression) -> Callable[[Values], bool]:
    """transitions compares a condition's answer with True, so that it must be a real bool."""

    def holds(values: Values) -> bool:
        return guard.evaluate(values).value

    return holds

"""Runs in an environment of its own, with the rivals of PyPI: plays cases for `bench.rivals`, and knows nothing of us.

Each rival takes a case through nine steps, three departments among them; every step is a transaction of its own that
loads the case, checks the role and the present step, changes it and adds a row of history. That is less than the
engine does: no clocks, timers, worklist, chain, keys or stale pages. A line on standard input names a rival and a
number of cases; a line on standard output gives
the seconds per step, by the clock and of this process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from sqlalchemy import ForeignKey, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

STEPS = ("draft", "acceptance", "desk", "site", "second", "fire", "sign", "decision", "issue", "done")
ROLES = ("applicant", "window", "food", "food", "food", "fire", "urban", "head", "system")


class Base(DeclarativeBase):
    pass


class Application(Base):
    __tablename__ = "rival_applications"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default=STEPS[0])
    blob: Mapped[str | None]


class History(Base):
    __tablename__ = "rival_history"
    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("rival_applications.id"))
    step: Mapped[str]
    role: Mapped[str]


def opened(engine: Any, blob: str | None = None) -> int:
    with Session(engine) as session:
        made = Application(blob=blob)
        session.add(made)
        session.commit()
        return made.id


def by_orm(engine: Any, advance: Callable[[Application, str], None]) -> int:
    """Nine steps: load the row, let the library move it, add the history."""
    id = opened(engine)
    for step, role in zip(STEPS, ROLES, strict=False):
        with Session(engine) as session:
            found = session.get_one(Application, id)
            assert found.state == step
            advance(found, role)
            session.add(History(application_id=id, step=step, role=role))
            session.commit()
    return len(ROLES)


def naive_transitions(engine: Any) -> Callable[[], int]:
    """transitions as its README shows it: a Machine for each object."""
    from transitions import Machine

    ways = [
        {"trigger": "go", "source": a, "dest": b, "conditions": "allowed"}
        for a, b in zip(STEPS, STEPS[1:], strict=False)
    ]

    class Model:
        def __init__(self, state: str, role: str) -> None:
            self.role, self.wanted = role, ROLES[STEPS.index(state)]
            Machine(self, states=list(STEPS), transitions=ways, initial=state, auto_transitions=False)

        def allowed(self) -> bool:
            return self.role == self.wanted

    def advance(found: Application, role: str) -> None:
        model = Model(found.state, role)
        assert model.go()
        found.state = model.state

    return lambda: by_orm(engine, advance)


def statemachine(engine: Any) -> Callable[[], int]:
    """python-statemachine, a machine for each object as its documentation shows it."""
    from statemachine import State, StateMachine

    body: dict[str, Any] = {
        name: State(name, value=name, initial=name == STEPS[0], final=name == STEPS[-1]) for name in STEPS
    }
    ways = None
    for a, b in zip(STEPS, STEPS[1:], strict=False):
        way = body[a].to(body[b], cond="allowed")
        ways = way if ways is None else ways | way
    body["go"] = ways
    body["allowed"] = lambda self: self.role == ROLES[STEPS.index(self.model.state)]
    Case = type("Case", (StateMachine,), body)

    def advance(found: Application, role: str) -> None:
        machine: Any = Case(found)
        machine.role = role
        machine.go()

    return lambda: by_orm(engine, advance)


BPMN = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">
<bpmn:process id="case" isExecutable="true">
<bpmn:startEvent id="start"><bpmn:outgoing>f0</bpmn:outgoing></bpmn:startEvent>
{nodes}
<bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="join"/>
<bpmn:endEvent id="end"/>
{flows}
</bpmn:process></bpmn:definitions>"""
FLOWS = (
    "start draft", "draft acceptance", "acceptance fork", "fork desk", "desk site", "site second", "second join",
    "fork fire", "fire join", "fork sign", "sign join", "join decision", "decision issue", "issue end",
)  # fmt: skip


def spiffworkflow(engine: Any) -> Callable[[], int]:
    """SpiffWorkflow: the whole case as JSON, loaded and saved at each step; the rows by plain SQL."""
    from SpiffWorkflow.bpmn import BpmnWorkflow
    from SpiffWorkflow.bpmn.parser import BpmnParser
    from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
    from SpiffWorkflow.util.task import TaskState

    nodes = "\n".join(f'<bpmn:userTask id="{s}" name="{s}"/>' for s in STEPS[:-1])
    flows = "\n".join(
        f'<bpmn:sequenceFlow id="f{n}" sourceRef="{way.split()[0]}" targetRef="{way.split()[1]}"/>'
        for n, way in enumerate(FLOWS)
    )
    parser = BpmnParser()
    parser.add_bpmn_str(BPMN.format(nodes=nodes, flows=flows).encode())
    spec = parser.get_spec("case")
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure())

    def play() -> int:
        workflow = BpmnWorkflow(spec)
        workflow.do_engine_steps()
        id, steps = opened(engine, serializer.serialize_json(workflow)), 0
        for step, role in zip(STEPS, ROLES, strict=False):
            with engine.begin() as connection:
                query = text("SELECT blob FROM rival_applications WHERE id = :id FOR UPDATE")
                loaded = serializer.deserialize_json(connection.execute(query, {"id": id}).scalar_one())
                task = next(t for t in loaded.get_tasks(state=TaskState.READY) if t.task_spec.name == step)
                assert role == ROLES[STEPS.index(task.task_spec.name)]
                task.run()
                loaded.do_engine_steps()
                saved = serializer.serialize_json(loaded)
                connection.execute(
                    text("UPDATE rival_applications SET blob = :blob, state = :step WHERE id = :id"),
                    {"blob": saved, "step": step, "id": id},
                )
                connection.execute(
                    text("INSERT INTO rival_history (application_id, step, role) VALUES (:id, :step, :role)"),
                    {"id": id, "step": step, "role": role},
                )
            steps += 1
        assert loaded.is_completed()
        return steps

    return play


RIVALS: dict[str, Callable[[Any], Callable[[], int]]] = {
    "transitions_naive_orm": naive_transitions, "python_statemachine_orm": statemachine, "spiffworkflow": spiffworkflow,
}  # fmt: skip


def main(url: str) -> None:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    players = {name: make(engine) for name, make in RIVALS.items()}
    print(json.dumps({"ready": list(players)}), flush=True)
    for line in sys.stdin:
        name, cases = line.split()
        began, worked, steps = perf_counter(), process_time(), 0
        for _ in range(int(cases)):
            steps += players[name]()
        seconds = ((perf_counter() - began) / steps, (process_time() - worked) / steps)
        print(json.dumps({name: seconds}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

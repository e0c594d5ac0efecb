"""A step of kind `cases` (一件事一次办): its child cases are asked for in the order of what they need of each other.

Nothing here touches a child: the parent asks through its outbox, and hears of a child by `@child`, which the child's
own outbox sends. A child that was granted stays granted: entering the step again asks only for the others.
"""

from __future__ import annotations

from typing import Any

from govservice.definitions.compiled import Bundle, Edge, Spawn
from govservice.engine.decide_work import Work
from govservice.engine.types import MAIN
from govservice.errors import NotAllowed

GOOD, IDLE = "granted", "not_needed"
FAILED, PREVENTED, CANCELLED = "failed", "prevented", "cancelled"


def enter(work: Work, bundle: Bundle) -> None:
    """Every child is planned: those that wait for nobody are asked for at once."""
    for spawn in bundle.spawns:
        old = work.st.children.get(spawn.service)
        if old is not None and old.outcome == GOOD:
            continue
        if spawn.when is not None and not spawn.when.evaluate(work.values()).value:
            work.emit("child.ended", MAIN, {"service": spawn.service, "step": bundle.path, "outcome": IDLE})
        else:
            _plan(work, bundle, spawn)
    advance(work, bundle)


def _plan(work: Work, bundle: Bundle, spawn: Spawn) -> None:
    data = {"service": spawn.service, "step": bundle.path, "waits_for": list(spawn.waits_for)}
    work.emit("child.planned", MAIN, data)


def advance(work: Work, bundle: Bundle) -> None:
    """Children whose data is there are asked for; those that wait for one that did not succeed can never begin."""
    moved = True
    while moved:
        moved = False
        for spawn in bundle.spawns:
            child = work.st.children[spawn.service]
            if child.status != "waiting":
                continue
            needed = [work.st.children[service] for service in spawn.waits_for]
            if all(c.outcome == GOOD for c in needed):
                _ask(work, bundle, spawn.service)
                moved = True
            elif any(c.status == "ended" and c.outcome != GOOD for c in needed):
                data = {"service": spawn.service, "step": bundle.path, "outcome": PREVENTED}
                work.emit("child.ended", MAIN, data)
                moved = True


def _ask(work: Work, bundle: Bundle, service: str) -> None:
    attempt = work.st.children[service].attempt + 1
    data = {"service": service, "step": bundle.path, "attempt": attempt, "effects": ["bundle.spawn"]}
    work.emit("child.asked", MAIN, data)


def heard(work: Work) -> None:
    """A child says that it exists, or how it ended. What was heard already, or comes from an earlier try, is nothing
    new."""
    data, bundle = work.cmd.data, work.d.bundles.get(work.st.main.step)
    child = work.st.children.get(str(data["service"]))
    if bundle is None or child is None or child.status not in ("asked", "open"):
        return
    if child.case not in (None, data.get("case")) or data.get("attempt", child.attempt) != child.attempt:
        return
    if data.get("outcome") is None:
        if child.status == "asked":
            work.emit("child.opened", MAIN, {"service": child.service, "case": data["case"]})
        return
    facts: dict[str, Any] = {"service": child.service, "step": bundle.path, "outcome": data["outcome"]}
    if data.get("case") is not None:
        facts["case"] = data["case"]
    work.emit("child.ended", MAIN, facts)
    advance(work, bundle)


def restart(work: Work) -> None:
    """The applicant wants a child that did not succeed tried again, and with it what it prevented. Raises NotAllowed
    where there is none."""
    bundle = work.d.bundles.get(work.st.main.step)
    child = work.st.children.get(str(work.cmd.data.get("service")))
    if bundle is None or child is None or child.status != "ended" or child.outcome in (GOOD, IDLE, PREVENTED):
        raise NotAllowed(action=work.cmd.trigger)
    for spawn in bundle.spawns:
        one = work.st.children[spawn.service]
        if one.service == child.service or one.outcome == PREVENTED:
            _plan(work, bundle, spawn)
    advance(work, bundle)


def cancel(work: Work, step: str) -> None:
    """The step is left while children run: each is told to end; one that can no longer be withdrawn ends by itself."""
    for child in list(work.st.children.values()):
        if child.step == step and child.status != "ended":
            data: dict[str, Any] = {"service": child.service, "step": step, "outcome": CANCELLED}
            if child.status != "waiting":
                data |= {"attempt": child.attempt, "effects": ["bundle.cancel"]}
            work.emit("child.ended", MAIN, data)


def outcomes(work: Work, bundle: Bundle) -> dict[str, str | None]:
    """Outcome by service, None while a child runs or waits."""
    return {s.service: work.st.children[s.service].outcome for s in bundle.spawns}


def holding_join(work: Work, bundle: Bundle) -> Edge | None:
    found = outcomes(work, bundle)
    complete = None not in found.values()
    for edge in bundle.joins:
        rule = edge.join
        may = complete or (edge.siblings == "cancel" and rule is not None and not rule.needs_all)
        if may and (rule is None or rule.holds(found)):
            return edge
    return None

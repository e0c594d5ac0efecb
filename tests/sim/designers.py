"""Virtual designers: two of them put another version in force and move running cases there and back; others try to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from govservice.errors import Forbidden
from govservice.operations import migrating, proposing
from tests.sim.tables import Broken
from tests.sim.versions import CHANGES
from tests.sim.world import Said, Sim

IN_FORCE = "SELECT version FROM definitions WHERE service = ? AND status = 'published'"
OPEN = "SELECT id, service, proposed_by FROM proposals WHERE status = 'open'"


def act(sim: Sim) -> None:
    (publish if sim.random.random() < 0.4 else migrate)(sim)


def publish(sim: Sim) -> None:
    """A designer proposes the other version; somebody decides, who may be the same person, or no one to decide."""
    pick, office = sim.random, sim.office
    waiting = sim.eye.rows(OPEN)
    if not waiting:
        service = pick.choice(sorted(CHANGES))
        other = 3 - sim.eye.row(IN_FORCE, service)[0]
        actor = pick.choice((office.staff["qian"], office.staff["lin"], office.staff["li"]))
        said = sim.carry_out(lambda: proposing.propose_back(office.rt, actor, service, other, now=office.now))
        _may(said, f"{actor.id} proposes {service} {other}", allowed=actor.id != "li")
        return
    id, service, by = waiting[0]
    actor = pick.choice((office.staff["qian"], office.staff["lin"], office.staff["boss"], office.staff["li"]))
    before = sim.eye.row(IN_FORCE, service)[0]
    said = sim.carry_out(lambda: proposing.approve(office.rt, actor, id, now=office.now))
    _may(said, f"{actor.id} decides about {service}", allowed=actor.id not in ("li", by))
    after = sim.eye.rows(IN_FORCE, service)
    decided = not sim.eye.rows(OPEN)
    if [row[0] for row in after] != [3 - before if decided else before]:
        raise Broken("I2", f"{service}: version {before} was in force, decided: {decided}, now {after}")
    office.take_in_force()
    if office.definitions.current(service).sha != office.shas[service][after[0][0] - 1]:
        raise Broken("I2", f"{service}: another version than {after[0][0]} is in force here")


def migrate(sim: Sim) -> None:
    """Running cases move, as the rehearsal said; those that cannot stay, with the same reasons."""
    pick, office = sim.random, sim.office
    service, back = pick.choice(sorted(CHANGES)), pick.random() < 0.4
    actor = office.staff["li"] if pick.random() < 0.1 else office.staff["qian"]
    numbers = (2, 1) if back else (1, 2)
    made = migrating.route(office.rt, service, *numbers, CHANGES[service].map(service, back))
    wanted = [_told(m) for m in migrating.dry_run(office.rt, made, now=office.now)]
    before = {id: (sim.case(id).sha, sim.case(id).seq) for id in sim.live}
    said = sim.carry_out(lambda: list(migrating.migrate(office.rt, actor, made, now=office.now)))
    moved = {case.number for case in sim.settle() if case.sha == made.new}
    sim.note(f"{service} {numbers}: {said.outcome} {said.hit} {len(moved)} of {len(wanted)} moved")
    sim.count["migrated"] += len(moved)
    sim.count["not migrated"] += len(wanted) - len(moved)
    _may(said, f"{actor.id} moves cases of {service}", allowed=actor.id != "li")
    movable = {number for number, reasons in wanted if not reasons}
    if moved - movable:
        raise Broken("I2", f"{moved - movable} moved, and the rehearsal said that they would not")
    if said.outcome == "done" and not said.hit:
        told = [_told(m) for m in cast("Sequence[Any]", said.applied)]
        if told != wanted or moved != movable:
            raise Broken("I2", f"the rehearsal said {wanted}, it came to {told}, {moved} moved")
    for id, (sha, seq) in before.items():
        if sha == made.old and sim.case(id).number not in moved and sim.case(id).seq != seq and not sim.nested:
            raise Broken("I10", f"{sim.case(id).number} did not move, and something happened to it")


def _told(moved: Any) -> tuple[str, list[tuple[str, Any]]]:
    return moved.number, [(r.code, sorted(map(str, r.facts.items()))) for r in moved.reasons]


def _may(said: Said, what: str, *, allowed: bool) -> None:
    refused = said.outcome == "refused" and isinstance(said.error, Forbidden)
    if said.outcome == "done" and not allowed:
        raise Broken("I4", f"{what}, and was let")
    if said.outcome == "refused" and (allowed or not refused):
        raise Broken("I6", f"{what}: {said.error!r}")

"""Looks at everything at once: nothing that was acknowledged is lost or doubled, the product's own recount agrees, what
was tampered with is found, queues drain."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from govservice.engine import load_state, rebuild, recount
from govservice.engine.chain import Link, verify
from govservice.engine.store import Store
from govservice.errors import PortalError, Tampered
from govservice.exchange.snapshot import latest_snapshot, verify_snapshot
from tests.sim import figures
from tests.sim.tables import Broken
from tests.sim.world import Sim


def look(sim: Sim, machinery: Any, everything: bool = False) -> None:
    eye = sim.eye
    counts = {
        "case_events": sim.events, "commands": sim.batches, "cases": len(sim.accounts),
    }  # fmt: skip
    for table, wanted in counts.items():
        have = eye.row(f"SELECT count(*) FROM {table}")[0]
        if have != wanted and not (table == "commands" and have > wanted):
            raise Broken("I3", f"{table} has {have} rows, there should be {wanted}")
    for (actor, idem), told in list(sim.acks.items())[-200 if not everything else 0 :]:
        row = eye.row("SELECT case_id FROM commands WHERE actor = ? AND idem = ?", actor, idem)
        if row is None or row[0] != told[0]:
            raise Broken("I1", f"{actor} {idem} was acknowledged and is gone")
    ids = list(sim.accounts)
    for id in sim.random.sample(ids, min(60 if everything else 4, len(ids))):
        recounted(sim, id)
    for id, sha in list(sim.receipts.items())[-5 if not everything else 0 :]:
        sealed(sim, id, sha)
    figures.recount(sim)
    if ids:
        tampered(sim, sim.random.choice(ids))


def recounted(sim: Sim, id: str) -> None:
    office = sim.office
    with office.database.read() as session:
        try:
            wrong = recount(session, id, office.definitions, office.calendars)
            same = rebuild(session, id) == load_state(session, id)
        except PortalError as error:
            raise Broken("I4", f"{error} {error.facts}") from error
        if wrong or not same:
            raise Broken("I9", wrong[0] if wrong else "the kept state is not the fold")


def sealed(sim: Sim, id: str, sha: str) -> None:
    with sim.office.database.read() as session:
        first = latest_snapshot(session, id)
        try:
            verify_snapshot(session, first)
        except PortalError as error:
            raise Broken("I1", str(error)) from error
        if first.sha256 != sha:
            raise Broken("I1", "what was sent is not what the receipt says")


def tampered(sim: Sim, id: str) -> None:
    """A row that was changed, dropped or put elsewhere is found, and at its place."""
    with sim.office.database.read() as session:
        rows = list(Store(session).links(id))
        head, last = sim.accounts[id].head, sim.case(id).seq
    pick = sim.random
    n = pick.randrange(len(rows))
    link, prev, digest = rows[n]
    how = pick.choice(("data", "at", "actor", "drop", "swap", "tail"))
    forged: Link = link
    if how == "data":
        forged = link._replace(data=link.data[:-1] + " }")
    elif how == "at":
        forged = link._replace(at=link.at.replace("Z", "0Z"))
    elif how == "actor":
        forged = link._replace(actor=link.actor + "x")
    changed = [*rows[:n], (forged, prev, digest), *rows[n + 1 :]]
    if how == "drop":
        changed = [*rows[:n], *rows[n + 1 :]]
    elif how == "swap":
        changed = [*rows[:n], *rows[n + 1 : n + 2], rows[n], *rows[n + 2 :]]
    elif how == "tail":
        changed = rows[:-1]
    if changed == rows:
        return
    try:
        verify(changed, head, last)
    except Tampered:
        return
    raise Broken("I4", f"a row was tampered with ({how}) and nobody saw it")


def drain(sim: Sim, machinery: Any) -> None:
    """The outbox empties within a bounded number of rounds, however the tries are spread over the days."""
    office, till = sim.office, sim.office.provider
    machinery.hands = {"w1": [], "w2": []}
    for _ in range(400):
        machinery.timers()
        while till.post:
            machinery._hear(till.headers(till.post[0], office.now.timestamp()), till.post.pop(0))
            sim.settle()
        for _ in range(40):
            if not machinery.claim("w1"):
                break
            for effect in list(machinery.hands["w1"]):
                machinery.hands["w1"].remove(effect)
                machinery.deliver("w1", effect)
        if not sim.eye.row("SELECT count(*) FROM outbox WHERE done_at IS NULL")[0]:
            return
        sim.pass_by(timedelta(hours=2))
    left = sim.eye.rows("SELECT topic, attempts, last_error FROM outbox WHERE done_at IS NULL LIMIT 5")
    raise Broken("I11", f"the outbox does not drain: {left}")


def at_the_end(sim: Sim, machinery: Any) -> None:
    """Money and documents at rest."""
    for id in sim.accounts:
        case = sim.case(id)
        if sim.rules.of(case).service.output is not None:
            machinery.documents(id)
        if case.parent is not None:
            machinery.reported(id)
    till = sim.office.provider
    for order, held in till.orders.items():
        row = sim.eye.row("SELECT case_id, status FROM payments WHERE id = ?", order)
        if row is None:
            raise Broken("I5", "the provider has an order that the portal forgot")
        case = sim.case(row[0])
        if case.status == "closed" and case.outcome not in ("granted", "refused") and held["past"][-1] == "paid":
            raise Broken("I5", f"the case was {case.outcome} and its fee stays with us")
    machinery.books()


def digest(sim: Sim) -> str:
    """One hash over all heads: a replay of the same seed gives the same."""
    heads = "".join(sim.accounts[id].head for id in sorted(sim.accounts))
    return hashlib.sha256(heads.encode()).hexdigest()[:16]

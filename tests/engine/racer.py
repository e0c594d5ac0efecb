"""What each process of the barrier test runs: one branch of every case, at the same moment as the others.

`unsafe` takes every guard away that keeps siblings apart (the lock, the compare-and-set, the keys of events): the
control that must get stuck, or the test would prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Any

from govservice.engine import Actor, Command, apply_retrying, store_sql
from govservice.engine.store import Held, Store
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.engine.world import CALENDARS, MONDAY, SHIPPED

KEYRING = Keyring({"test1": bytes(range(32))}, bytes(range(32, 64)))


def finish(url: str, cases: Sequence[str], actor: Actor, token: int, barrier: Barrier, unsafe: bool) -> None:
    """Passes one branch of each case; all processes start each case together."""
    database = Database(make_engine(url, synchronous="OFF"), KEYRING)
    if unsafe:
        unguard(barrier)
    for case_id in cases:
        command = Command(
            case_id=case_id, trigger="pass", idem=f"{actor.id}:{case_id}", now=MONDAY, actor=actor, token_id=token
        )
        barrier.wait(60)
        apply_retrying(database, command, SHIPPED, CALENDARS, tries=8)
    database.engine.dispose()


def unguard(barrier: Barrier) -> None:
    """A naive engine: reads without a lock, lets the others read too, then writes over whatever is there."""
    ignoring = " ON CONFLICT DO NOTHING"
    held = Store.hold

    def hold(self: Store, case_id: str, actor: str, idem: str, *, lock: bool = True) -> Held:
        found = held(self, case_id, actor, idem, lock=False)
        self.cursor.execute("COMMIT")
        barrier.wait(60)
        self.cursor.execute("BEGIN" if self.pg else "BEGIN IMMEDIATE")
        return found

    events = store_sql._pg_insert
    patches: dict[str, Any] = {
        "_pg_insert": lambda table: events(table) + (ignoring if table == "events" else ""),
        "PG_MOVE": store_sql.PG_MOVE.replace("AND cases.version = %s", "AND %s > 0"),
        "LITE_MOVE": store_sql.LITE_MOVE.replace("AND version = ?", "AND ? > 0"),
        "LITE_WRITE": {
            table: statement + (ignoring if table == "events" else "")
            for table, statement in store_sql.LITE_WRITE.items()
        },
    }
    for name, value in patches.items():
        setattr(store_sql, name, value)
    Store.hold = hold  # type: ignore[method-assign]

"""The log of exchanges as operators see it: checked as a whole, sealed every minute, its seals copied out."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.exc import IntegrityError

from govservice.exchange import seals
from govservice.exchange.seals import LogReport
from govservice.exchange.snapshot import verify_snapshots
from govservice.operations.runtime import Runtime


def verify_log(rt: Runtime, exported: Iterable[str] = ()) -> LogReport:
    """Reads every row and every seal. Faults are listed, not raised. `exported`: seals that were kept elsewhere."""
    with rt.read() as session:
        return seals.verify(session, rt.keyring.signer, exported)


def verify_sent(rt: Runtime) -> tuple[int, list[str]]:
    """Checks every snapshot of what was sent and decided on: how many there are, and what does not agree."""
    with rt.read() as session:
        return verify_snapshots(session)


def keep_seal(rt: Runtime) -> bool:
    """The worker's part: seals what has been logged since the last seal, under the machine's time. Whether it did.

    Two workers at once: one writes, the other finds it there.
    """
    with rt.read() as session:
        if not seals.due(session):
            return False
    try:
        with rt.write() as session:
            return seals.seal(session, rt.keyring.signer, rt.wall.now()) is not None
    except IntegrityError:
        return False


def seals_from(rt: Runtime, number: int) -> list[str]:
    """The seals from `number` on, oldest first, as they are to be kept elsewhere."""
    with rt.read() as session:
        return list(seals.seals(session, number))

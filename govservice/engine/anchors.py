"""Daily anchors: the Merkle root over the heads of all chains. A cut tail or a deleted case leaves its chain intact,
but not the root; the operator keeps the roots outside the database.

What a root covers is written beside it (`anchor_heads`: the heads that moved since the day before), not found again by
times: transactions that were under way, or clocks of several machines, would make a clean record look changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, insert, or_, select
from sqlalchemy.orm import Session

from govservice.engine.merkle import Tree
from govservice.engine.store import WALL
from govservice.errors import NotAllowed
from govservice.models.cases import Anchor, AnchorHead, Case, CaseEvent

CHUNK = 5_000  # rows of one INSERT


class AnchorFault(NamedTuple):
    """A day's root that does not hold. `case_id`, `seq`: the first event that it covered and that is not there."""

    day: date
    what: str
    case_id: str | None = None
    seq: int | None = None


def anchor(session: Session, day: date) -> Anchor:
    """Writes the anchor of a day, once; the caller commits. The same day again returns what is there.

    Raises NotAllowed for a day before the last one kept.
    """
    existing = session.get(Anchor, day)
    if existing is not None:
        return existing
    last = session.scalar(select(func.max(Anchor.day)))
    if last is not None and last > day:
        raise NotAllowed(day=day.isoformat(), last=last.isoformat())
    kept = _standing(session)
    found = {row.id: (row.last_seq, row.head) for row in session.execute(select(Case.id, Case.last_seq, Case.head))}
    moved = [
        {"case_id": id, "day": day, "seq": seq, "hash": head}
        for id, (seq, head) in found.items()
        if kept.get(id) != (seq, head)
    ]
    for at in range(0, len(moved), CHUNK):
        session.execute(insert(AnchorHead), moved[at : at + CHUNK])
    heads = {id: head for id, (_, head) in {**kept, **found}.items()}
    made = Anchor(day=day, merkle_root=Tree(heads.items()).root, n_cases=len(heads), at=WALL.now())
    session.add(made)
    session.flush()
    return made


def faults_of_anchors(session: Session) -> Iterator[AnchorFault]:
    """Every root that its leaves no longer give, then every leaf whose event is another one or gone."""
    tree, before = Tree(), date.min
    for kept in session.scalars(select(Anchor).order_by(Anchor.day)):
        moved = select(AnchorHead.case_id, AnchorHead.hash).where(AnchorHead.day > before, AnchorHead.day <= kept.day)
        tree.put((row.case_id, row.hash) for row in session.execute(moved))
        before = kept.day
        if (tree.root, len(tree)) != (kept.merkle_root, kept.n_cases):
            yield AnchorFault(kept.day, f"the root of {kept.day.isoformat()} differs: {kept.n_cases} cases were kept")
    yield from _uncovered(session)


def verify_anchor(session: Session, day: date) -> bool:
    """Whether the events still give the root that was written for a day. Raises LookupError where there is none."""
    if session.get(Anchor, day) is None:
        raise LookupError(day.isoformat())
    return all(fault.day > day for fault in faults_of_anchors(session))


def differing(session: Session, exported: Mapping[date, str]) -> Iterator[AnchorFault]:
    """Days whose root outside is not the one that the database holds: whoever changed the records changed it too."""
    kept = {row.day: row.merkle_root for row in session.scalars(select(Anchor))}
    for day, root in sorted(exported.items()):
        if kept.get(day) != root:
            how = "is not the one that was kept outside" if day in kept else "was kept outside and is missing"
            yield AnchorFault(day, f"the root of {day.isoformat()} {how}")


def _standing(session: Session) -> dict[str, tuple[int, str]]:
    """Where the last root found each chain."""
    last = select(AnchorHead.case_id, func.max(AnchorHead.day).label("day")).group_by(AnchorHead.case_id).subquery()
    query = select(AnchorHead.case_id, AnchorHead.seq, AnchorHead.hash).join(
        last, (AnchorHead.case_id == last.c.case_id) & (AnchorHead.day == last.c.day)
    )
    return {row.case_id: (row.seq, row.hash) for row in session.execute(query)}


def _uncovered(session: Session) -> Iterator[AnchorFault]:
    query = (
        select(AnchorHead)
        .outerjoin(CaseEvent, (CaseEvent.case_id == AnchorHead.case_id) & (CaseEvent.seq == AnchorHead.seq))
        .where(or_(CaseEvent.hash.is_(None), CaseEvent.hash != AnchorHead.hash))
        .order_by(AnchorHead.day, AnchorHead.case_id)
    )
    seen: set[str] = set()
    for leaf in session.scalars(query):
        if leaf.case_id not in seen:
            seen.add(leaf.case_id)
            what = f"the root of {leaf.day.isoformat()} covers event {leaf.seq}, which is another one or gone"
            yield AnchorFault(leaf.day, what, leaf.case_id, leaf.seq)

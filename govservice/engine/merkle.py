"""The Merkle tree over the heads of all chains, kept so that a day's few changes cost few hashes.

RFC 6962's way: leaves and nodes are hashed apart; a node without a neighbour goes up as it is. Leaves are sorted by
the case's id; ids of new cases come last, so that adding them moves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

EMPTY = hashlib.sha256(b"").hexdigest()


def leaf(case_id: str, head: str) -> bytes:
    return hashlib.sha256(b"\0" + f"{case_id}:{head}".encode()).digest()


class Tree:
    """`put` heads, ask for the `root`."""

    def __init__(self, heads: Iterable[tuple[str, str]] = ()) -> None:
        self.ids: list[str] = []
        self._at: dict[str, int] = {}
        self.levels: list[list[bytes]] = [[]]
        self.put(heads)

    def __len__(self) -> int:
        return len(self.ids)

    def put(self, heads: Iterable[tuple[str, str]]) -> None:
        """Adds or replaces the heads of these cases."""
        given = dict(heads)
        new = sorted(given.keys() - self._at.keys())
        if new and self.ids and new[0] < self.ids[-1]:  # in between: every place behind it moves
            leaves = dict(zip(self.ids, self.levels[0], strict=True))
            self.ids = sorted([*self.ids, *new])
            self._at = {id: at for at, id in enumerate(self.ids)}
            self.levels = [[leaves.get(id, b"") for id in self.ids]]
            touched = set(range(len(self.ids)))
        else:
            self._at.update((id, at) for at, id in enumerate(new, start=len(self.ids)))
            self.ids += new
            self.levels[0] += [b""] * len(new)
            touched = {self._at[id] for id in given}
        for id, head in given.items():
            self.levels[0][self._at[id]] = leaf(id, head)
        self._climb(touched)

    def _climb(self, touched: set[int]) -> None:
        """Hashes anew what stands above the leaves that changed."""
        height = 0
        while len(below := self.levels[height]) > 1:
            height += 1
            if height == len(self.levels):
                self.levels.append([])
            level = self.levels[height]
            level += [b""] * ((len(below) + 1) // 2 - len(level))
            touched = {at // 2 for at in touched}
            for at in touched:
                pair = below[2 * at : 2 * at + 2]
                level[at] = hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0]

    @property
    def root(self) -> str:
        return self.levels[-1][0].hex() if self.ids else EMPTY

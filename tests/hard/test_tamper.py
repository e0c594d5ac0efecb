"""A few of the changes that `make tamper` makes by the ten thousand (docs/durability.md)."""

from __future__ import annotations

from random import Random

from govservice.models.session import Database
from tests.hard import log_tamper
from tests.hard.tamper import population, tampered


def test_random_edits_deletions_insertions_and_swaps_are_all_found_and_located(database: Database) -> None:
    """`flask audit verify` checks all chains and the daily anchors, names the first wrong row; random edits, deletions,
    insertions, swaps: all found and located; no false alarm."""
    tally = tampered(population(database, 16), Random(7), 150)
    assert sum(tally.made.values()) == 150
    assert len(tally.made) > 30
    assert (tally.missed, tally.misplaced, tally.alarms) == ([], [], 0)


def test_changes_of_the_log_of_exchanges_are_all_found_and_located(database: Database) -> None:
    """Edits of every column, deletions, insertions, swaps, chains rewritten to their head, ends cut off together with
    the seals that know them: found where they were made, with the seals that were kept elsewhere; no false alarm."""
    tally = log_tamper.tampered(database, log_tamper.population(database, 60), Random(7), 150)
    assert sum(tally.made.values()) == 150
    assert len(tally.made) > 20
    assert (tally.missed, tally.misplaced, tally.alarms) == ([], [], 0)

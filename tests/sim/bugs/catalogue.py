"""All bugs."""

from __future__ import annotations

from tests.sim.bugs import around, engine, time_and_law

BUGS = (*engine.BUGS, *time_and_law.BUGS, *around.BUGS)

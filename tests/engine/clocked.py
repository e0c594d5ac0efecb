"""A service with every kind of clock, for the tests of clocks."""

from __future__ import annotations

from datetime import timedelta

DAY = timedelta(days=1)

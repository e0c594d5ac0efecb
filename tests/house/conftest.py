"""Fixtures of the house tests."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from govservice import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged during the test; the machine's logging is put back afterwards."""
    root = logging.getLogger()
    before, level, configured = root.handlers[:], root.level, structlog.get_config()
    stream = io.StringIO()
    logs.configure("INFO", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    logs.clear()
    structlog.configure(**configured)

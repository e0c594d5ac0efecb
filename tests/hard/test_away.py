"""A database that is away for a while takes the portal with it for that while, and no longer."""

from __future__ import annotations

import os
import signal
import time
import urllib.request

import pytest

from tests.hard.rig import rigged

WAITS = "start.waits_for_database"


@pytest.mark.slow
@pytest.mark.postgres
def test_a_worker_that_is_started_anew_while_the_database_is_away_waits_for_it() -> None:
    """gunicorn stops for good when a worker fails to boot: one restart of the database must not do that."""
    with rigged("postgresql", applicants=0) as rig:
        rig.server.stop()
        for pid in rig.web_workers():
            os.kill(pid, signal.SIGKILL)
        log, until = rig.server.folder / "web.log", time.monotonic() + 60
        while WAITS not in log.read_text() and time.monotonic() < until and rig.master.poll() is None:
            time.sleep(0.1)
        assert rig.master.poll() is None, "the whole server ended"
        assert WAITS in log.read_text()
        rig.server.start()
        rig.await_web()
        with urllib.request.urlopen(f"{rig.url}/sign-in", timeout=10) as answer:
            assert answer.status == 200
        assert rig.traces() == []

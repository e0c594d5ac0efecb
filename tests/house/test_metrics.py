"""Several gunicorn workers with right metrics: `/metrics` adds up, whoever answers and whoever has died."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT
from tests.support.portal import free_port

ASKED = re.compile(r'portal_requests_total\{endpoint="health.healthz",method="GET",status="200"\} (\d+)')
COUNT = re.compile(r'portal_request_seconds_count\{endpoint="health.healthz"\} (\d+)')


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def _answers(url: str) -> bool:
    try:
        get(url)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def served(sqlite_url: str, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """A portal with two workers: its URL, the master, and where the figures of the workers lie."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "GOVSERVICE_MODE": "demo", "VAR_DIR": str(tmp_path),
        "DATABASE_URL": sqlite_url, "PORT": str(port), "WEB_CONCURRENCY": "2", "WORKER": "external",
        "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
    with (tmp_path / "web.log").open("wb") as log:
        master = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}", master, tmp_path / f"metrics-{port}"
    finally:
        master.terminate()
        master.wait(30)


def test_the_figures_of_two_workers_add_up(served: tuple[str, subprocess.Popen[bytes], Path]) -> None:
    url, master, figures = served
    asked, until = 0, time.monotonic() + 120
    while not _answers(f"{url}/about"):  # any page but the one that is counted
        assert time.monotonic() < until, "it does not answer"
        time.sleep(0.1)
    while len(list(figures.glob("counter_*.db"))) < 2 or asked < 40:
        assert time.monotonic() < until, "both workers never answered"
        get(f"{url}/healthz")
        asked += 1

    def told() -> list[int]:
        page = get(f"{url}/metrics")
        return [int(float(found.group(1))) for found in (ASKED.search(page), COUNT.search(page)) if found]

    assert [told() for _ in range(5)] == [[asked, asked]] * 5, "whichever worker is asked"
    workers = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    time.sleep(0.2)
    get(f"{url}/healthz")
    assert told() == [asked + 1] * 2, "what a dead worker had answered stays counted"

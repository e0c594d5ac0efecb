"""`make run`: a portal that answers, says where, and leaves nothing behind; a taken port is said clearly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request

import psutil
import pytest

from config import ROOT
from tests.support.portal import Portal, running


@pytest.mark.slow
def test_the_portal_starts_answers_and_stops(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("run"), cases=5) as started:
        for path in ("/healthz", "/readyz", "/metrics", "/"):
            with urllib.request.urlopen(started.url + path, timeout=10) as answer:
                assert answer.status == 200, path
        said = started.output.read_text()
        assert "wang.fang" in said
        assert started.url in said
        assert own_processes(started)
    assert own_processes(started) == []


def own_processes(started: Portal) -> list[str]:
    """Command lines of processes that still serve on this portal's ports."""
    found = []
    for process in psutil.process_iter(["environ", "cmdline"]):
        environ = process.info["environ"] or {}
        if environ.get("VAR_DIR") == started.environ["VAR_DIR"]:
            found.append(" ".join(process.info["cmdline"] or []))
    return found


def test_a_taken_port_is_said_clearly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "scripts/run.py"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr
    assert "PORT=" in done.stderr

"""A whole running portal for tests in a browser: what `make run` starts, on free ports, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import ROOT

PATIENCE = 180.0  # seconds until the portal must be up, demonstration data included


@dataclass(frozen=True)
class Portal:
    """`url` of the portal, the environment of its processes, and the file with what they printed."""

    url: str
    environ: dict[str, str]
    output: Path

    def flask(self, *arguments: str) -> str:
        """Runs `flask ...` on the portal's database; its output. Raises CalledProcessError when it fails."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=True).stdout


@contextmanager
def running(folder: Path, cases: int = 40, **environ: str) -> Iterator[Portal]:
    """Starts the launcher, waits for its announcement, stops it with SIGTERM and checks that it ended well."""
    port, sandbox_port, payment_port = free_port(), free_port(), free_port()
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOVSERVICE_MODE": "demo",
        "VAR_DIR": str(folder),
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
        "PAYMENT_SANDBOX_PORT": str(payment_port),
        "PAYMENT_URL": f"http://127.0.0.1:{payment_port}",
        "BASE_URL": f"http://localhost:{port}",
        "CASES": str(cases),
        "WEB_CONCURRENCY": "1",
        **environ,
    }
    output = folder / "run.log"
    with output.open("w") as log:
        command = [sys.executable, "scripts/run.py"]
        launcher = subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=log)
    try:
        _await(launcher, output)
        yield Portal(given["BASE_URL"], given, output)
    finally:
        launcher.send_signal(signal.SIGTERM)
        code = launcher.wait(60)
    assert code == 0, output.read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(launcher: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = output.read_text()
        if "The portal is ready" in said:
            return
        assert launcher.poll() is None, f"the launcher ended:\n{said}"
        time.sleep(0.2)
    raise AssertionError(f"not ready after {PATIENCE:.0f} seconds:\n{output.read_text()}")

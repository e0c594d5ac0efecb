"""The whole portal as real processes on a real database, for runs in which they are killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from config import ROOT, from_env
from govservice.operations.demo_cast import load_cast
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from govservice.operations.startup import open_runtime
from tests.hard.ledger import Ledger
from tests.hard.servers import Server, serving
from tests.support.portal import free_port

TRACE = re.compile(r"Traceback|\"event\": ?\"(unknown|http)\.fault\"")


@dataclass
class Rig:
    server: Server
    environ: dict[str, str]
    rt: Runtime
    url: str
    ledger: Path
    book: Ledger
    ending: threading.Event = field(default_factory=threading.Event)
    master: subprocess.Popen[bytes] = field(init=False)
    worker: subprocess.Popen[bytes] = field(init=False)
    applicants: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, applicants: int) -> None:
        self.master = self._process("web", "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app")
        self.worker = self._worker()
        self.applicants = [self._applicant() for _ in range(applicants)]
        self.await_web()

    def _process(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.server.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._process("worker", "-m", "flask", "--app", "wsgi", "worker")

    def _applicant(self) -> subprocess.Popen[bytes]:
        return self._process("applicant", "-m", "tests.hard.applicant", str(self.ledger))

    def mend(self) -> None:
        """Whoever was killed is started again, as a supervisor of processes does; gunicorn sees to its own workers."""
        if self.worker.poll() is not None:
            self.worker = self._worker()
        self.applicants = [p if p.poll() is None else self._applicant() for p in self.applicants]

    def web_workers(self) -> list[int]:
        """Processes that answer pages; waits until there is one."""
        path = Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        for _ in range(400):
            if found := [int(pid) for pid in path.read_text().split()]:
                return found
            time.sleep(0.02)
        raise AssertionError("the web server has no workers")

    def await_web(self, patience: float = 60) -> None:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.server.folder / "web.log").read_text()[-3000:])

    def await_database(self, patience: float = 30) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                with self.rt.read() as session:
                    session.execute(text("SELECT 1"))
                return
            except Exception:  # it recovers; what it says meanwhile is of many types
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def stop_load(self) -> None:
        for process in (*self.applicants, self.worker):
            process.kill()
            process.wait()

    def stop(self) -> None:
        self.stop_load()
        self.master.terminate()
        try:
            self.master.wait(20)
        except subprocess.TimeoutExpired:
            self.master.kill()
            self.master.wait()

    def traces(self) -> list[str]:
        """Lines of the web server's log that no fault of the database explains."""
        log = (self.server.folder / "web.log").read_text(errors="replace")
        return [line[:300] for line in log.splitlines() if TRACE.search(line)]


@contextmanager
def rigged(kind: str, applicants: int = 2) -> Iterator[Rig]:
    """A portal with the cast, two web workers, a worker and applicants, all stopped at the end."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(kind))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(server.folder), "GOVSERVICE_MODE": "demo", "CLOCK": "wall",
            "VAR_DIR": str(server.folder), "DATABASE_URL": server.url, "PORT": str(port), "BASE_URL": url,
            "WORKER": "external", "WEB_CONCURRENCY": "2", "WEB_THREADS": "3", "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        rt = open_runtime(from_env(environ))
        stack.callback(rt.database.engine.dispose)
        stack.callback(rt.gateway.close)
        now = rt.now()
        publish_all(rt, by="system", now=now)
        load_cast(rt, now=now)
        ledger = server.folder / "ledger"
        rig = Rig(server, environ, rt, url, ledger, Ledger(ledger))
        stack.callback(rig.book.close)
        rig.start(applicants)
        stack.callback(rig.stop)
        yield rig

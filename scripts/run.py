"""`make run`: the whole portal on one machine, from an empty folder to a page in the browser.

Embedded SQLite in `var/` (or DATABASE_URL), migrations, definitions, demonstration data; then the registry sandbox
and the portal as processes of their own, stopped by their process ids on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds until a server must answer
LAST_LINES = 30  # of a server's log, shown when it fails
GRACE = 20.0  # seconds a child has to stop by itself
CAST = (
    ("wang.fang", "citizen, owns an enterprise"),
    ("chen.wei", "citizen, agent with a mandate"),
    ("liu.yang", "citizen"),
    ("li.na", "window clerk"),
    ("zhang.qiang, wu.gang", "food examiners"),
    ("zhou.jie", "fire inspector"),
    ("sun.min", "signage officer"),
    ("he.tao", "deputy director"),
    ("zhao.lei", "supervisor"),
    ("qian.yu", "designer of services"),
    ("ma.jun", "food examiner of another district"),
    ("gu.wen", "data steward of the Population Register"),
    ("luo.lan, an.ning", "head of a bureau that asks for shared data; data sharing desk"),
)
PASSWORD = "guiyang-demo"  # noqa: S105 - of the demonstration's accounts, which production refuses to start with


class Stop(Exception):
    """Ctrl-C or SIGTERM."""


class Failure(Exception):
    """The start cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Child:
    """A server process and the file that takes what it prints."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Returns the exit code: 0 after a stop that was asked for, 1 when something failed."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    began = time.monotonic()
    children: list[Child] = []
    try:
        environ = environment()
        host, port = environ["HOST"], int(environ["PORT"])
        prepare("Database", environ, "database", "upgrade")
        sandbox = flask_command("registry-sandbox", "--port", environ["SANDBOX_PORT"])
        children.append(start("registry-sandbox", sandbox, environ))
        payments = flask_command("payment-sandbox", "--port", environ["PAYMENT_SANDBOX_PORT"])
        children.append(start("payment-sandbox", payments, environ))
        prepare("Demonstration", environ, "demo", "load", "--cases", environ.get("CASES", "2000"))
        say("== Portal")
        portal = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
        children.append(start("portal", portal, environ))
        await_answer(f"http://{host}:{port}/readyz", children)
        announce(environ, time.monotonic() - began)
        return watch(children)
    except Stop:
        say("\nStopping ...")
        return 0
    except Failure as failure:
        print(f"\nmake run: {failure}", file=sys.stderr, flush=True)
        return 1
    finally:
        stop_all(children)


def environment() -> dict[str, str]:
    """The environment of the children: demo mode, addresses that fit. Raises Failure for a taken port."""
    environ = {key: value for key, value in os.environ.items() if value}
    environ["GOVSERVICE_MODE"] = "demo"
    host = environ.setdefault("HOST", "127.0.0.1")  # the demo's passwords are public: this machine only
    given = environ.setdefault("PORT", "8000")
    port = int(given) if given.isascii() and given.isdigit() else 0
    if not 0 < port < 65536:
        raise Failure(f"PORT={given} is not a port number")
    if not is_free(host, port):
        raise Failure(f"port {port} is taken by another program. Choose another one: make run PORT={port + 10}")
    if "SANDBOX_PORT" not in environ:
        environ["SANDBOX_PORT"] = str(free_port(host, port + 1))
    if "PAYMENT_SANDBOX_PORT" not in environ:
        environ["PAYMENT_SANDBOX_PORT"] = str(free_port(host, int(environ["SANDBOX_PORT"]) + 1))
    environ.setdefault("BASE_URL", f"http://{'localhost' if host == '127.0.0.1' else host}:{port}")
    environ.setdefault("SANDBOX_URL", f"http://127.0.0.1:{environ['SANDBOX_PORT']}")
    environ.setdefault("PAYMENT_URL", f"http://127.0.0.1:{environ['PAYMENT_SANDBOX_PORT']}")
    return environ


def prepare(title: str, environ: dict[str, str], *arguments: str) -> None:
    """Runs one `flask` command to its end; each may be run again on a portal that has what it makes."""
    say(f"== {title}")
    quiet = {"LOG_LEVEL": "WARNING", **environ}  # lines for machines would stand between those for people
    done = subprocess.run(flask_command(*arguments), cwd=ROOT, env=quiet, check=False)
    if done.returncode != 0:
        raise Failure(f"'flask {' '.join(arguments)}' failed (exit {done.returncode}); what is wrong is said above")


def flask_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


def start(name: str, command: list[str], environ: dict[str, str]) -> Child:
    """A child in a session of its own: Ctrl-C reaches the launcher alone, which then stops the children in order."""
    path = ROOT / environ.get("VAR_DIR", "var") / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    return Child(name, process, path)


def await_answer(url: str, children: list[Child]) -> None:
    """Waits until `url` answers 200. Raises Failure when a child ends or patience does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        fail_if_ended(children)
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    words = "\n".join(f"{child.name}:\n{child.last_words()}" for child in children)
    raise Failure(f"{url} did not answer within {PATIENCE:.0f} seconds. The servers' last words:\n{words}")


def fail_if_ended(children: list[Child]) -> None:
    for child in children:
        if child.process.poll() is not None:
            code = child.process.returncode
            raise Failure(f"the {child.name} ended by itself (exit {code}). Its last words:\n{child.last_words()}")


def watch(children: list[Child]) -> int:
    """Stays until told to stop, or until a child ends."""
    while True:
        fail_if_ended(children)
        time.sleep(0.5)


def stop_all(children: list[Child]) -> None:
    """The portal first, then what it asks; a child that does not stop in time is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in (child.process for child in reversed(children)):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, first: int) -> int:
    """The first free port from `first` on. Raises Failure when a hundred are taken."""
    for port in range(first, first + 100):
        if is_free(host, port):
            return port
    raise Failure(
        f"no free port between {first} and {first + 99} for a sandbox; set SANDBOX_PORT and PAYMENT_SANDBOX_PORT"
    )


def announce(environ: dict[str, str], seconds: float) -> None:
    say(f"\nThe portal is ready after {seconds:.0f} seconds:  {environ['BASE_URL']}")
    say(f"Sign in with one of these names and the password  {PASSWORD}\n")
    for name, what in CAST:
        say(f"  {name:<22} {what}")
    say("\nMove the simulated clock:  GOVSERVICE_MODE=demo .venv/bin/flask clock advance 5wd")
    say(f"What the servers say:  {environ.get('VAR_DIR', 'var')}/portal.log, registry-sandbox.log, payment-sandbox.log")
    say("Stop with Ctrl-C.")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    sys.exit(main())

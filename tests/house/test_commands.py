"""`flask ...`: the list of commands needs no portal; wrong settings end with code 2 and name every fault."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT
from govservice.cli import COMMANDS, command_app, load


def flask(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GOVSERVICE_MODE": "demo", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_explains_itself(name: str) -> None:
    done = command_app().test_cli_runner().invoke(args=[name, "--help"])
    assert done.exit_code == 0, done.output
    assert load(name).help
    assert "Usage:" in done.output


def test_every_module_of_commands_is_listed() -> None:
    found = {path.stem.replace("_", "-") for path in (ROOT / "govservice" / "commands").glob("[a-z]*.py")}
    assert found == set(COMMANDS)


def named_in_the_readme() -> str:
    """The commands as the README writes them in code: `flask users create`, `disable` are two of one group."""
    spans = re.findall(r"^\| (`.*?) \| ", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    return "\n".join(spans)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_every_command(name: str) -> None:
    assert re.search(rf"(?:flask |, `){name}\b", named_in_the_readme()), f"flask {name} is not in the README"


def test_the_readme_names_every_target_of_make() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)\b", (ROOT / "README.md").read_text("utf-8")))
    assert targets - {"help"} <= named


def test_the_help_imports_no_command() -> None:
    code = "import sys, govservice.cli as c; c.command_app(); print([m for m in sys.modules if 'sqlalchemy' in m])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wrong_settings_end_with_two_and_name_every_fault(tmp_path: Path) -> None:
    done = flask("database", "check", GOVSERVICE_MODE="production", VAR_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "SECRET_KEY: missing" in done.stderr
    assert "DATABASE_URL: missing" in done.stderr


def test_the_database_is_brought_to_the_newest_schema(tmp_path: Path) -> None:
    assert flask("database", "check", VAR_DIR=str(tmp_path)).returncode == 1
    assert flask("database", "upgrade", VAR_DIR=str(tmp_path)).returncode == 0
    assert flask("database", "upgrade", VAR_DIR=str(tmp_path)).returncode == 0
    assert flask("database", "check", VAR_DIR=str(tmp_path)).returncode == 0


FAILS = """
import sys, structlog
sys.argv = ["flask", {command!r}]
import wsgi
secret = "王芳"
try:
    raise ValueError(secret)
except ValueError:
    structlog.get_logger().exception("it failed", holder=secret)
"""


@pytest.mark.parametrize("command", ["demo", "run"])
def test_no_error_of_a_command_or_of_flask_run_tells_values(command: str, tmp_path: Path) -> None:
    """Unconfigured, structlog draws an error with every local value: personal data would stand in a console's log."""
    environ = {
        "PATH": os.environ["PATH"], "GOVSERVICE_MODE": "demo", "FLASK_RUN_FROM_CLI": "true", "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/portal.db",
    }  # fmt: skip
    if command == "run":
        assert flask("database", "upgrade", **environ).returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", FAILS.format(command=command)], cwd=ROOT, env=environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "it failed" in done.stderr
    assert "王芳" not in done.stdout + done.stderr

"""How Chromium is found and started."""

from __future__ import annotations

import os
import shutil
from typing import Any

QUIET = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--no-first-run",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Path of a Chromium already on the machine; None means the one that Playwright keeps."""
    given = os.environ.get("CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


def launch_args() -> dict[str, Any]:
    """Arguments for `browser_type.launch`."""
    found = chromium()
    args: dict[str, Any] = {"args": list(QUIET)}
    return args | ({"executable_path": found} if found else {})

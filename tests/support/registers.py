"""The admin door of the running registry sandbox: switching faults on and off."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.portal import Portal


def _faults(portal: Portal, method: str, body: Any = None) -> None:
    request = urllib.request.Request(
        f"{portal.environ['SANDBOX_URL']}/_admin/faults", method=method,
        data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


@contextmanager
def down(portal: Portal, registry: str, mode: str = "status_500") -> Iterator[None]:
    """Within the block the registry answers with this fault; afterwards all of them are well."""
    _faults(portal, "POST", {"registry": registry, "mode": mode})
    try:
        yield
    finally:
        _faults(portal, "DELETE")

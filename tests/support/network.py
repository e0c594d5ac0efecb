"""No test talks to the world: sockets may go to this machine only."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any


class NetworkForbidden(RuntimeError):
    """A test tried to reach another machine."""


def is_local(address: Any) -> bool:
    """Whether a socket address stays on this machine: a path, a loopback address or `localhost`."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    """`connect` or `connect_ex`, refusing every address that is not local."""

    def checked(self: socket.socket, address: Any) -> Any:
        if not is_local(address):
            raise NetworkForbidden(f"a test tried to connect to {address!r}")
        return connect(self, address)

    return checked

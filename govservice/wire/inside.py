"""Whether an address is this machine or its own link: no registry is there."""

from __future__ import annotations

import ipaddress
import socket


def is_inside(host: str) -> bool:
    """Whether a host is this machine, its link (169.254... is where clouds keep credentials) or no host at all. A name
    is not looked up: what it leads to is seen when a connection stands (`deadline.transport`)."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:  # 127.1, 0x7f.1 and 2130706433 are 127.0.0.1 to whoever connects
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, ValueError):
            return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast

"""The address that a request really came from.

A proxy writes the caller's address into X-Forwarded-For, but so may anybody: the header is read from its right end and
only as far as those who wrote it are trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


def find_client_ip(remote: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """The nearest address that is no trusted proxy; "" when the connection has none (a Unix socket).

    ``trusted`` are networks ("10.0.0.0/8"). A word in the header that is no address ends the search at the one before.
    """
    nearest = _normalised(remote)
    if not forwarded_for or not trusted:
        return nearest
    for text in reversed(forwarded_for.split(",")):
        if not is_within(nearest, tuple(trusted)):
            break
        before = _normalised(text.strip())
        if not before:
            break
        nearest = before
    return nearest


@lru_cache(maxsize=4096)
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; an empty one lies in none."""
    if not address:
        return False
    ip = ip_address(address)
    return any(ip in ip_network(network, strict=False) for network in networks)


@lru_cache(maxsize=4096)
def _normalised(text: str) -> str:
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else str(ip)

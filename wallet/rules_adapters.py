"""Rules of the adapters: amounts in an aggregator's units, token hashes, key fingerprints, allowed addresses."""

from __future__ import annotations

import hashlib
from ipaddress import ip_address, ip_network

from kernel.currencies import exponent
from kernel.money import MAX_AMOUNT_MINOR, InvalidAmount, Money

KEY_PURPOSE = "wallet.integration-key"
TOKEN_PURPOSE = "wallet.game-session"  # noqa: S105

MIN_SESSION_SECONDS = 60
MAX_SESSION_SECONDS = 24 * 3600


def hash_token(token: str) -> bytes:
    """What is kept of a token; it is random enough to need no salt."""
    return hashlib.sha256(token.encode()).digest()


def fingerprint(key: str) -> str:
    """The first 16 hexadecimal digits of the key's SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def from_units(units: int, scale: int, currency: str) -> Money:
    """An amount of ``scale`` units per major unit. Raises: InvalidAmount unless it is whole minor units."""
    minor, rest = divmod(units * 10 ** exponent(currency), scale)
    if rest or abs(minor) > MAX_AMOUNT_MINOR:
        raise InvalidAmount(f"{units} is not a whole number of {currency} minor units within what is allowed.")
    return Money(minor, currency)


def to_units(amount: Money, scale: int) -> int:
    """The amount in units of the aggregator, rounded down where its units are coarser than ours."""
    return amount.amount_minor * scale // 10 ** exponent(amount.currency)


def allows_ip(allowed: tuple[str, ...], address: str) -> bool:
    """Does the list of addresses and networks hold this address? An empty list holds them all."""
    if not allowed:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(entry, strict=False) for entry in allowed)


def is_network(text: str) -> bool:
    """Is this an address, or a network such as 203.0.113.0/24?"""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True

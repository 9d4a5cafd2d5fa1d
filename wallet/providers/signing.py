"""Signatures of webhooks, as Stripe and many after it make them: "t=<unix seconds>,v1=<hex>[,v1=<hex>]".

``v1`` is HMAC-SHA256 over "<t>.<raw body>". Several ``v1`` stand there while a secret is rotated; other schemes are
ignored. Source: Stripe's documentation, "Verify webhook signatures manually".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from wallet.ports import InvalidSignature

TOLERANCE_S = 300  # as in Stripe's own libraries


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The header's value."""
    moment = int(at.timestamp())
    return f"t={moment},v1={_digest(body, secret, str(moment))}"


def verify(body: bytes, header: str, secrets: Sequence[str], at: datetime) -> None:
    """Raises: InvalidSignature."""
    parts = [part.partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name.strip() == "t"]
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit() and len(moments[0]) <= 12):
        raise InvalidSignature("The signature's header has no timestamp.")
    wanted = [_digest(body, secret, moments[0]) for secret in secrets if secret]
    # All are compared, so that the time taken tells nothing.
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given]
    if not any(matches):
        raise InvalidSignature("The body was not signed with this endpoint's secret.")
    if abs(at.timestamp() - int(moments[0])) > TOLERANCE_S:
        raise InvalidSignature(f"The signature is more than {TOLERANCE_S} seconds old, or from the future.")


def _digest(body: bytes, secret: str, moment: str) -> str:
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()

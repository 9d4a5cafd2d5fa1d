"""Fees in plain Python: which rule applies, what it comes to, how it is divided and what of it is taken.

All rounding of fees is here. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from wallet.types_purses import FeeTerms

_BEGINNING = datetime.min.replace(tzinfo=UTC)


def round_fee(exact: Decimal) -> int:
    """To a whole minor unit, half up: what players know from bills."""
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def fee_of(terms: FeeTerms | None, amount_minor: int) -> int:
    """What the rule takes of an amount: percentage plus fixed part within its bounds, never more than the amount."""
    if terms is None:
        return 0
    fee = round_fee(amount_minor * terms.percent / 100) + terms.fixed_minor
    fee = max(fee, terms.least_minor)
    if terms.most_minor is not None:
        fee = min(fee, terms.most_minor)
    return min(fee, amount_minor)


def choose_rule(rules: Sequence[FeeTerms], *, level: str = "", method: str = "", game: str = "") -> FeeTerms | None:
    """Of the rules that fit, the one that names most; among equals the one that came into force last, or was made last."""
    fitting = [
        rule for rule in rules if rule.level in ("", level) and rule.method in ("", method) and rule.game in ("", game)
    ]
    return max(
        fitting,
        key=lambda rule: (
            sum(bool(part) for part in (rule.level, rule.method, rule.game)),
            rule.effective_from or _BEGINNING,
            rule.id,
        ),
        default=None,
    )


def divide_fee(fee_minor: int, parts: Sequence[int]) -> list[int]:
    """A fee over the parts of a payment, in proportion, rounded down; what is left over to the largest parts.

    Each part keeps at least one minor unit; what can't be placed so is not taken. ``fee_minor`` is below their sum.
    """
    whole = sum(parts)
    shares = [fee_minor * part // whole for part in parts]
    left = fee_minor - sum(shares)
    while left:
        room = [part - share for part, share in zip(parts, shares, strict=True)]
        largest = max(range(len(parts)), key=lambda index: (room[index], -index))
        if room[largest] <= 1:
            break
        shares[largest] += 1
        left -= 1
    return shares


def fee_taken(fee_minor: int, due_minor: int, paid_minor: int) -> int:
    """What of a payment's fee is taken when ``paid_minor`` of ``due_minor`` was paid: in proportion, rounded down."""
    return fee_minor * min(paid_minor, due_minor) // due_minor


def micro_of(amount: Decimal, exponent: int) -> int | None:
    """Major units in millionths of a minor unit, or None where that is not exact."""
    micro = amount.scaleb(exponent + 6)
    return int(micro) if micro == micro.to_integral_value() else None

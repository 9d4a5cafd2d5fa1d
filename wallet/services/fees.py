"""What the house charges: rules in force, and what they come to. Nothing is moved here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from kernel.db import fetch_all
from kernel.errors import FieldErrors
from kernel.money import Money
from players.selectors import get_player
from wallet.models_fees import FeeRule
from wallet.rules_fees import choose_rule, fee_of
from wallet.selectors import get_instrument
from wallet.services.payment_risk import find_level
from wallet.services.posting import check_amount
from wallet.types_purses import FeeKind, FeeTerms, WithdrawalQuote


def list_rules_in_force(*, kind: FeeKind, currency: str, at: datetime) -> list[FeeTerms]:
    """Rules of a kind and currency at a moment."""
    rows = FeeRule.objects.filter(
        Q(effective_until=None) | Q(effective_until__gt=at),
        kind=kind,
        currency=currency,
        active=True,
        effective_from__lte=at,
    )
    return [terms_of(row) for row in rows]


def ensure_fee_rule(*, terms: FeeTerms, at: datetime) -> None:
    """Make a rule known that says exactly this, in force from ``at`` on; one that is there stays as it is."""
    content = {
        "kind": terms.kind,
        "currency": terms.currency,
        "percent": terms.percent,
        "fixed_minor": terms.fixed_minor,
        "least_minor": terms.least_minor,
        "most_minor": terms.most_minor,
        "level": terms.level,
        "method": terms.method,
        "game": terms.game,
    }
    FeeRule.objects.get_or_create(**content, defaults={"effective_from": terms.effective_from or at})


def terms_of(row: FeeRule) -> FeeTerms:
    """A rule as its arithmetic wants it."""
    return FeeTerms(
        id=row.pk,
        kind=FeeKind(row.kind),
        currency=row.currency,
        percent=row.percent,
        fixed_minor=row.fixed_minor,
        least_minor=row.least_minor,
        most_minor=row.most_minor,
        level=row.level,
        method=row.method,
        game=row.game,
        effective_from=row.effective_from,
    )


def quote_fee(
    *, kind: FeeKind, player_id: UUID, amount: Money, at: datetime, method: str = "", game: str = ""
) -> Money:
    """What the house charges a player on an amount now."""
    rules = list_rules_in_force(kind=kind, currency=amount.currency, at=at)
    level = find_level(player_id) if any(rule.level for rule in rules) else ""
    rule = choose_rule(rules, level=level, method=method, game=game)
    return Money(fee_of(rule, amount.amount_minor), amount.currency)


def quote_withdrawal(*, player_id: UUID, amount: Money, instrument_id: UUID, at: datetime) -> WithdrawalQuote:
    """What a withdrawal would cost and what would arrive. Raises: UnknownPlayer, NotFound, FieldErrors."""
    check_amount("amount", amount)
    player = get_player(player_id)
    if amount.currency != player.currency:
        raise FieldErrors({"currency": [f"The player's money is in {player.currency}."]})
    instrument = get_instrument(instrument_id)
    if instrument.player_id != player_id:
        raise FieldErrors({"instrument_id": ["Choose one of the player's own instruments."]})
    fee = quote_fee(kind=FeeKind.WITHDRAWAL, player_id=player_id, amount=amount, method=instrument.kind, at=at)
    if fee >= amount:
        raise FieldErrors({"amount": [f"The fee is {fee} {fee.currency}: ask for more than that."]})
    return WithdrawalQuote(amount, fee, amount - fee)


def quote_rake(*, player_id: UUID, source: str, bet_key: str, pot: Money, at: datetime) -> Money:
    """The house's commission on a pot that a bet has won; nothing where there is no such bet or no rule."""
    rows = fetch_all(
        """SELECT t.game FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
           WHERE k.key = %s AND k.source = %s AND t.kind = 'bet' AND t.player_id = %s""",
        [bet_key, source, player_id],
    )
    if not rows:
        return Money.zero(pot.currency)
    return quote_fee(kind=FeeKind.RAKE, player_id=player_id, amount=pot, game=rows[0]["game"], at=at)

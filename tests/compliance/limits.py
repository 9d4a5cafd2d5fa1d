"""Players with limits, for tests: what they wish, pay in and are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from compliance.services.deposit_counters import count_payout
from compliance.services.limits import set_limit
from compliance.types_limits import LimitKind, LimitOutcome, LimitPeriod, Wanted
from events.services.log import holding
from kernel.actors import Actor, ActorKind, system
from kernel.ids import uuid7
from kernel.money import Money
from players.types import PlayerDetails
from tests.compliance.packs_in_force import put_in_force
from tests.factories import make_player
from wallet.services.deposits import DepositRefused, request_deposit
from wallet.types_payments import DepositState

K, P = LimitKind, LimitPeriod
AT = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)  # a Wednesday
SECOND = timedelta(seconds=1)
JOB = system("test")
keys = count(1)


def player(country: str, currency: str, birth: date = date(1980, 5, 1), **fields: Any) -> PlayerDetails:
    names = {"first_name": "Ada", "last_name": f"Example{next(keys)}", **fields}
    return make_player(country=country, currency=currency, at=AT - timedelta(days=1), birth_date=birth, **names)


def own(who: PlayerDetails) -> Actor:
    return Actor(ActorKind.PLAYER, str(who.id))


def wish(
    who: PlayerDetails, kind: LimitKind, period: LimitPeriod, value: str | int | None, at: datetime = AT
) -> LimitOutcome:
    amount = Money.parse(value, who.currency) if isinstance(value, str) else None
    minutes = value if isinstance(value, int) else None
    return set_limit(player_id=who.id, wanted=Wanted(kind, period, amount, minutes), actor=own(who), at=at)


def pay_in(who: PlayerDetails, amount: str, at: datetime = AT, token: str = "tok_ok") -> DepositState:
    deposit = request_deposit(
        player_id=who.id,
        amount=Money.parse(amount, who.currency),
        provider="sandbox",
        instrument=token,
        source="test",
        idempotency_key=f"limits-{next(keys)}",
        actor=own(who),
        at=at,
    )
    return deposit.state


def refusal(who: PlayerDetails, amount: str, at: datetime = AT) -> dict[str, Any]:
    with pytest.raises(DepositRefused) as refused:
        pay_in(who, amount, at)
    data = refused.value.data
    return {"reason": data["reason"], **data["details"]}


def pay_out(who: PlayerDetails, amount: str, at: datetime) -> UUID:
    """Money reaches the player, as limits count it."""
    payout_id = uuid7()
    with holding(who.id):
        count_payout(payout_id=payout_id, player_id=who.id, amount=Money.parse(amount, who.currency), at=at)
    return payout_id


def rules_of(pack: str, version: str) -> None:
    put_in_force(pack, version, "limits.", "registers.limit_file")


def german(**fields: Any) -> PlayerDetails:
    rules_of("DE", "2026-07-01")
    who = player("DE", "EUR", **fields)
    wish(who, K.DEPOSIT, P.MONTH, "1000.00")
    return who


def dutch(birth: date = date(1980, 5, 1), month: str = "") -> PlayerDetails:
    rules_of("NL", "2024-10-01")
    who = player("NL", "EUR", birth)
    if month:
        wish(who, K.DEPOSIT, P.MONTH, month)
    wish(who, K.LOGIN_TIME, P.DAY, 120)
    wish(who, K.BALANCE, P.NONE, "5000.00")
    return who

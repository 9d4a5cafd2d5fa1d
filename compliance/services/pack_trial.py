"""What the gate would say to sample players on a day, by the versions that the files plan for it. Nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from compliance.models_packs import PackActivation
from compliance.selectors_packs import get_pack
from compliance.services.gate import decide
from compliance.types_gate import (
    BetFacts,
    BonusFacts,
    Decision,
    DepositFacts,
    Facts,
    GateAction,
    LoginFacts,
    MessageFacts,
    WithdrawalFacts,
)
from compliance.types_limits import CentralAnswer
from events.services.log import holding
from kernel.actors import system
from kernel.ids import uuid7
from kernel.money import Money
from kernel.packs import PackFile, to_json
from players.services.registration import Registration, register
from players.types import PlayerDetails

_ACTOR = system("packs-test")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says to one sample player: the codes of its reasons, none where it allows."""

    sample: str
    action: str
    codes: tuple[str, ...]


def try_on_samples(*, files: Sequence[PackFile], country: str, region: str, at: datetime) -> list[Verdict]:
    """Ask the gate for two people who registered a moment ago and have proved nothing: the youngest who may, and one of 40.

    Everything happens in a transaction that is rolled back. No register is asked: neither registrations nor marketing is
    tried, logins are sessions that go on, and the register of all operators is taken to have accepted a deposit.
    """
    youngest, older = uuid7(), uuid7()
    with holding(youngest, older):
        for file in files:
            _activate(file, at)
        least = get_pack(country=country, region=region, at=at).integer("age.min") or 18
        found = [
            Verdict(f"{age} years", action, tuple(reason.code for reason in decision.reasons))
            for player_id, age in ((youngest, least), (older, 40))
            for action, decision in _ask(_sample(player_id, age, country, region, at), at)
        ]
        transaction.set_rollback(True)
    return found


def _activate(file: PackFile, at: datetime) -> None:
    PackActivation.objects.get_or_create(
        pack=file.id,
        version=file.version,
        defaults={
            "content": to_json(file),
            "digest": file.digest,
            "in_force_from": at,
            "requested_by": str(_ACTOR),
            "activated_by": str(_ACTOR),
            "activated_at": at,
        },
    )


def _sample(player_id: UUID, age: int, country: str, region: str, at: datetime) -> PlayerDetails:
    pack = get_pack(country=country, region=region, at=at)
    currency = pack.currency if pack.currency in settings.PLAYER_CURRENCIES else settings.PLAYER_CURRENCIES[0]
    data = Registration(
        email=f"{player_id}@sample.invalid",
        login=f"sample-{player_id.hex[-20:]}",
        country=country,
        region=region,
        currency=currency,
        first_name="Sample",
        last_name=f"Of {age}",
        birth_date=date(at.year - age, 1, 1),
    )
    # Given an id, the gates that would ask a register are not asked.
    return register(data=data, actor=_ACTOR, idempotency_key=str(player_id), at=at, player_id=player_id)


def _ask(player: PlayerDetails, at: datetime) -> list[tuple[str, Decision]]:
    one, ten = Money.parse("1", player.currency), Money.parse("10", player.currency)
    asked: list[tuple[str, GateAction, Facts]] = [
        ("login", GateAction.LOGIN, LoginFacts(going_on=True)),
        (
            f"deposit of {ten}",
            GateAction.DEPOSIT,
            DepositFacts(
                ten,
                means="card",
                funding="debit",
                ownership="own",
                looked_up=True,
                balance=Money.zero(player.currency),
                central=CentralAnswer(accepted=True),
            ),
        ),
        (f"bet of {one} on a slot", GateAction.BET, BetFacts("sample", "slots", one, one)),
        (f"bet of {one} at a table", GateAction.BET, BetFacts("sample", "table", one, one)),
        (f"withdrawal of {ten}", GateAction.WITHDRAWAL, WithdrawalFacts(ten)),
        (f"bonus of {ten}", GateAction.BONUS, BonusFacts("welcome", ten)),
        ("service message", GateAction.MESSAGE, MessageFacts("email", marketing=False)),
    ]
    return [
        (name, decide(action=action, player_id=player.id, facts=facts, actor=_ACTOR, at=at))
        for name, action, facts in asked
    ]

"""Deposits: credited once, whatever the provider does."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from events.catalogue.wallet import (
    DepositCancelled,
    DepositChargedBack,
    DepositFailed,
    DepositMade,
    DepositPending,
    DepositRequested,
)
from events.selectors import Cursor, read_log
from kernel.errors import FieldErrors, IdempotencyConflict
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import UnknownPlayer
from players.services.restrictions import impose
from players.types import RestrictionKind
from tests.factories import ACTOR, AT, make_player
from wallet import ports
from wallet.ports import PaymentAnswer, PaymentOrder, PaymentState
from wallet.selectors import get_balances, get_deposit
from wallet.services.deposits import DepositRefused, chase_pending, request_deposit
from wallet.types_payments import DepositDetails, DepositState

pytestmark = pytest.mark.usefixtures("db")

LATER = AT + timedelta(minutes=2)


def deposit(player_id: UUID, instrument: str = "tok_ok", key: str = "d", **changes: object) -> DepositDetails:
    arguments: dict[str, object] = {
        "player_id": player_id,
        "amount": Money(5000, "EUR"),
        "provider": "sandbox",
        "instrument": instrument,
        "source": "test",
        "idempotency_key": key,
        "actor": ACTOR,
        "at": AT,
    }
    return request_deposit(**(arguments | changes))  # type: ignore[arg-type]


def told(player_id: UUID) -> list[str]:
    kinds = (DepositRequested, DepositPending, DepositMade, DepositFailed, DepositCancelled, DepositChargedBack)
    names = [kind.wire_name for kind in kinds]
    return [event.type.split(".")[1] for event in read_log(Cursor(), names, 100)[0] if event.player_id == player_id]


def real(player_id: UUID) -> str:
    return str(get_balances(player_id).real)


def test_a_deposit_is_credited() -> None:
    player = make_player()
    made = deposit(player.id)
    assert (made.state, made.number, made.settled_at) == (DepositState.MADE, 1, AT)
    assert deposit(player.id, key="second").number == 2
    assert real(player.id) == "100.00"
    assert told(player.id) == ["deposit-requested", "deposit-made"] * 2


def test_the_same_key_is_the_same_deposit() -> None:
    player = make_player()
    assert deposit(player.id) == deposit(player.id)
    assert real(player.id) == "50.00"
    with pytest.raises(IdempotencyConflict):
        deposit(player.id, amount=Money(5001, "EUR"))
    with pytest.raises(IdempotencyConflict):
        deposit(make_player().id)


def test_a_declined_deposit_credits_nothing() -> None:
    player = make_player()
    failed = deposit(player.id, "tok_decline")
    assert (failed.state, failed.failure_reason, failed.number) == (DepositState.FAILED, "declined_by_issuer", None)
    assert deposit(player.id, "tok_decline").state is DepositState.FAILED
    assert real(player.id) == "0.00"
    assert told(player.id) == ["deposit-requested", "deposit-failed"]


@pytest.mark.parametrize("instrument", ["tok_pending", "tok_timeout"])
def test_a_deposit_without_an_answer_is_chased(instrument: str) -> None:
    player = make_player()
    assert deposit(player.id, instrument).state is DepositState.PENDING
    assert real(player.id) == "0.00"
    assert chase_pending(actor=ACTOR, at=AT) == 0  # too early
    assert chase_pending(actor=ACTOR, at=LATER) == 1
    assert chase_pending(actor=ACTOR, at=LATER) == 0
    assert real(player.id) == "50.00"


def test_a_crash_after_the_provider_took_the_money_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    player = make_player()
    with monkeypatch.context() as broken:
        broken.setattr("wallet.services.deposits._settle", lambda *args: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            deposit(player.id)
    assert real(player.id) == "0.00"
    assert deposit(player.id).state is DepositState.MADE
    assert real(player.id) == "50.00"


def test_the_provider_sees_one_id_for_one_deposit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[UUID] = []

    class Recorder:
        name = "recorder"

        def authorise(self, order: PaymentOrder) -> PaymentAnswer:
            asked.append(order.payment_id)
            return PaymentAnswer(PaymentState.PENDING, "ref")

        status = None

    monkeypatch.setitem(ports._providers, "recorder", Recorder())  # type: ignore[arg-type]
    made = deposit(make_player().id, provider="recorder")
    assert asked == [made.id]
    assert get_deposit(made.id).provider_reference == "ref"


def test_who_may_not_deposit_is_refused_and_nothing_is_kept() -> None:
    player = make_player()
    impose(player_id=player.id, kind=RestrictionKind.DEPOSIT_BLOCK, reason="x", source="staff", actor=ACTOR, at=AT)
    with pytest.raises(DepositRefused, match="deposit_block"):
        deposit(player.id)
    assert told(player.id) == []


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("amount", {"amount": Money(0, "EUR")}),
        ("amount", {"amount": Money(-5, "EUR")}),
        ("currency", {"amount": Money(5, "USD")}),
        ("provider", {"provider": "nobody"}),
        ("instrument", {"instrument": "4111111111111111"}),
        ("instrument", {"instrument": "4111 1111 1111 1111"}),
        ("instrument", {"instrument": "t" * 121}),
        ("instrument", {"instrument": ""}),
        ("idempotency_key", {"key": ""}),
    ],
)
def test_bad_input_names_its_field(field: str, change: dict[str, object]) -> None:
    with pytest.raises(FieldErrors) as caught:
        deposit(make_player().id, **change)  # type: ignore[arg-type]
    assert list(caught.value.errors) == [field]


def test_an_unknown_player_cannot_deposit() -> None:
    with pytest.raises(UnknownPlayer):
        deposit(uuid7())

"""What lies above a balance limit is paid out by itself: rule 55 of requirements.csv."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from compliance.selectors_cases import list_cases
from compliance.services.cases import RESOLVE, resolve_case
from compliance.services.limits import set_limit
from compliance.types_cases import CaseKind
from compliance.types_limits import LimitKind, LimitPeriod, Wanted
from events.models import Event
from kernel.actors import Actor, ActorKind, system
from kernel.money import Money
from tests.compliance.packs_in_force import put_in_force
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances, list_withdrawals
from wallet.services.bets import credit_win
from wallet.services.deposits import request_deposit
from wallet.services.excess_payouts import pay_out_excess
from wallet.services.fees import ensure_fee_rule
from wallet.services.withdrawal_decisions import reject_withdrawal
from wallet.services.withdrawals import CancellationForbidden, cancel_withdrawal
from wallet.types_payments import WithdrawalDetails, WithdrawalState
from wallet.types_purses import FeeKind, FeeTerms

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.rule(55)]

JOB = system("test")
OFFICER = Actor(ActorKind.STAFF, "7", frozenset({RESOLVE, "wallet.approve_withdrawal"}))


def limited(country: str, version: str, *, token: str = "tok_ok~acc~bank", limit: str = "100.00") -> UUID:
    """A player with 100.00, at their balance limit; ``token``: what they paid in with, "" for nothing that can be paid to."""
    make_game()
    put_in_force(country, version, "payments.")
    who = make_player(country=country, first_name="Ada", last_name="Example")
    request_deposit(
        player_id=who.id,
        amount=Money.parse("100.00", "EUR"),
        provider="sandbox",
        instrument=token,
        source="test",
        idempotency_key=f"in-{who.id}",
        actor=ACTOR,
        at=AT,
    )
    lower(who.id, limit)
    return who.id


def lower(player_id: UUID, limit: str) -> None:
    wanted = Wanted(LimitKind.BALANCE, LimitPeriod.NONE, Money.parse(limit, "EUR"))
    set_limit(player_id=player_id, wanted=wanted, actor=Actor(ActorKind.PLAYER, str(player_id)), at=AT)


def win(player_id: UUID, amount: str, key: str = "win") -> None:
    bet(player_id, "1.00", key=f"stake-{key}")
    credit_win(
        player_id=player_id,
        source="test",
        idempotency_key=key,
        bet_key=f"stake-{key}",
        amount=Money.parse(amount, "EUR"),
        actor=ACTOR,
        at=AT,
    )


def run(at: datetime = AT) -> int:
    return pay_out_excess(actor=JOB, at=at)


def asked_of(player_id: UUID) -> list[str]:
    return [str(one.amount) for one in list_withdrawals(player_id)]


def reject(withdrawal: WithdrawalDetails) -> None:
    reject_withdrawal(withdrawal_id=withdrawal.id, reason="Looked odd.", actor=OFFICER, at=AT)


@pytest.mark.parametrize(("country", "version"), [("NL", "2024-10-01"), ("DE", "2026-07-01")])
def test_a_win_above_the_limit_is_paid_out_once(country: str, version: str) -> None:
    who = limited(country, version)
    win(who, "1.00")  # 100.00 again: at the limit, not above it
    assert (run(), asked_of(who)) == (0, [])
    win(who, "51.01", "cross")
    assert (run(), run()) == (1, 0)
    assert asked_of(who) == ["50.01"]
    assert str(get_balances(who).real) == "100.00"
    event = Event.objects.get(type="wallet.excess-paid-out.v1")
    assert (event.payload["amount"], event.payload["limit"]) == ("50.01", "100.00")
    win(who, "3.00", "again")
    assert (run(), asked_of(who)) == (1, ["2.00", "50.01"])


def test_jobs_beside_each_other_pay_out_once() -> None:
    who = limited("NL", "2024-10-01")
    win(who, "51.00")
    assert sum(in_parallel([run] * 6, threads=3)) == 1
    assert asked_of(who) == ["50.00"]


def test_nothing_is_paid_out_where_no_pack_asks_for_it() -> None:
    who = limited("MT", "2023-01-12")
    win(who, "51.00")
    assert (run(), asked_of(who)) == (0, [])


def test_the_netherlands_want_a_bank_account_and_a_person_looks_where_there_is_none() -> None:
    who = limited("NL", "2024-10-01", token="tok_ok")
    win(who, "51.00")
    assert (run(), run(AT + timedelta(minutes=1)), asked_of(who)) == (0, 0, [])
    (case,) = list_cases(kind=CaseKind.BALANCE_EXCESS, player_id=who)
    assert case.facts == {"why": "no_instrument"}
    resolve_case(case_id=case.id, outcome="told", comment="The player was asked for one.", actor=OFFICER, at=AT)
    run(AT + timedelta(days=1))
    (again,) = list_cases(kind=CaseKind.BALANCE_EXCESS, player_id=who)
    assert again.id != case.id, "still nowhere to pay to"


def test_germany_takes_what_there_is() -> None:
    who = limited("DE", "2026-07-01", token="tok_ok")
    win(who, "51.00")
    assert (run(), asked_of(who)) == (1, ["50.00"])


def test_what_came_back_waits_for_a_person() -> None:
    who = limited("NL", "2024-10-01")
    win(who, "51.00")
    run()
    (withdrawal,) = list_withdrawals(who)
    reject(withdrawal)
    assert (run(), run()) == (0, 0)
    (case,) = list_cases(kind=CaseKind.BALANCE_EXCESS, player_id=who)
    assert case.facts == {"why": "rejected"}
    resolve_case(case_id=case.id, outcome="clear", comment="The account is theirs.", actor=OFFICER, at=AT)
    assert (run(), asked_of(who)) == (1, ["50.00", "50.00"])


def test_it_costs_the_player_nothing_and_cannot_be_taken_back() -> None:
    ensure_fee_rule(terms=FeeTerms(FeeKind.WITHDRAWAL, "EUR", percent=Decimal("1.00")), at=AT)
    who = limited("DE", "2026-07-01")
    win(who, "51.00")
    run()
    (withdrawal,) = list_withdrawals(who)
    assert (str(withdrawal.fee), withdrawal.state) == ("0.00", WithdrawalState.IN_REVIEW)
    with pytest.raises(CancellationForbidden):
        cancel_withdrawal(withdrawal_id=withdrawal.id, actor=ACTOR, at=AT)


def test_a_lower_limit_pays_out_what_lies_above_it() -> None:
    who = limited("DE", "2026-07-01")
    lower(who, "30.00")
    assert (run(), asked_of(who)) == (1, ["70.00"])
    other = make_player(country="DE")
    fund(other.id)
    assert (run(), asked_of(other.id)) == (0, []), "without a limit there is nothing above it"

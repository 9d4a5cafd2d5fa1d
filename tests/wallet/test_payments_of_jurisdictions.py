"""What jurisdictions want of payments: rules 51 to 58 of requirements.csv, by their own boundary values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError
from django.urls import get_resolver, reverse

from compliance.models_cases import ReviewCase
from compliance.models_gate import GateDecision
from compliance.pack_files import load_packs
from compliance.rules_payments import means_reason
from compliance.types_gate import DepositFacts
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import clock
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_all, fetch_one
from kernel.errors import FieldErrors
from players.services.verification import set_confirm_status
from players.types import ConfirmStatus
from tests.compliance.packs_in_force import put_in_force
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, make_game, make_player
from tests.packs import pack_of
from tests.staff import staff_client, text_of
from tests.wallet.payments import eur, held, instrument, pay_in, real, withdraw
from wallet.models_payments import Deposit
from wallet.rules_means import ownership_of
from wallet.selectors import get_instrument, get_withdrawal, list_instruments
from wallet.services import bets, deposits, withdrawals
from wallet.services.bets import credit_win
from wallet.services.deposits import DepositRefused
from wallet.services.liability import check_liability, close_days
from wallet.services.payment_means import ForeignAccount, confirm_ownership
from wallet.services.verification import verify
from wallet.services.withdrawal_decisions import ClosedLoopBroken, approve_withdrawal, reject_withdrawal
from wallet.services.withdrawals import CancellationForbidden, cancel_withdrawal, request_withdrawal
from wallet.types_payments import Ownership, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

CASHIER = Actor(ActorKind.STAFF, "7", frozenset({"wallet.approve_withdrawal"}))
FOREIGN, OWN = "tok_ok~iban1~bank~Eve_Other", "tok_ok~iban2~bank~Berg_Ann_Maria"
CREDIT, DEBIT = "tok_ok~visa~credit~Ann_Berg", "tok_ok~visa~debit~Ann_Berg"


def resident(country: str, *packs: str) -> UUID:
    """Somebody grown up and verified, with 100.00; the packs are put in force after the money came."""
    player = make_player(country=country, first_name="Ann", last_name="Berg", birth_date=AT.date().replace(year=1980))
    pay_in(player.id, "100.00", "tok_ok~first")
    set_confirm_status(player_id=player.id, to=ConfirmStatus.CONFIRMED, reason="test", actor=ACTOR, at=AT)
    for pack in packs:
        in_force(pack)
    return player.id


def in_force(pack: str) -> None:
    """What the newest version says of payments; the other parts of compliance have tests of their own."""
    put_in_force(pack, str(load_packs()[pack][-1].version), "payments.")


# --- 51, 52: a withdrawal is final, and debited at once ----------------------------------------------------------------


@pytest.mark.rule(51)
def test_where_a_withdrawal_is_final_nobody_takes_it_back_and_staff_say_why() -> None:
    player_id = resident("GB", "GB")
    asked = withdraw(player_id, token="tok_ok~first")
    assert not asked.cancellable
    for actor in (Actor(ActorKind.PLAYER, str(player_id)), Actor(ActorKind.CLIENT, "casino"), CASHIER):
        with pytest.raises(CancellationForbidden):
            cancel_withdrawal(withdrawal_id=asked.id, actor=actor, at=AT)
    with pytest.raises(FieldErrors):
        reject_withdrawal(withdrawal_id=asked.id, reason=" ", actor=CASHIER, at=AT)
    assert (real(player_id), held(player_id)) == ("60.00", "40.00")
    reject_withdrawal(withdrawal_id=asked.id, reason="The player asked for it in writing.", actor=CASHIER, at=AT)
    assert real(player_id) == "100.00"
    (deed,) = list_audit(AuditQuery(player_id=player_id, action="wallet.reject_withdrawal"))
    assert deed.reason == "The player asked for it in writing."


@pytest.mark.rule(51)
def test_what_was_asked_for_under_a_pack_stays_as_it_was_asked_for() -> None:
    player_id = resident("GB")
    before = withdraw(player_id, "10.00", token="tok_ok~first", key="before")
    in_force("GB")
    after = withdraw(player_id, "10.00", token="tok_ok~first", key="after")
    assert (get_withdrawal(before.id).cancellable, after.cancellable) == (True, False)


@pytest.mark.rule(52)
def test_the_balance_falls_with_the_request_or_not_at_all() -> None:
    player_id = resident("DE", "DE")
    to = list_instruments(player_id)[0].id

    def ask(key: str) -> Callable[[], str]:
        def call() -> str:
            try:
                return request_withdrawal(
                    player_id=player_id, amount=eur("60.00"), instrument_id=to, source="test", idempotency_key=key,
                    actor=ACTOR, at=AT,
                ).state  # fmt: skip
            except Exception as error:
                return type(error).__name__

        return call

    answers = in_parallel([ask(f"w{number}") for number in range(6)], 6)
    assert sorted(answers) == ["InsufficientFunds"] * 5 + ["in_review"]
    assert (real(player_id), held(player_id)) == ("40.00", "60.00")


# --- 53: own name, closed loop -----------------------------------------------------------------------------------------


@pytest.mark.rule(53)
@pytest.mark.parametrize(
    ("holder", "first", "last", "whose"),
    [
        ("Ann Berg", "Ann", "Berg", Ownership.OWN),
        ("BERG, ANN MARIA", "Ann", "Berg", Ownership.OWN),
        ("A. Berg", "Ann", "Berg", Ownership.OWN),
        ("Zoe Müller", "Zoë", "Muller", Ownership.OWN),
        ("Jurgen Gross", "Jürgen", "Groß", Ownership.OWN),
        ("Ana María García López", "Ana", "García López", Ownership.OWN),
        ("Ann Berg and Tom Berg", "Ann", "Berg", Ownership.OWN),
        ("Tom Berg", "Ann", "Berg", Ownership.FOREIGN),
        ("Ann Bergmann", "Ann", "Berg", Ownership.FOREIGN),
        ("Berg", "Ann", "Berg", Ownership.FOREIGN),
        ("Berg Ltd", "Berg", "Berg", Ownership.FOREIGN),
        ("Eve Other", "Ann", "Berg", Ownership.FOREIGN),
        ("", "Ann", "Berg", Ownership.UNKNOWN),
        ("Ann Berg", "", "Berg", Ownership.UNKNOWN),
    ],
)
def test_whose_account_it_is(holder: str, first: str, last: str, whose: Ownership) -> None:
    assert ownership_of(holder, first, last) is whose


@pytest.mark.rule(53)
def test_a_foreign_account_opens_a_case_and_gets_nothing() -> None:
    player_id = resident("DE", "DE")
    asked = withdraw(player_id, token=FOREIGN)
    assert asked.state is WithdrawalState.IN_REVIEW
    (case,) = ReviewCase.objects.filter(player_id=player_id)
    assert (case.kind, case.facts["instrument_id"]) == ("foreign_account", str(asked.instrument_id))
    assert "Other" not in str(case.facts)
    # The closed loop pays back to what paid in, whatever was asked for; a person may not send it elsewhere.
    with pytest.raises(ClosedLoopBroken):
        approve_withdrawal(withdrawal_id=asked.id, split=[(asked.instrument_id, eur("40.00"))], actor=CASHIER, at=AT)
    approve_withdrawal(withdrawal_id=asked.id, actor=CASHIER, at=AT)
    assert get_withdrawal(asked.id).state is WithdrawalState.APPROVED


@pytest.mark.rule(53)
def test_what_was_won_is_not_paid_to_a_foreign_account_either() -> None:
    make_game()
    player_id = resident("DE")
    bet(player_id, "100.00", key="lucky")
    credit_win(
        player_id=player_id,
        source="test",
        idempotency_key="w",
        bet_key="lucky",
        amount=eur("300.00"),
        actor=ACTOR,
        at=AT,
    )
    in_force("DE")
    asked = withdraw(player_id, "150.00", token=FOREIGN)
    with pytest.raises(ForeignAccount):
        approve_withdrawal(withdrawal_id=asked.id, actor=CASHIER, at=AT)
    reject_withdrawal(withdrawal_id=asked.id, reason="Not the player's account.", actor=CASHIER, at=AT)
    assert real(player_id) == "300.00"


@pytest.mark.rule(53)
def test_a_person_confirms_an_account_whose_holder_is_written_otherwise() -> None:
    player_id = resident("DE", "DE")
    named = instrument(player_id, FOREIGN)
    assert named.ownership is Ownership.FOREIGN
    with pytest.raises(AccessDenied):
        confirm_ownership(instrument_id=named.id, reason="x", actor=Actor(ActorKind.STAFF, "8"), at=AT)
    with pytest.raises(FieldErrors):
        confirm_ownership(instrument_id=named.id, reason="", actor=CASHIER, at=AT)
    confirm_ownership(instrument_id=named.id, reason="Maiden name, marriage certificate seen.", actor=CASHIER, at=AT)
    assert (
        instrument(player_id, FOREIGN).ownership is Ownership.CONFIRMED
    )  # what the provider says again changes nothing
    assert pay_in(player_id, "10.00", FOREIGN).state == "made"


@pytest.mark.rule(53)
def test_the_page_of_the_instrument_offers_it_to_who_pays_out() -> None:
    player_id = resident("DE", "DE")
    named = instrument(player_id, FOREIGN)
    address = reverse("admin:wallet_instrument_confirm", args=[named.id])
    page = reverse("admin:wallet_instrument_change", args=[named.id])
    finance = staff_client("finance")
    assert address in text_of(finance.get(page))
    assert address not in text_of(staff_client("auditor").get(page))
    assert staff_client("auditor").post(address, {"reason": "x"}).status_code == 403
    finance.post(address, {"reason": "Maiden name, marriage certificate seen."})
    assert get_instrument(named.id).ownership is Ownership.CONFIRMED
    assert address not in text_of(finance.get(page))


@pytest.mark.rule(53)
def test_nothing_is_taken_from_a_foreign_account_and_the_refusal_is_kept() -> None:
    player_id = resident("DE", "DE")
    with pytest.raises(DepositRefused) as refused:
        pay_in(player_id, "10.00", FOREIGN)
    assert refused.value.data["reason"] == "foreign_account"
    assert GateDecision.objects.filter(player_id=player_id, action="deposit").count() == 1
    assert ReviewCase.objects.filter(player_id=player_id, kind="foreign_account").count() == 1
    assert Deposit.objects.filter(player_id=player_id).count() == 1  # the one before
    assert pay_in(player_id, "10.00", OWN).state == "made"


@pytest.mark.rule(53)
def test_where_no_pack_asks_for_it_the_name_does_not_matter() -> None:
    player_id = resident("AT")
    assert pay_in(player_id, "10.00", FOREIGN).state == "made"
    assert not ReviewCase.objects.exists()


# --- 54: no player-to-player -------------------------------------------------------------------------------------------


@pytest.mark.rule(54)
def test_no_service_and_no_address_takes_two_players() -> None:
    for module in (bets, deposits, withdrawals):
        for name, service in inspect.getmembers(module, inspect.isfunction):
            players = [each for each in inspect.signature(service).parameters if "player" in each]
            assert len(players) <= 1, f"{module.__name__}.{name}"
    addresses = [str(entry.pattern) for entry in get_resolver("wallet.rest.urls").url_patterns]
    assert [address for address in addresses if "transfer" in address or address.count("player_id") > 1] == []


@pytest.mark.rule(54)
@pytest.mark.breaks_ledger
def test_money_that_went_from_player_to_player_would_be_found() -> None:
    giver, taker = make_player().id, make_player().id
    pay_in(giver)
    pay_in(taker)
    purse = fetch_one("SELECT id FROM wallet_account WHERE player_id = %s AND kind = 'real'", [giver])[0]
    fetch_one(
        "SELECT (wallet_move('adjustment', %s, %s, 'adjustments', 'EUR', -1000, 'test', 'k', %s, 'system:test', '')).outcome",
        [taker, purse, AT],
    )
    found = [finding for finding in verify() if finding.broken]
    assert any(f"of player {taker} on a purse of {giver}" in str(finding) for finding in found), found


# --- 56: credit --------------------------------------------------------------------------------------------------------


@pytest.mark.rule(56)
@pytest.mark.parametrize(
    ("says", "means", "funding", "reason"),
    [
        ({"payments.credit": False}, "card", "credit", "credit_refused"),
        ({"payments.credit": False}, "other", "credit", "credit_refused"),
        ({"payments.credit_card": False}, "card", "credit", "credit_refused"),
        ({"payments.credit_card": False}, "bank", "credit", ""),
        ({"payments.credit_card": False}, "card", "debit", ""),
        ({"payments.credit": False}, "card", "", ""),
        ({"payments.anonymous_methods": False}, "card", "prepaid", "anonymous_refused"),
        ({}, "card", "credit", ""),
    ],
)
def test_credit_is_refused_by_what_funds_the_instrument(
    says: dict[str, object], means: str, funding: str, reason: str
) -> None:
    facts = DepositFacts(eur("10.00"), "sandbox", means=means, funding=funding, looked_up=True)
    found = means_reason(pack_of(says), facts)
    assert (found.code if found else "") == reason


@pytest.mark.rule(56)
@pytest.mark.parametrize("country", ["SE", "GB"])
def test_a_credit_card_pays_nothing_in_and_nothing_is_asked_of_it(country: str) -> None:
    player_id = resident(country, country)
    with pytest.raises(DepositRefused) as refused:
        pay_in(player_id, "10.00", CREDIT, at=clock.now())
    assert refused.value.data["reason"] == "credit_refused"
    assert real(player_id) == "100.00"
    assert Deposit.objects.filter(player_id=player_id).count() == 1
    assert [one.funding for one in list_instruments(player_id)] == [""], "the card is not kept to choose from"
    assert pay_in(player_id, "10.00", DEBIT, at=clock.now()).state == "made"


@pytest.mark.rule(56)
def test_a_provider_that_does_not_say_what_it_is_means_no() -> None:
    player_id = resident("SE", "SE")
    with pytest.raises(DepositRefused) as refused:
        pay_in(player_id, "10.00", "tok_lost~visa", at=clock.now())
    assert refused.value.data["reason"] == "instrument_unknown"


@pytest.mark.rule(56)
def test_swedish_credit_is_taken_until_the_ban_begins() -> None:
    """At midnight in Stockholm, which is 22:00 UTC in summer."""
    player_id = resident("SE")
    for file in load_packs()["SE"]:
        starts = datetime.combine(file.version, time(), ZoneInfo(file.timezone))
        put_in_force("SE", str(file.version), "payments.", since=starts)
    eve = datetime(2026, 4, 30, 21, 59, 59, tzinfo=UTC)
    assert pay_in(player_id, "10.00", CREDIT, at=eve).state == "made"
    with pytest.raises(DepositRefused):
        pay_in(player_id, "20.00", CREDIT, at=eve + timedelta(seconds=1))


# --- 57, 58: never negative, always covered ----------------------------------------------------------------------------


@pytest.mark.rule(57)
def test_a_stake_is_debited_at_once_and_never_below_zero() -> None:
    make_game()
    player_id = make_player().id
    pay_in(player_id, "10.00")
    outcomes = in_parallel([lambda: bet(player_id, "1.00").outcome.value for _ in range(30)], 10)
    assert sorted(outcomes) == ["applied"] * 10 + ["refused"] * 20
    assert real(player_id) == "0.00"
    with pytest.raises(DatabaseError, match="wallet_account"):
        fetch_one(
            "SELECT (wallet_move('adjustment', %s, NULL, 'adjustments', 'EUR', -1, 'test', 'k', %s, 'system:test', '')).outcome",
            [player_id, AT],
        )


@pytest.mark.rule(58)
def test_what_players_are_owed_is_what_their_purses_hold_every_day() -> None:
    make_game()
    owed = 0
    for number in range(3):
        player_id = make_player().id
        pay_in(player_id, "100.00")
        bet(player_id, f"{10 + number}.00")
        owed += 9000 - 100 * number
    withdraw(player_id, "20.00")  # set aside: still the player's
    at = (clock.now() + timedelta(days=1)).replace(hour=0, minute=30)
    close_days(at=at)
    assert check_liability(at=at) == []
    days = fetch_all("SELECT kind, total_minor FROM wallet_liabilityday WHERE total_minor <> 0 ORDER BY kind")
    assert days == [{"kind": "held", "total_minor": 2000}, {"kind": "real", "total_minor": owed - 2000}]
    balances = fetch_one("SELECT sum(balance_minor) FROM wallet_account WHERE player_id IS NOT NULL")[0]
    assert sum(row["total_minor"] for row in days) == balances == owed


def test_unknown_instruments_stay_unknown() -> None:
    assert get_instrument(instrument(make_player().id, "tok_ok~x").id).ownership is Ownership.UNKNOWN

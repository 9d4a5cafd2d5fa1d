"""Blunders that others made with money, each tried at once on real connections, some in processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from kernel.actors import Actor, ActorKind
from kernel.db import fetch_one
from kernel.errors import DomainError
from kernel.money import Money
from kernel.sealing import new_private_key
from pms.runtime.home import PROJECT
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.staff import staff_client, staff_id
from tests.wallet.payments import eur, held, instrument, pay_in, real, told, withdraw
from tests.wallet.test_services_adjustments import RIGHTS
from tests.wallet.test_services_bets import bonus, play_once, win
from tests.wallet.test_services_holds import capture, release, reserve
from wallet.models import Seal as SealRow
from wallet.models_payments import Payout
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import get_balances, get_deposit, get_withdrawal, list_payouts
from wallet.selectors_adjustments import get_dispute, list_adjustments
from wallet.services import disputes
from wallet.services.bets import roll_back_bet
from wallet.services.deposits import settle_deposit
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.proofs import prove
from wallet.services.purses import close_bonus_purse
from wallet.services.sealing import seal_ledger
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.types import Outcome
from wallet.types_adjustments import DisputeState
from wallet.types_payments import DepositState, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

THREADS = 10
SANDBOX = SandboxProvider()


@pytest.fixture(autouse=True)
def game(db: None) -> None:
    make_game()


def attempt(do: Callable[[], object]) -> str:
    try:
        do()
    except DomainError as error:
        return error.code
    return "done"


def notice(direction: Direction, payment_id: UUID, answer: PaymentAnswer, number: int = 1) -> bool:
    headers, body = SANDBOX.webhook(direction, payment_id, answer, AT, number)
    return receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


def count(kind: str) -> int:
    found: int = fetch_one("SELECT count(*) FROM wallet_transfer WHERE kind = %s", [kind])[0]
    return found


def roll_back(player_id: UUID, bet_key: str) -> Outcome:
    return roll_back_bet(
        player_id=player_id, source="test", idempotency_key=f"undo {bet_key}", bet_key=bet_key, currency="EUR",
        actor=ACTOR, at=AT,
    ).outcome  # fmt: skip


# --- the last cent ---------------------------------------------------------------------------------------------------


def test_a_withdrawal_racing_a_bet_on_the_last_cent() -> None:
    for number in range(10):
        player = make_player()
        pay_in(player.id, "10.00")
        instrument(player.id)
        bet_made, asked = in_parallel(
            [lambda p=player: bet(p.id, "10.00").outcome.value, lambda p=player: attempt(lambda: withdraw(p.id, "10.00"))],
            2,
        )  # fmt: skip
        assert (bet_made, asked) in (("applied", "insufficient_funds"), ("refused", "done")), number
        assert (real(player.id), held(player.id)) == ("0.00", "0.00" if bet_made == "applied" else "10.00")


def test_bets_holds_and_withdrawals_share_one_balance() -> None:
    player = make_player()
    pay_in(player.id, "100.00")
    instrument(player.id)
    works: list[Callable[[], str]] = []
    for number in range(12):
        works.append(lambda: bet(player.id, "7.00").outcome.value)
        works.append(lambda n=number: reserve(player, "7.00", f"h{n}").outcome.value)  # type: ignore[misc]
        works.append(lambda n=number: attempt(lambda: withdraw(player.id, "7.00", key=f"w{n}")))  # type: ignore[misc]
    outcomes = Counter(in_parallel(works, THREADS))
    assert outcomes["applied"] + outcomes["done"] == 14
    assert outcomes["refused"] + outcomes["insufficient_funds"] == 22
    assert real(player.id) == "2.00"


# --- rollback, settlement and the end of a purse ---------------------------------------------------------------------


def test_a_rollback_racing_a_capture_and_a_release_leaves_every_cent_where_it_was() -> None:
    player = make_player()
    fund(player.id, "100.00")
    works: list[Callable[[], object]] = []
    for number in range(10):
        hold, key = f"h{number}", f"c{number}"
        reserve(player, "10.00", hold)
        works += [
            lambda h=hold, k=key: capture(player, "10.00", k, h),
            lambda k=key: roll_back(player.id, k),
            lambda h=hold: release(player, hold=h),
        ]
    in_parallel(works, THREADS)
    # A capture that came after its rollback is buried, and then its hold is released: nobody has lost anything.
    for number in range(10):
        release(player, hold=f"h{number}", key=f"last {number}")
        roll_back(player.id, f"c{number}")
    assert (real(player.id), held(player.id)) == ("100.00", "0.00")
    assert count("bet") == count("rollback")


def test_a_rollback_racing_a_one_call_play() -> None:
    player = make_player()
    fund(player.id, "100.00")
    works: list[Callable[[], object]] = []
    for number in range(20):
        works.append(lambda k=f"p{number}": play_once(player, "5.00", "9.00", k).outcome)
        works.append(lambda k=f"p{number}": roll_back(player.id, k))
    in_parallel(works, THREADS)
    for number in range(20):
        roll_back(player.id, f"p{number}")
    assert real(player.id) == "100.00"
    assert count("bet") == count("win") == count("rollback")


@pytest.mark.parametrize(("released", "player_gets"), [(True, "20.00"), (False, "0.00")])
def test_a_win_racing_the_close_of_its_purse_is_paid_once_and_to_one_place(released: bool, player_gets: str) -> None:
    for number in range(8):
        player = make_player()
        purse = bonus(player, "10.00", key=f"grant {number}")
        bet(player.id, "10.00", key=f"b{number}")
        close = lambda p=player, n=number, w=purse: close_bonus_purse(  # noqa: E731
            player_id=p.id, purse_id=w, release=released, currency="EUR", source="test",
            idempotency_key=f"close {n}", actor=ACTOR, at=AT,
        )  # fmt: skip
        pay = lambda p=player, n=number: win(p, f"b{n}", "20.00", f"w{n}")  # noqa: E731
        in_parallel([close, pay, pay, close], 4)
        balances = get_balances(player.id)
        assert (str(balances.real), str(balances.bonus)) == (player_gets, "0.00"), number


# --- one key, other content, from two processes ----------------------------------------------------------------------

CALL = """
    import json, sys
    import django
    django.setup()
    from datetime import datetime
    from uuid import UUID
    from kernel.actors import system
    from kernel.errors import DomainError
    from kernel.money import Money
    from wallet.services.bets import place_bet
    from wallet.services.deposits import request_deposit
    from wallet.services.withdrawals import request_withdrawal

    player, card, at, amount = sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]), Money.parse(sys.argv[4], "EUR")
    same = {"player_id": UUID(player), "source": "test", "actor": system("test"), "at": at}
    print("ready", flush=True)
    sys.stdin.readline()
    said = []
    for number in range(20):
        same["idempotency_key"] = f"key {number}"
        said.append(place_bet(game="fruits", round_id="r", stake=amount, **same).outcome.value)
        for pay in (
            lambda: request_deposit(amount=amount, provider="sandbox", instrument="tok_ok", **same),
            lambda: request_withdrawal(amount=amount, instrument_id=UUID(card), **same),
        ):
            try:
                pay()
                said.append("done")
            except DomainError as error:
                said.append(error.code)
    print(json.dumps(said))
"""


def test_one_key_with_other_content_from_two_processes_has_one_effect() -> None:
    player = make_player()
    pay_in(player.id, "500.00")
    card = instrument(player.id)
    processes = [python(CALL, str(player.id), str(card.id), AT.isoformat(), amount) for amount in ("1.00", "2.00")]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    first, second = (json.loads(process.communicate(timeout=60)[0]) for process in processes)
    for ours, theirs in zip(first, second, strict=True):
        assert {ours, theirs} in ({"applied", "conflict"}, {"done", "idempotency_conflict"})
    assert (count("bet"), count("deposit"), count("withdrawal_hold")) == (20, 21, 20)
    took = fetch_one(
        "SELECT sum(CASE kind WHEN 'deposit' THEN amount_minor ELSE -amount_minor END) FROM wallet_transfer"
    )
    assert get_balances(player.id).real.amount_minor == took[0]


# --- two people, one decision ----------------------------------------------------------------------------------------


def test_of_ten_people_who_settle_a_dispute_one_does() -> None:
    player = make_player()
    fund(player.id, "10.00")
    people = [Actor(ActorKind.STAFF, str(n), RIGHTS | {"wallet.work_disputes"}) for n in range(10)]
    found = disputes.open_dispute(
        player_id=player.id, subject="A win is missing", story="The wheel stopped.", actor=people[0],
        idempotency_key="k", at=AT,
    )  # fmt: skip

    def settle(number: int) -> str:
        redress = disputes.Redress(Money(1000, "EUR"), "Log.") if number % 2 else None
        return attempt(
            lambda: disputes.settle(
                dispute_id=found.id, resolved=bool(number % 2), resolution="Seen.", redress=redress,
                actor=people[number], at=AT,
            )
        )  # fmt: skip

    assert Counter(in_parallel([lambda n=n: settle(n) for n in range(10)], 10)) == {"done": 1, "dispute_settled": 9}
    resolved = get_dispute(found.id).state is DisputeState.RESOLVED
    assert real(player.id) == ("20.00" if resolved else "10.00")
    assert len(list_adjustments(player.id)) == resolved


def test_a_partial_approval_racing_a_whole_one_and_a_rejection() -> None:
    player = make_player()
    pay_in(player.id)
    asked = withdraw(player.id)
    works = [
        lambda: attempt(lambda: approve_withdrawal(withdrawal_id=asked.id, amount=eur("15.00"), actor=ACTOR, at=AT)),
        lambda: attempt(lambda: approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT)),
        lambda: attempt(lambda: reject_withdrawal(withdrawal_id=asked.id, reason="no", actor=ACTOR, at=AT)),
    ] * 4
    in_parallel(works, THREADS)
    in_parallel([lambda: send_due(actor=ACTOR, at=AT)] * 4, 4)
    end = get_withdrawal(asked.id)
    assert end.paid + end.returned == end.amount
    assert held(player.id) == "0.00"
    assert get_balances(player.id).real == eur("100.00") - end.paid


# --- money that comes back -------------------------------------------------------------------------------------------


def test_each_of_two_payouts_comes_back_once_however_often_it_is_told() -> None:
    player = make_player()
    for card in ("tok_ok~a", "tok_ok~b"):
        pay_in(player.id, "50.00", card)
    asked = withdraw(player.id, "100.00", "tok_ok~a")
    approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT)
    send_due(actor=ACTOR, at=AT)
    parts = list_payouts(asked.id)
    assert [str(row.paid) for row in parts] == ["50.00", "50.00"]

    def returned(payout_id: UUID) -> list[Callable[[], bool]]:
        said = PaymentAnswer(PaymentState.RETURNED, "ref", "account_closed")
        failed = PaymentAnswer(PaymentState.FAILED, "ref", "account_closed")
        return [lambda: notice(Direction.OUT, payout_id, said), lambda: notice(Direction.OUT, payout_id, failed)] * 5

    in_parallel(returned(parts[0].id), THREADS)
    assert (real(player.id), get_withdrawal(asked.id).state) == ("50.00", WithdrawalState.PAID)
    in_parallel(returned(parts[1].id), THREADS)
    assert (real(player.id), get_withdrawal(asked.id).state) == ("100.00", WithdrawalState.FAILED)
    assert told(player.id).count("payout-returned") == 2


def taken_back(deposit_id: UUID, amount: str = "", number: int = 1) -> Callable[[], bool]:
    """A bank's notice: the ``number``-th chargeback of this deposit, of a part or of all that is left."""
    answer = PaymentAnswer(PaymentState.CHARGED_BACK, "ref", "fraudulent", eur(amount) if amount else None)
    return lambda: notice(Direction.IN, deposit_id, answer, number)


def test_a_chargeback_told_twenty_times_at_once_is_one() -> None:
    player = make_player()
    deposit = pay_in(player.id)
    in_parallel([taken_back(deposit.id), taken_back(deposit.id, "100.00", number=2)] * 10, THREADS)
    assert (real(player.id), get_deposit(deposit.id).state) == ("0.00", DepositState.CHARGED_BACK)
    assert (count("chargeback"), told(player.id).count("deposit-charged-back")) == (1, 1)


def test_partial_chargebacks_add_up_and_never_exceed_the_deposit() -> None:
    player = make_player()
    deposit = pay_in(player.id)
    fund(player.id, "50.00")
    works = [taken_back(deposit.id, amount, n) for n, amount in enumerate(("30.00", "25.00", "40.00"), 1)] * 5
    in_parallel(works, THREADS)
    assert real(player.id) == "55.00"
    taken_back(deposit.id, "10.00", 4)()  # only 5.00 of the deposit are left
    taken_back(deposit.id, "10.00", 5)()
    assert real(player.id) == "50.00"
    sums = fetch_one("SELECT count(*), sum(amount_minor) FROM wallet_transfer WHERE kind = 'chargeback'")
    assert sums == (4, 10_000)


def test_refunds_that_say_how_much_so_far_add_up_in_any_order() -> None:
    player = make_player()
    deposit = pay_in(player.id)

    def refunded(amount: str) -> None:
        answer = PaymentAnswer(PaymentState.CHARGED_BACK, "ref", "refunded", eur(amount), so_far=True)
        settle_deposit(deposit_id=deposit.id, answer=answer, notice_id=f"so far {amount}", actor=ACTOR, at=AT)

    in_parallel([lambda a=amount: refunded(a) for amount in ("20.00", "50.00", "35.00")] * 5, THREADS)
    assert real(player.id) == "50.00"
    taken_back(deposit.id)()  # and the bank takes all that is left
    assert real(player.id) == "0.00"


# --- bulk, half-way --------------------------------------------------------------------------------------------------


def waiting(number: int) -> list[UUID]:
    """Withdrawals in review, of as many players."""
    asked = []
    for _ in range(number):
        player = make_player()
        pay_in(player.id)
        asked.append(withdraw(player.id).id)
    return asked


def states(asked: list[UUID]) -> Counter[str]:
    return Counter(get_withdrawal(one).state.value for one in asked)


def approve_in_bulk(client: Client, asked: list[UUID]) -> None:
    client.post(reverse("admin:wallet_withdrawal_bulk"), {"ids": [str(one) for one in asked], "confirmed": "1"})


def test_two_people_who_approve_the_same_bulk_pay_each_once() -> None:
    asked = waiting(8)
    browsers = [staff_client("operations"), staff_client("finance")]
    in_parallel([lambda b=browser: approve_in_bulk(b, asked) for browser in browsers], 2)
    in_parallel([lambda: send_due(actor=ACTOR, at=AT + timedelta(days=400))] * 4, 4)
    assert Payout.objects.count() == 8
    assert count("withdrawal") == 8


KILLED = """
    import os, signal, sys
    import django
    django.setup()
    from django.urls import reverse
    from tests.staff import client_of
    from wallet.services import withdrawal_decisions

    real, left = withdrawal_decisions.let_through, [3]

    def approve(*args):
        real(*args)
        left[0] -= 1
        if not left[0]:  # the third one is written, and never committed
            os.kill(os.getpid(), signal.SIGKILL)

    withdrawal_decisions.let_through = approve
    client = client_of(int(sys.argv[1]))
    client.post(reverse("admin:wallet_withdrawal_bulk"), {"ids": sys.argv[2:], "confirmed": "1"})
"""


def test_a_bulk_approval_killed_half_way_is_whole_for_each_and_can_be_repeated() -> None:
    asked = waiting(6)
    process = python(KILLED, str(staff_id("operations")), *map(str, asked))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert states(asked) == {"approved": 2, "in_review": 4}
    assert Payout.objects.count() == 2
    approve_in_bulk(staff_client("finance"), asked)
    assert states(asked) == {"approved": 6}
    assert Payout.objects.count() == 6


def test_a_bulk_approval_that_fails_at_one_goes_on_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from wallet.services import withdrawal_decisions

    asked, real_approve = waiting(5), withdrawal_decisions.let_through

    def approve(withdrawal: object, *more: object) -> None:
        real_approve(withdrawal, *more)  # type: ignore[arg-type]
        if withdrawal.id == asked[2]:  # type: ignore[attr-defined]
            raise RuntimeError("a defect, after everything was written")

    with monkeypatch.context() as patch:
        patch.setattr(withdrawal_decisions, "let_through", approve)
        approve_in_bulk(staff_client("operations"), asked)
    assert get_withdrawal(asked[2]).state is WithdrawalState.IN_REVIEW
    assert states(asked) == {"approved": 4, "in_review": 1}
    approve_in_bulk(staff_client("operations"), asked)
    assert states(asked) == {"approved": 5}
    assert Payout.objects.count() == 5


# --- sealing while posting -------------------------------------------------------------------------------------------


def test_what_is_posted_while_it_is_sealed_is_in_exactly_one_seal(settings: Settings, tmp_path: object) -> None:
    settings.SEALS_PATH, settings.SEAL_PRIVATE_KEYS = tmp_path, [new_private_key()]
    players = [make_player() for _ in range(6)]
    for player in players:
        fund(player.id, "100.00")

    def seal() -> str:
        list(seal_ledger(at=AT))
        return "sealed"

    works: list[Callable[[], object]] = []
    for number in range(120):
        works.append(lambda p=players[number % 6]: bet(p.id, "1.00").outcome)
        if number % 6 == 0:
            works += [seal, seal]  # two sealers at once, too
    in_parallel(works, THREADS)
    seal()
    sealed = SealRow.objects.values_list("entries", flat=True)
    assert len(sealed) > 1
    assert sum(sealed) == fetch_one("SELECT count(*) FROM wallet_entry")[0] == 2 * (120 + 6)
    assert prove(at=AT).sound


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """The script in a process of its own, on this test's database."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

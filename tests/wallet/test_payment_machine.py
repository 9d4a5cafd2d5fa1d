"""Random sequences of everything that brings a player's money in or takes it out, against ``payment_model``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from compliance.selectors import get_approval
from compliance.services import approvals
from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_all
from kernel.errors import DomainError
from kernel.money import Money
from players.selectors import list_restrictions
from players.services.accounts import change_status
from players.services.restrictions import lift
from players.types import RestrictionKind, Status
from tests.factories import ACTOR, AT, make_player
from tests.wallet.payment_model import In, Model, Out, Part, S
from tests.wallet.payments import instrument
from tests.wallet.purses import charge
from wallet.ports import PaymentAnswer, PaymentState
from wallet.selectors import get_balances, get_deposit, get_withdrawal, list_instruments, list_payouts
from wallet.services import adjustments
from wallet.services.deposits import DepositMoved, cancel_deposit, chase_pending, request_deposit, settle_deposit
from wallet.services.dormancy import run_dormancy
from wallet.services.payment_sending import send_due, settle_payout
from wallet.services.verification import verify
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.services.withdrawal_money import InsufficientFunds, WithdrawalMoved, WithdrawalRefused
from wallet.services.withdrawals import cancel_withdrawal, request_withdrawal
from wallet.types_adjustments import AdjustmentDetails
from wallet.types_payments import DepositDetails
from wallet.types_purses import FeeKind

pytestmark = pytest.mark.usefixtures("db")

DORMANT_FEE = 250
THRESHOLD = 10_000  # ADJUSTMENT_APPROVAL_ABOVE
TOKENS = [
    "ok",
    "pending",
    "timeout",
    "lost",
    "decline",
    "authorise",
    "payout_partial",
    "payout_pending",
    "payout_decline",
]
AMOUNTS = st.integers(100, 4_000)
PARTS = st.none() | st.integers(1, 4_000)
RIGHTS = frozenset(
    f"wallet.{name}"
    for name in ("adjust_balance", "approve_adjustment", "write_off_balance", "approve_write_off", "approve_withdrawal")
)


class Payments(RuleBasedStateMachine):
    """Every step is done on both, and both must hold the same."""

    @initialize(amount=AMOUNTS)
    def begin(self, amount: int) -> None:
        self.player = make_player().id
        self.model = Model()
        self.steps = 0
        self.cards: dict[str, UUID] = {}
        self.waiting: list[AdjustmentDetails] = []
        first_of_month = (clock.now() + timedelta(days=400)).replace(day=1, hour=5)
        self.month = first_of_month
        self.deposit("ok", amount, False)

    def common(self) -> dict[str, Any]:
        """Two hours later: everything that is open is due again."""
        self.steps += 1
        return {"actor": ACTOR, "at": AT + timedelta(hours=2 * self.steps)}

    def staff(self) -> dict[str, Any]:
        """Somebody else each time."""
        return self.common() | {"actor": Actor(ActorKind.STAFF, str(self.steps), RIGHTS)}

    def card(self, token: str) -> UUID:
        if token not in self.cards:
            self.cards[token] = instrument(self.player, f"tok_{token}").id
        return self.cards[token]

    @contextmanager
    def refused(self, why: type[DomainError] | None) -> Iterator[None]:
        if why is None:
            yield
        else:
            with pytest.raises(why):
                yield

    # --- deposits

    @rule(token=st.sampled_from(TOKENS), amount=AMOUNTS, twice=st.booleans())
    def deposit(self, token: str, amount: int, twice: bool) -> None:
        common = self.common()
        self.card(token)

        def ask() -> DepositDetails:
            return request_deposit(
                player_id=self.player, amount=Money(amount, "EUR"), provider="sandbox", instrument=f"tok_{token}",
                source=str(self.player), idempotency_key=f"deposit {self.steps}", **common,
            )  # fmt: skip

        details = ask()
        deposit = self.model.deposits[details.id] = In(token, amount)
        if token == "decline":
            deposit.state = "failed"
        elif token not in ("pending", "timeout", "lost"):
            self.model.make(deposit)
        if twice:
            assert ask().id == details.id
            self.ask_again(deposit)

    def ask_again(self, deposit: In, late: bool = False) -> None:
        """The provider is asked what became of a deposit that is open."""
        if deposit.state == "pending" and deposit.token in ("pending", "timeout"):
            self.model.make(deposit)
        elif deposit.state == "pending" and late:
            deposit.state = "failed"  # it never arrived

    @rule()
    def chase(self) -> None:
        chase_pending(**self.common())
        for deposit in self.model.deposits.values():
            self.ask_again(deposit, late=True)

    @rule(data=st.data())
    def give_up_deposit(self, data: st.DataObject) -> None:
        deposit_id = data.draw(st.sampled_from(list(self.model.deposits)))
        deposit = self.model.deposits[deposit_id]
        if deposit.state == "pending" and deposit.token == "timeout":
            self.model.make(deposit)  # too late: it was taken
        elif deposit.state == "pending":
            deposit.state = "cancelled"
        with self.refused(DepositMoved if deposit.state == "made" else None):
            cancel_deposit(deposit_id=deposit_id, **self.common())

    @rule(
        data=st.data(),
        word=st.sampled_from([S.PENDING, S.MADE, S.FAILED, S.CANCELLED, *[S.CHARGED_BACK, S.REINSTATED] * 2]),
        said=PARTS,
        so_far=st.booleans(),
        twice=st.booleans(),
    )
    def hear_of_deposit(
        self, data: st.DataObject, word: PaymentState, said: int | None, so_far: bool, twice: bool
    ) -> None:
        deposit_id = data.draw(st.sampled_from(list(self.model.deposits)))
        so_far = so_far and word is S.CHARGED_BACK and said is not None
        answer = PaymentAnswer(
            word, "", "refunded" if so_far else "", None if said is None else Money(said, "EUR"), so_far=so_far
        )
        common = self.common()
        for _ in range(1 + twice):
            settle_deposit(
                deposit_id=deposit_id, answer=answer, notice_id=f"{self.player} {self.steps}", **common
            )  # fmt: skip
        self.model.hear_in(self.model.deposits[deposit_id], word, said, so_far)

    @precondition(lambda self: self.model.locked)
    @rule()
    def lift_hold(self) -> None:
        common = self.common()
        for found in list_restrictions(self.player, standing_at=common["at"]):
            assert found.kind is RestrictionKind.WITHDRAWAL_HOLD
            lift(restriction_id=found.id, reason="Looked at", **common)
        self.model.locked = False

    # --- withdrawals

    @rule(token=st.sampled_from(TOKENS), amount=AMOUNTS)
    def withdraw(self, token: str, amount: int) -> None:
        card, common = self.card(token), self.common()
        enough = amount <= self.model.real
        with self.refused(WithdrawalRefused if self.model.locked else None if enough else InsufficientFunds):
            details = request_withdrawal(
                player_id=self.player, amount=Money(amount, "EUR"), instrument_id=card, source=str(self.player),
                idempotency_key=f"withdrawal {self.steps}", **common,
            )  # fmt: skip
            self.model.real -= amount
            self.model.withdrawals[details.id] = Out(amount, (amount + 5) // 10)

    def some(self, data: st.DataObject) -> tuple[UUID, Out]:
        withdrawal_id = data.draw(st.sampled_from(list(self.model.withdrawals)))
        return withdrawal_id, self.model.withdrawals[withdrawal_id]

    @precondition(lambda self: self.model.withdrawals)
    @rule(data=st.data(), part=st.none() | st.fractions(0, 1, max_denominator=7))
    def approve(self, data: st.DataObject, part: Any) -> None:
        """All of it, or a part. Among which instruments it is divided is the closed loop's: taken as it comes."""
        withdrawal_id, out = self.some(data)
        approved = out.asked if part is None else max(1, int(out.asked * part))
        with self.refused(None if out.state == "in_review" else WithdrawalMoved):
            approve_withdrawal(withdrawal_id=withdrawal_id, amount=Money(approved, "EUR"), **self.staff())
        if out.state != "in_review":
            return
        names = {card: token for token, card in self.cards.items()}
        for payout in list_payouts(withdrawal_id):
            amount, fee = payout.amount.amount_minor, payout.fee.amount_minor
            out.parts[payout.id] = Part(names[payout.instrument_id], amount, fee)
            self.model.paid_out[names[payout.instrument_id]] += amount
        assert sum(one.amount for one in out.parts.values()) == approved
        fee = out.fee * approved // out.asked
        assert fee - len(out.parts) <= sum(one.fee for one in out.parts.values()) <= fee
        assert all(0 <= one.fee < one.amount for one in out.parts.values())
        self.model.real += out.asked - approved
        out.returned, out.state = out.asked - approved, "approved"

    @precondition(lambda self: self.model.withdrawals)
    @rule(data=st.data(), by_player=st.booleans())
    def stop(self, data: st.DataObject, by_player: bool) -> None:
        """Cancelled by the player, or rejected by staff."""
        withdrawal_id, out = self.some(data)
        again = by_player and out.state == "cancelled"
        with self.refused(
            None if self.model.end(out, "cancelled" if by_player else "rejected") or again else WithdrawalMoved
        ):
            if by_player:
                cancel_withdrawal(withdrawal_id=withdrawal_id, **self.common())
            else:
                reject_withdrawal(withdrawal_id=withdrawal_id, reason="No", **self.staff())

    @precondition(lambda self: self.model.withdrawals)
    @rule()
    def send(self) -> None:
        send_due(**self.common())
        self.model.send()

    @precondition(lambda self: any(out.parts for out in self.model.withdrawals.values()))
    @rule(
        data=st.data(),
        word=st.sampled_from([S.PENDING, S.MADE, S.FAILED, S.CANCELLED, S.RETURNED]),
        said=PARTS,
        twice=st.booleans(),
    )
    def hear_of_payout(self, data: st.DataObject, word: PaymentState, said: int | None, twice: bool) -> None:
        every = [(out, id_) for out in self.model.withdrawals.values() for id_ in out.parts]
        out, payout_id = data.draw(st.sampled_from(every))
        answer = PaymentAnswer(word, "", "", None if said is None else Money(said, "EUR"))
        common = self.common()
        for _ in range(1 + twice):
            settle_payout(payout_id=payout_id, answer=answer, notice_id=f"{self.player} {self.steps}", **common)
        self.model.hear_out(out, out.parts[payout_id], word, said)

    # --- corrections and fees

    @rule(amount=(st.integers(-3_000, 3_000) | st.integers(THRESHOLD + 1, THRESHOLD + 500)).filter(bool))
    def adjust(self, amount: int) -> None:
        common = self.staff()
        low = self.model.real + amount < 0
        with self.refused(adjustments.BalanceTooLow if low else None):
            details = adjustments.adjust(
                player_id=self.player, amount=Money(amount, "EUR"), reason="goodwill", evidence="Ticket 1",
                idempotency_key=f"{self.player} {self.steps}", **common,
            )  # fmt: skip
            if amount > THRESHOLD:
                self.waiting.append(details)
            else:
                self.model.move("adjustments", amount)

    @precondition(lambda self: self.waiting)
    @rule(agreed=st.booleans())
    def decide(self, agreed: bool) -> None:
        waiting, common = self.waiting.pop(), self.staff()
        found = get_approval(waiting.approval_id)  # type: ignore[arg-type]
        if agreed:
            approvals.approve(approval_id=found.id, seen_digest=found.digest, comment="", **common)
            self.model.move("adjustments", waiting.amount.amount_minor)
        else:
            approvals.reject(approval_id=found.id, comment="No.", **common)

    @rule()
    def write_off(self) -> None:
        """The account is closed, written off, and opened again."""
        change_status(player_id=self.player, to=Status.CLOSED, reason="Asked", **self.staff())
        with self.refused(None if self.model.real else adjustments.NothingToWriteOff):
            asked = adjustments.write_off(
                player_id=self.player, reason="untraceable", evidence="No answer",
                idempotency_key=f"{self.player} {self.steps}", **self.staff(),
            )  # fmt: skip
            found = get_approval(asked.approval_id)  # type: ignore[arg-type]
            approvals.approve(approval_id=found.id, seen_digest=found.digest, comment="", **self.staff())
            self.model.move("write_offs", -self.model.real)
        change_status(player_id=self.player, to=Status.ACTIVE, reason="Came back", **self.staff())

    @rule()
    def another_silent_month(self) -> None:
        """Told at the first, charged from the second on; who has nothing left is told anew."""
        run_dormancy(actor=ACTOR, at=self.month)
        self.month += timedelta(days=31)
        if not self.model.real:
            self.model.noticed = False
        elif not self.model.noticed:
            self.model.noticed = True
        else:
            self.model.move("fees", -min(DORMANT_FEE, self.model.real))

    # --- both hold the same

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "player"):
            return
        model, now = self.model, get_balances(self.player)
        assert (now.real.amount_minor, now.held.amount_minor) == (model.real, model.held)
        assert house_of(self.player) == {kind: minor for kind, minor in model.house.items() if minor}
        assert model.real + model.held + sum(model.house.values()) == 0  # nothing came from nowhere
        names = {card: token for token, card in self.cards.items()}
        for row in list_instruments(self.player):
            paid_in, paid_out = model.paid_in[names[row.id]], model.paid_out[names[row.id]]
            assert (row.paid_in.amount_minor, row.owed_back.amount_minor) == (paid_in, max(paid_in - paid_out, 0))

    @invariant()
    def payments_are_where_they_should_be(self) -> None:
        if not hasattr(self, "player"):
            return
        for deposit_id, deposit in self.model.deposits.items():
            found = get_deposit(deposit_id)
            assert (found.state, found.amount.amount_minor, found.taken_back.amount_minor) == (
                deposit.shown, deposit.amount, deposit.taken,
            )  # fmt: skip
        for withdrawal_id, out in self.model.withdrawals.items():
            got = get_withdrawal(withdrawal_id)
            assert got.state == out.state
            sums = [money.amount_minor for money in (got.paid, got.charged, got.returned)]
            assert sums == [out.paid, out.charged, out.returned]

    def teardown(self) -> None:
        """Nothing is found broken; asked once, for it reads the whole ledger."""
        assert [finding for finding in verify() if finding.broken] == []


def house_of(player_id: UUID) -> dict[str, int]:
    """What the player's movements have left on each account of the house."""
    rows = fetch_all(
        """SELECT a.kind, sum(e.amount_minor)::bigint AS minor FROM wallet_transfer t
           JOIN wallet_entry e ON e.transfer_id = t.id JOIN wallet_account a ON a.id = e.account_id
           WHERE t.player_id = %s AND a.player_id IS NULL GROUP BY 1 HAVING sum(e.amount_minor) <> 0""",
        [player_id],
    )
    return {row["kind"]: row["minor"] for row in rows}


def test_payments_do_what_the_model_does(settings: Any) -> None:
    settings.DORMANT_FEE = {"EUR": f"{DORMANT_FEE / 100:.2f}"}
    charge(FeeKind.WITHDRAWAL, percent="10")
    run_machine()


def run_machine() -> None:
    run_state_machine_as_test(
        Payments,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )

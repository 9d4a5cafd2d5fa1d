"""What payments do to a player's money, in a few lines of plain Python: what ``test_payment_machine`` holds them to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from wallet.ports import PaymentState

S = PaymentState


@dataclass
class In:
    """A deposit: "pending", "failed", "cancelled", or the player has it ("made")."""

    token: str
    amount: int
    state: str = "pending"
    taken: int = 0  # by chargebacks and refunds, less what was given back
    refunded: int = 0
    of_player: int = 0  # what of ``taken`` was the player's and not the house's
    disputed: bool = False

    @property
    def shown(self) -> str:
        if self.state != "made" or not self.disputed:
            return self.state
        return "charged_back" if self.taken else "reinstated"


@dataclass
class Part:
    """A payout. ``known``: the provider has told its own id, and is asked from then on."""

    token: str
    amount: int
    fee: int
    state: str = "planned"
    paid: int = 0
    charged: int = 0
    known: bool = False


@dataclass
class Out:
    """A withdrawal. What is neither paid, charged nor returned of ``asked`` is held."""

    asked: int
    fee: int
    state: str = "in_review"
    returned: int = 0
    parts: dict[UUID, Part] = field(default_factory=dict)

    @property
    def paid(self) -> int:
        return sum(part.paid for part in self.parts.values())

    @property
    def charged(self) -> int:
        return sum(part.charged for part in self.parts.values())


class Model:
    """What the player has, and what each account of the house has of this player."""

    def __init__(self) -> None:
        self.real = 0
        self.house: dict[str, int] = defaultdict(int)
        self.paid_in: dict[str, int] = defaultdict(int)
        self.paid_out: dict[str, int] = defaultdict(int)
        self.deposits: dict[UUID, In] = {}
        self.withdrawals: dict[UUID, Out] = {}
        self.locked = False  # no withdrawals: a chargeback came
        self.noticed = False

    @property
    def held(self) -> int:
        return sum(out.asked - out.paid - out.charged - out.returned for out in self.withdrawals.values())

    def move(self, account: str, amount: int) -> None:
        """Between the player's real money and the house; above zero to the player."""
        self.real += amount
        self.house[account] -= amount

    # --- in

    def make(self, deposit: In, said: int | None = None) -> None:
        deposit.state, deposit.amount = "made", said or deposit.amount
        self.paid_in[deposit.token] += deposit.amount
        self.move("payments", deposit.amount)

    def hear_in(self, deposit: In, word: PaymentState, said: int | None, so_far: bool) -> None:
        if word is S.MADE and deposit.state != "made":
            self.make(deposit, said)
        elif word in (S.FAILED, S.CANCELLED) and deposit.state == "pending":
            deposit.state = str(word)
        elif word is S.CHARGED_BACK:
            self.take_back(deposit, said, so_far)
        elif word is S.REINSTATED and deposit.state == "made":
            self.give_back(deposit, said)

    def take_back(self, deposit: In, said: int | None, so_far: bool) -> None:
        left = deposit.amount - deposit.taken
        news = left if said is None else min(left, said - deposit.refunded if so_far else said)
        if news <= 0:
            return
        if deposit.state != "made":  # what is taken back must have been paid
            self.make(deposit)
        own = min(news, self.real)
        self.move("payments", -own)
        self.house["payments"] += news - own
        self.house["chargebacks"] -= news - own
        self.paid_in[deposit.token] -= news
        deposit.taken += news
        deposit.of_player += own
        deposit.disputed = True
        if so_far:
            deposit.refunded += news
        else:
            self.locked = True

    def give_back(self, deposit: In, said: int | None) -> None:
        disputed = deposit.taken - deposit.refunded
        back = disputed if said is None else min(said, disputed)
        if back <= 0:
            return
        own = min(back, deposit.of_player)
        self.move("payments", own)
        self.house["payments"] -= back - own
        self.house["chargebacks"] += back - own
        self.paid_in[deposit.token] += back
        deposit.taken -= back
        deposit.of_player -= own

    # --- out

    def end(self, out: Out, state: str) -> bool:
        """Before it is sent: everything back to the player."""
        if out.state not in ("in_review", "approved"):
            return False
        for part in out.parts.values():
            part.state = "dropped"
            self.paid_out[part.token] -= part.amount
        self.real += out.asked - out.returned
        out.returned, out.state = out.asked, state
        return True

    def back(self, out: Out, part: Part, amount: int) -> None:
        self.paid_out[part.token] -= amount
        out.returned += amount
        self.real += amount

    def hear_out(self, out: Out, part: Part, word: PaymentState, said: int | None = None) -> None:
        if part.state == "sent":
            due = part.amount - part.fee
            if word is S.MADE and said is not None and said <= 0:
                word = S.FAILED
            if word in (S.MADE, S.RETURNED):
                part.state, part.paid = "paid", due if word is S.RETURNED or said is None else min(said, due)
                part.charged = part.fee * part.paid // due
                self.house["payments"] += part.paid
                self.house["fees"] += part.charged
                self.back(out, part, part.amount - part.paid - part.charged)
            elif word in (S.FAILED, S.CANCELLED):
                part.state = "failed"
                self.back(out, part, part.amount)
            if word is not S.RETURNED:
                return self.finish(out)
        if part.state == "paid" and word in (S.RETURNED, S.FAILED, S.CANCELLED):
            part.state = "returned"
            self.house["payments"] -= part.paid
            self.house["fees"] -= part.charged
            self.back(out, part, part.paid + part.charged)
            part.paid = part.charged = 0
        return self.finish(out)

    def finish(self, out: Out) -> None:
        if out.state in ("sent", "paid") and not any(part.state in ("planned", "sent") for part in out.parts.values()):
            out.state = "paid" if out.paid else "failed"

    def send(self) -> None:
        """One run of the sender: each open payout is handed over, or asked about."""
        for out in self.withdrawals.values():
            for part in out.parts.values():
                if part.state == "planned" and out.state in ("approved", "sent") and not self.locked:
                    part.state = out.state = "sent"
                if part.state != "sent" or part.token in ("timeout", "lost"):
                    continue
                if part.token in ("pending", "payout_pending") and not part.known:
                    part.known = True
                elif part.token in ("decline", "payout_decline"):
                    self.hear_out(out, part, S.FAILED)
                else:
                    half = (part.amount - part.fee) // 2
                    self.hear_out(out, part, S.MADE, half if part.token == "payout_partial" else None)

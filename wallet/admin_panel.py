"""The wallet's tab of the player page: purses, ledger with running balance, deposits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kernel.access import allowed
from kernel.actors import Actor
from kernel.money import Money
from players.ports import Figure, PanelRequest
from players.types import PlayerDetails, Status
from wallet.selectors import get_balances, list_deposits, list_ledger, list_purses, list_withdrawals
from wallet.selectors_adjustments import list_adjustments, list_disputes
from wallet.selectors_history import get_balances_at
from wallet.selectors_holds import list_holds

PAGE = 30


class WalletPanel:
    key, title, order, permission = "wallet", "Wallet", 10, "wallet.view_account"
    template = "wallet/panel.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id = request.player.id
        before = _uuid(request.query.get("before", ""))
        sees_adjustments = allowed(request.actor, "wallet.view_adjustment", request.player)
        sees_disputes = allowed(request.actor, "wallet.view_dispute", request.player)
        lines = list_ledger(player_id, before=before, limit=PAGE)
        return {
            "purses": list_purses(player_id),
            "holds": list_holds(player_id, limit=5),
            "lines": lines,
            "older": lines[-1].id if len(lines) == PAGE else None,
            "first_page": before is None,
            "may_open": allowed(request.actor, "wallet.view_transfer", request.player),
            "shows_deposits": allowed(request.actor, "wallet.view_deposit", request.player),
            "deposits": list_deposits(player_id, limit=5),
            "shows_withdrawals": allowed(request.actor, "wallet.view_withdrawal", request.player),
            "withdrawals": list_withdrawals(player_id, limit=5),
            "may_adjust": allowed(request.actor, "wallet.adjust_balance", request.player),
            "may_write_off": request.player.status is Status.CLOSED
            and allowed(request.actor, "wallet.write_off_balance", request.player),
            "may_dispute": allowed(request.actor, "wallet.work_disputes", request.player),
            "adjustments": list_adjustments(player_id, limit=5) if sees_adjustments else [],
            "disputes": list_disputes(player_id, limit=5) if sees_disputes else [],
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        balances = get_balances(request.player.id)
        return (
            Figure("Real money", balances.real),
            Figure("Bonus money", balances.bonus),
            *((Figure("Free spins", str(balances.spins_left)),) if balances.spins_left else ()),
            *((Figure("In tournaments", balances.tournament),) if balances.tournament.amount_minor else ()),
        )


class WalletAsOf:
    """What the player held at a moment, by the clock of recording."""

    title, order, permission = "Balances, as recorded by then", 10, "wallet.view_account"

    def rows(self, player: PlayerDetails, at: datetime, actor: Actor) -> Sequence[tuple[str, Money | str]]:
        held = get_balances_at(player.id, at)
        return [
            ("Real money", held.real),
            ("Bonus money", held.bonus),
            ("Set aside", held.held),
            ("In tournaments", held.tournament),
            ("Free spins", str(held.spins_left)),
        ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

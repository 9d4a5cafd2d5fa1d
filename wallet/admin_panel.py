"""The wallet's tab of the player page: purses, ledger with running balance, deposits."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kernel.access import allowed
from players.ports import Figure, PanelRequest
from wallet.selectors import get_balances, list_deposits, list_ledger, list_purses

PAGE = 30


class WalletPanel:
    key, title, order, permission = "wallet", "Wallet", 10, "wallet.view_account"
    template = "wallet/panel.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id = request.player.id
        before = _uuid(request.query.get("before", ""))
        lines = list_ledger(player_id, before=before, limit=PAGE)
        return {
            "purses": list_purses(player_id),
            "lines": lines,
            "older": lines[-1].id if len(lines) == PAGE else None,
            "first_page": before is None,
            "may_open": allowed(request.actor, "wallet.view_transfer"),
            "shows_deposits": allowed(request.actor, "wallet.view_deposit"),
            "deposits": list_deposits(player_id, limit=5),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        balances = get_balances(request.player.id)
        return (Figure("Real money", balances.real), Figure("Bonus money", balances.bonus))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""What clients were promised, against what the books say. SQL of its own: the wallet's functions are not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from kernel.db import fetch_all
from tests.crashes.clients import Call, Client

Standing = Counter[tuple[str, str, int]]  # (key, kind, minor units) → how often it stands in the books


def read_books(clients: Iterable[Client]) -> Standing:
    """Everything in the ledger of these players that a call could have led to, by the call's key."""
    players = [client.player_id for client in clients]
    rows = fetch_all(
        """SELECT coalesce(d.key, w.key, t.reference) AS key, t.kind, t.amount_minor
           FROM wallet_transfer t
           LEFT JOIN wallet_deposit d ON t.kind = 'deposit' AND d.id::text = t.reference
           LEFT JOIN wallet_withdrawal w ON t.kind LIKE 'withdrawal%%' AND w.id::text = split_part(t.reference, ':', 1)
           WHERE t.player_id = ANY(%s) AND t.kind <> 'withdrawal'""",
        [players],
    )
    return Counter((row["key"], row["kind"], row["amount_minor"]) for row in rows)


def effects(call: Call) -> list[tuple[str, str, int]]:
    """What the books hold of a call that was carried out."""
    match call.kind:
        case "play":
            won = [(call.key, "win", call.win)] if call.win else []
            return [(call.key, "bet", call.amount), *won]
        case "rollback":
            assert call.bet
            return [(call.key, "rollback", call.bet.amount)]
        case "withdrawal":
            return [(call.key, "withdrawal_hold", call.amount)]
        case "cancellation":
            assert call.bet
            return [(call.bet.key, "withdrawal_release", call.bet.amount)]
    return [(call.key, call.kind, call.amount)]


def compare(clients: list[Client], books: Standing) -> list[str]:
    """Faults: a promise that does not stand, something doubled or of another amount, something nobody asked for.

    A call without an answer may stand once or not at all.
    """
    faults = []
    rest = Counter(books)
    for client in clients:
        for call in client.calls:
            for effect in effects(call):
                found = rest.pop(effect, 0)
                wanted = {1} if call.applied else {0} if call.answer else {0, 1}
                if found not in wanted:
                    faults.append(f"{call.kind} {call.key}, answer {call.answer!r}: stands {found} times: {effect}")
    return faults + [f"nobody asked for {effect}, {count} times" for effect, count in rest.items()]


def real_of(client: Client) -> int:
    """What the player should have in real money, by the answers alone. Minor units."""
    real, won = 0, Counter[str]()
    for call in client.calls:
        if not call.applied:
            continue
        match call.kind:
            case "deposit":
                real += call.amount
            case "bet" | "withdrawal":
                real -= call.amount
            case "play":
                real += call.win - call.amount
            case "win":
                assert call.bet
                real += call.amount
                won[call.bet.key] += call.amount
            case "rollback":
                assert call.bet
                real += call.bet.amount - won[call.bet.key]
            case "cancellation":
                assert call.bet
                real += call.bet.amount
    return real


def turnover_of(client: Client) -> int:
    """Stakes that stand, in minor units."""
    applied = [call for call in client.calls if call.applied]
    undone = sum(call.bet.amount for call in applied if call.kind == "rollback" and call.bet)
    return sum(call.amount for call in applied if call.kind in ("bet", "play")) - undone


def wins_of(client: Client) -> int:
    """Wins that stand, in minor units. No client rolls back a bet that it has paid a win on."""
    applied = [call for call in client.calls if call.applied]
    return sum(call.win if call.kind == "play" else call.amount for call in applied if call.kind in ("play", "win"))


def read_real(client: Client) -> int:
    rows = fetch_all(
        "SELECT balance_minor FROM wallet_account WHERE player_id = %s AND kind = 'real'", [client.player_id]
    )
    return sum(row["balance_minor"] for row in rows)


def count_unsettled(players: list[UUID]) -> int:
    """Withdrawals that were approved and are not settled yet."""
    rows = fetch_all(
        "SELECT 1 FROM wallet_withdrawal WHERE player_id = ANY(%s) AND state IN ('approved', 'sent')", [players]
    )
    return len(rows)

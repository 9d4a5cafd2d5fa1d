"""The hot path's place in the API's description."""

from __future__ import annotations

from typing import Any

from kernel.rest.schema import PlainOperation, describe_plain
from wallet.rest import forms, purse_forms

_ANSWER = "Answers with the outcome and the balance after it; a problem carries both too."
_BETS, _WRITE = ("wallet", "bets:write"), ("wallet", "wallet:write")

OPERATIONS = (
    PlainOperation(
        "/api/v1/wallet/plays", "post", "play", *_BETS, f"Bet and result at once. {_ANSWER}", forms.Play,
        forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/bets", "post", "place_bet", *_BETS, f"Place a bet. {_ANSWER}", forms.Bet, forms.PostingAnswer
    ),
    PlainOperation(
        "/api/v1/wallet/bets:batch", "post", "place_batch", *_BETS,
        "Up to 1,000 bets and plays of any players, committed together, each with its own key and outcome.", forms.Batch,
        forms.BatchAnswer, keyed=False,
    ),
    PlainOperation(
        "/api/v1/wallet/wins", "post", "credit_win", *_BETS, f"Pay a win on a bet. {_ANSWER}", forms.Win,
        forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/rollbacks", "post", "roll_back_bet", *_BETS,
        f"Undo a bet; an unknown bet is barred from being placed later. {_ANSWER}", forms.Rollback, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/rounds/close", "post", "close_round", *_BETS,
        f"End a round: no bet is placed on it any more; wins and rollbacks still go through. {_ANSWER}",
        purse_forms.RoundClose, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/jackpot-wins", "post", "pay_jackpot", *_BETS,
        f"Pay a jackpot on a bet, out of its contributions. {_ANSWER}", purse_forms.JackpotWin, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/free-bets", "post", "place_free_bet", *_BETS,
        f"Begin a round that uses up free spins of the player. {_ANSWER}", purse_forms.FreeBet, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/free-spins", "post", "grant_free_spins", *_WRITE,
        f"Grant free spins. {_ANSWER}", purse_forms.FreeSpinsGrant, purse_forms.GrantAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/free-spins/forfeits", "post", "forfeit_free_spins", *_WRITE,
        f"Take back the free spins that are left. {_ANSWER}", purse_forms.FreeSpinsEnd, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/tournaments/buy-ins", "post", "buy_into_tournament", *_BETS,
        f"Enter a tournament: the buy-in and its fee leave real money. {_ANSWER}", purse_forms.BuyIn, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/tournaments/rebuys", "post", "rebuy_tournament", *_BETS,
        f"Pay into a tournament again. {_ANSWER}", purse_forms.BuyIn, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/tournaments/settlements", "post", "settle_tournament", *_BETS,
        f"End the player's part in a tournament and pay the prize, if any. {_ANSWER}", purse_forms.Settlement,
        forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/tournaments/refunds", "post", "refund_tournament", *_BETS,
        f"Give back what a tournament has cost, fees included. {_ANSWER}", purse_forms.Refund, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/holds", "post", "reserve", *_BETS,
        f"Set money aside for a bet; `transfer_id` is the hold's id. {_ANSWER}", forms.Reserve, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/holds/{hold_id}/capture", "post", "capture_hold", *_BETS,
        f"Make part or all of a hold a bet, whose key is this request's. {_ANSWER}", forms.Capture, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/holds/{hold_id}/release", "post", "release_hold", *_BETS,
        f"Give back what is left of a hold, or part of it. {_ANSWER}", forms.Release, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/players/{player_id}/balance", "get", "get_balance", "players", "wallet:read",
        "What the player holds now, or held at a moment.", None, forms.Holding,
        (("at", {"type": "string", "format": "date-time"}, "Just before this moment, by the clock of recording."),),
    ),
)  # fmt: skip


def add_hot_path(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook."""
    return describe_plain(result, OPERATIONS)

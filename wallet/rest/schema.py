"""The hot path's place in the API's description."""

from __future__ import annotations

from typing import Any

from kernel.rest.schema import PlainOperation, describe_plain
from wallet.rest import forms

_ANSWER = "Answers with the outcome and the balance after it; a problem carries both too."
_WRITE = ("wallet", "wallet:write")

OPERATIONS = (
    PlainOperation(
        "/api/v1/wallet/plays", "post", "play", *_WRITE, f"Bet and result at once. {_ANSWER}", forms.Play,
        forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/bets", "post", "place_bet", *_WRITE, f"Place a bet. {_ANSWER}", forms.Bet, forms.PostingAnswer
    ),
    PlainOperation(
        "/api/v1/wallet/bets:batch", "post", "place_batch", *_WRITE,
        "Up to 1,000 bets and plays of any players, committed together, each with its own key and outcome.", forms.Batch,
        forms.BatchAnswer, keyed=False,
    ),
    PlainOperation(
        "/api/v1/wallet/wins", "post", "credit_win", *_WRITE, f"Pay a win on a bet. {_ANSWER}", forms.Win,
        forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/rollbacks", "post", "roll_back_bet", *_WRITE,
        f"Undo a bet; an unknown bet is barred from being placed later. {_ANSWER}", forms.Rollback, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/holds", "post", "reserve", *_WRITE,
        f"Set money aside for a bet; `transfer_id` is the hold's id. {_ANSWER}", forms.Reserve, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/holds/{hold_id}/capture", "post", "capture_hold", *_WRITE,
        f"Make part or all of a hold a bet, whose key is this request's. {_ANSWER}", forms.Capture, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/wallet/holds/{hold_id}/release", "post", "release_hold", *_WRITE,
        f"Give back what is left of a hold, or part of it. {_ANSWER}", forms.Release, forms.PostingAnswer,
    ),
    PlainOperation(
        "/api/v1/players/{player_id}/balance", "get", "get_balance", "players", "wallet:read",
        "What the player holds now, or held at a moment.", None, forms.Balance,
        (("at", {"type": "string", "format": "date-time"}, "Just before this moment, by the clock of recording."),),
    ),
)  # fmt: skip


def add_hot_path(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook."""
    return describe_plain(result, OPERATIONS)

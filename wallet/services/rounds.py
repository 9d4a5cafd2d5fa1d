"""Rounds: closed by their game, or by the job that closes forgotten ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from events.services.log import holding
from kernel.actors import Actor
from kernel.context import request_id
from kernel.db import fetch_all, fetch_one
from wallet.models_rounds import RoundSweep
from wallet.services.posting import check_references, post
from wallet.types import Posting

# A sweep goes through the bets in steps of this, and begins at most so far back.
_STEP = timedelta(minutes=10)
_FURTHEST = timedelta(days=7)


def close_round(
    *,
    player_id: UUID,
    game: str,
    round_id: str,
    currency: str,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Close a round of ``source``: no bet is placed on it any more; wins and rollbacks of its bets still go through.

    Publishes RoundSettled, once per round. Raises: FieldErrors. Outcomes: applied, replayed (also when something else
    closed it), conflict, unknown_reference (no bet of the last four months), refused (``round_held``).
    """
    check_references(source=source, idempotency_key=idempotency_key, game=game, round_id=round_id)
    return post(
        "wallet_close_round",
        [player_id, source, idempotency_key, game, round_id, at, str(actor), request_id.get()],
        currency,
    )


def sweep_rounds(*, older_than: timedelta, at: datetime, limit: int = 5_000) -> int:
    """Close the rounds that were left open for ``older_than``; how many. Bets are looked at once, by recording time.

    A round whose money is still reserved stays open and is not looked at again. Publishes RoundSettled for each.
    """
    end = at - older_than
    closed = 0
    while closed < limit:
        with transaction.atomic():
            sweep = RoundSweep.objects.select_for_update(skip_locked=True).first()
            if sweep is None:
                if RoundSweep.objects.exists():  # another one is at it
                    break
                RoundSweep.objects.get_or_create(id=1, defaults={"swept_until": end - _STEP})
                continue
            since = max(sweep.swept_until, end - _FURTHEST)
            until = min(since + _STEP, end)
            if until <= since:
                break
            rounds = fetch_all("SELECT * FROM wallet_open_rounds(%s, %s)", [since, until])
        for row in rounds:  # each in a transaction of its own: a long one would hold every consumer back
            closed += _close(row["player_id"], row["source"], row["game"], row["round"], at)
        RoundSweep.objects.filter(id=1, swept_until=sweep.swept_until).update(swept_until=until)
    return closed


def _close(player_id: UUID, source: str, game: str, round_id: str, at: datetime) -> bool:
    with holding(player_id):
        said: str = fetch_one("SELECT wallet_sweep_round(%s, %s, %s, %s, %s)", [player_id, source, game, round_id, at])[
            0
        ]
    return not said

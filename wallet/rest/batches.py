"""Batches of bets over REST: one request, one transaction, an outcome for each item."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from kernel import clock
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.rest.bodies import read_json, read_money
from kernel.rest.keys import is_key
from kernel.rest.plain import api_view, json_answer
from players.types import public_reason
from wallet.rest import forms
from wallet.services.batches import place_batch
from wallet.types import BatchBet, Posting, RefusalReason

# Some thousand items of ordinary length; an ordinary request may have far less.
MAX_BYTES = 1 << 20


@api_view("POST", "bets:write")
def place(request: HttpRequest, actor: Actor) -> HttpResponse:
    body = read_json(request, forms.Batch, max_bytes=MAX_BYTES)
    items = [_read(number, item) for number, item in enumerate(body.items)]
    postings = place_batch(items=items, source=actor.id, actor=actor, at=clock.now())
    return json_answer(
        forms.BatchAnswer([_answer(item, posting) for item, posting in zip(items, postings, strict=True)])
    )


def _read(number: int, item: forms.BatchItem) -> BatchBet:
    try:
        if not is_key(item.key):
            raise FieldErrors({"key": ["Use 1 to 200 printable ASCII characters."]})
        return BatchBet(
            player_id=item.player_id,
            idempotency_key=item.key,
            game=item.game,
            round_id=item.round,
            stake=read_money("stake", item.stake, item.currency),
            win=None if item.win is None else read_money("win", item.win, item.currency),
        )
    except FieldErrors as error:
        raise error.within(f"items[{number}]") from None


def _answer(item: BatchBet, posting: Posting) -> forms.BatchItemAnswer:
    return forms.BatchItemAnswer(
        item.idempotency_key,
        posting.outcome,
        public_reason(posting.reason),
        posting.transfer_id,
        posting.win_transfer_id,
        None if posting.reason == RefusalReason.UNKNOWN_PLAYER else forms.balance_of(posting),
    )

"""An offer for a list of players: worked through in the background, restartable, each player once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction

from bonuses.models_lists import ListAward, ListItem
from bonuses.selectors import get_offer
from bonuses.services.grants import GRANT
from bonuses.services.grants_many import BATCH, Given, Wanted, grant_many
from bonuses.services.rights import need
from bonuses.types_lists import ItemState, ListDetails
from events.audit import record
from kernel.actors import Actor, system
from kernel.errors import FieldErrors, IdempotencyConflict, NotFound
from kernel.idempotency import digest_of
from kernel.ids import uuid7

MAX_LIST = 200_000


class UnknownList(NotFound):
    """There is no such list."""


def award_list(
    *, offer: str, player_ids: Iterable[UUID], note: str, idempotency_key: str, actor: Actor, at: datetime
) -> ListDetails:
    """Take a list in; ``work_lists`` gives the bonuses. The same key and content gives the same list again.

    Raises: AccessDenied, NotFound, FieldErrors, IdempotencyConflict.
    """
    need(actor, GRANT, None, at)
    ids = list(dict.fromkeys(player_ids))
    if not 1 <= len(ids) <= MAX_LIST:
        raise FieldErrors({"players": [f"From 1 to {MAX_LIST:,} players."]})
    if len(note) > 300 or not note.strip():
        raise FieldErrors({"note": ["Say in at most 300 characters what the list is."]})
    found = get_offer(offer)
    digest = digest_of({"offer": offer, "players": ids, "note": note})
    known = ListAward.objects.filter(asked_by=str(actor), key=idempotency_key).first()
    if known is None:
        try:
            with transaction.atomic():
                row = ListAward.objects.create(
                    id=uuid7(), offer_id=found.id, note=note.strip(), size=len(ids), asked_by=str(actor), asked_at=at,
                    key=idempotency_key, digest=digest,
                )  # fmt: skip
                ListItem.objects.bulk_create(
                    [ListItem(list_id=row.id, player_ref=player_id) for player_id in ids], batch_size=5_000
                )
                record(
                    action="bonuses.award_list", actor=actor, at=at, object_type="bonuses.listaward",
                    object_id=str(row.id), reason=note.strip(), after={"offer": offer, "size": str(len(ids))},
                )  # fmt: skip
            return get_list(row.id)
        except IntegrityError:
            known = ListAward.objects.get(asked_by=str(actor), key=idempotency_key)
    if bytes(known.digest) != digest:
        raise IdempotencyConflict("This idempotency key was used for another list.")
    return get_list(known.id)


def work_lists(*, at: datetime, limit: int = 20_000) -> int:
    """Give the next bonuses of lists that wait, the oldest first; how many players were gone through.

    Any number may run at once, and be killed: what a batch gave and what it says of it are one transaction.
    """
    done = 0
    while done < limit:
        first = ListItem.objects.filter(state=ItemState.WAITING).order_by("id").select_related("list__offer").first()
        if first is None:
            break
        award = first.list
        waiting = ListItem.objects.filter(list_id=award.id, state=ItemState.WAITING).order_by("id")
        items = {item.player_ref: item for item in waiting[:BATCH]}
        given = grant_many(
            offer=award.offer.code,
            wanted=[Wanted(player_id, f"list:{award.id}") for player_id in items],
            note=partial(_note, items),
            actor=system("bonuses.lists"),
            at=at,
        )
        done += len(given)
    return done


def _note(items: Mapping[UUID, ListItem], given: Sequence[Given]) -> None:
    """In the transaction of what was given. Whoever worked on the same ones meanwhile has noted the same."""
    rows = []
    for found in given:
        item = items[found.player_id]
        item.state = ItemState.GIVEN if found.grant_id else ItemState.REFUSED
        item.why = ", ".join(reason.code for reason in found.reasons)[:200]
        rows.append(item)
    ListItem.objects.bulk_update(rows, ["state", "why"])


def get_list(list_id: UUID) -> ListDetails:
    """How far a list has come. Raises: UnknownList."""
    row = ListAward.objects.select_related("offer").filter(id=list_id).first()
    if row is None:
        raise UnknownList("There is no such list.")
    items = ListItem.objects.filter(list_id=list_id)
    return ListDetails(
        id=row.id,
        offer=row.offer.code,
        note=row.note,
        size=row.size,
        given=items.filter(state=ItemState.GIVEN).count(),
        refused=items.filter(state=ItemState.REFUSED).count(),
        asked_at=row.asked_at,
    )

"""Dead letters: amend, replay, discard. Every one of these is an event itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from events.audit import record
from events.catalogue.base import CATALOGUE
from events.catalogue.events import ConsumerChanged
from events.models import Amendment, ConsumerCursor, DeadLetter
from events.ports import get_consumer
from events.selectors import get_cursor, get_event, list_parked
from events.services.consuming import TRANSIENT, apply, describe
from events.services.log import lock_players, publish
from events.types import DeadLetterState
from kernel.actors import Actor
from kernel.db import fetch_one
from kernel.errors import DomainError, NotFound


class ReasonMissing(DomainError):
    """What staff change in the machinery needs a reason."""

    code = "reason_missing"
    title = "A reason is needed"


class NotParked(DomainError):
    """The letter was replayed or discarded before."""

    code = "not_parked"
    title = "This dead letter is settled"
    status = 409


def amend_event(*, event_id: UUID, payload: dict[str, Any], reason: str, actor: Actor, at: datetime) -> None:
    """Store a repaired payload beside an event; consumers read it from the next replay on.

    Publishes ConsumerChanged. Raises: NotFound, ReasonMissing, events.catalogue.base.InvalidPayload.
    """
    _need(reason)
    event = get_event(event_id)
    CATALOGUE[event.type].from_log(event.player_id, event.occurred_at, payload)
    with transaction.atomic():
        Amendment.objects.create(event_id=event_id, payload=payload, reason=reason, actor=str(actor), amended_at=at)
        _report("", f"amended {event_id}", reason, actor, at)


def replay(*, consumer: str, player_id: UUID | None, event_id: UUID | None = None, actor: Actor, at: datetime) -> int:
    """Hand a player's parked events to the consumer again, in order, until one fails; the number that went through.

    For an event of no player name it by ``event_id``. Publishes ConsumerChanged. Raises: UnknownConsumer, NotFound.
    """
    target = get_consumer(consumer)
    with transaction.atomic():
        # The consumer stands still meanwhile: nothing of this player overtakes what is replayed.
        fetch_one("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))::text", [consumer])
        if player_id and target.publishes:
            lock_players([player_id])
        letters = [
            letter
            for letter in list_parked(consumer, player_id)
            if player_id is not None or letter.event_id == event_id
        ]
        if not letters:
            raise NotFound(f"Nothing of this player is parked at {consumer}.")
        done = 0
        for letter in letters:
            try:
                apply(target, [get_event(letter.event_id)])
            except TRANSIENT:
                raise
            except Exception as error:
                DeadLetter.objects.filter(id=letter.id).update(
                    error=describe(error), attempts=F("attempts") + 1, cause="poisoned"
                )
                break
            _settle(letter, DeadLetterState.REPLAYED, actor, at)
            done += 1
        _report(consumer, f"replayed {done} of {len(letters)} parked events", "", actor, at)
        return done


def discard(*, letter_id: UUID, reason: str, actor: Actor, at: datetime) -> None:
    """Give an event up for one consumer; what waits behind it can then be replayed.

    Publishes ConsumerChanged. Raises: NotFound, NotParked, ReasonMissing.
    """
    _need(reason)
    with transaction.atomic():
        letter = DeadLetter.objects.select_for_update().filter(id=letter_id).first()
        if letter is None:
            raise NotFound(f"There is no dead letter {letter_id}.")
        if letter.state != DeadLetterState.PARKED:
            raise NotParked(f"It was {letter.state} at {letter.settled_at} by {letter.settled_by}.")
        _settle(letter, DeadLetterState.DISCARDED, actor, at)
        _report(letter.consumer, f"discarded {letter.event_id}", reason, actor, at)


def pause_consumer(*, name: str, reason: str, actor: Actor, at: datetime) -> None:
    """The consumer takes nothing more until it is resumed. Publishes ConsumerChanged. Raises: ReasonMissing."""
    _need(reason)
    get_consumer(name)
    get_cursor(name)
    with transaction.atomic():
        ConsumerCursor.objects.filter(name=name).update(paused_at=at, pause_reason=reason)
        _report(name, "paused", reason, actor, at)


def resume_consumer(*, name: str, actor: Actor, at: datetime) -> None:
    """Publishes ConsumerChanged."""
    get_consumer(name)
    with transaction.atomic():
        ConsumerCursor.objects.filter(name=name).update(paused_at=None, pause_reason="")
        _report(name, "resumed", "", actor, at)


def _settle(letter: DeadLetter, state: DeadLetterState, actor: Actor, at: datetime) -> None:
    letter.state, letter.settled_at, letter.settled_by = state, at, str(actor)
    letter.save(update_fields=["state", "settled_at", "settled_by"])


def _need(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing("Say in a few words why.")


def _report(consumer: str, change: str, reason: str, actor: Actor, at: datetime) -> None:
    publish(
        ConsumerChanged(
            player_id=None, occurred_at=at, consumer=consumer, change=change, actor=str(actor), reason=reason
        )
    )
    record(
        action="events.change_consumer",
        actor=actor,
        at=at,
        object_type="events.consumercursor" if consumer else "events.event",
        object_id=consumer,
        reason=reason,
        after={"change": change},
    )

"""Logins that come to nothing: counted, kept, and after too many of them no longer tried."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from events.audit import record
from events.catalogue.players import LoginLocked
from events.services.log import lock_players, publish
from events.types import AuditOutcome
from kernel.actors import Actor, ActorKind
from kernel.counting import count, forgive
from kernel.places import find_place
from players.models import LoginAttempt
from players.selectors_identity import find_known_device
from players.types_identity import AttemptOutcome, Origin

IP_WINDOW_SECONDS = 60


class Attempt:
    """One try at an account's password or code, counted before it is judged: parallel guesses can't slip through."""

    def __init__(self, *, what: str, name: str, player_id: UUID | None, origin: Origin, at: datetime) -> None:
        """``what`` is guessed ("password", "code"). ``name`` is what the account was called by.

        ``is_allowed``: the try may be judged. ``is_told``: that it may not can be said. It can where the name itself was
        tried too often, whether anybody has it or not; an account that is locked because of another of its names is
        silently not opened, or the lock would tell that both names are one person's.
        """
        self.player_id, self.origin, self.at = player_id, origin, at
        self.seconds = settings.PLAYER_LOGIN_LOCK_SECONDS
        # A device that the player has logged in from counts for itself: a stranger's guesses don't lock its owner out.
        device = find_known_device(player_id, origin.device_token) if player_id and origin.device_token else None
        whence = device.id if device else "strange"
        called = hashlib.sha256(name.casefold().encode()).hexdigest() if name else player_id
        self.keys = [f"{what}:{whom}:{whence}" for whom in dict.fromkeys((called, player_id or called))]
        numbers = [count(key, self.seconds) for key in self.keys]
        limit = settings.PLAYER_LOGIN_ATTEMPTS
        of_ip = count(f"login-ip:{origin.ip}", IP_WINDOW_SECONDS)
        self.is_told = numbers[0] > limit or of_ip > settings.PLAYER_LOGIN_ATTEMPTS_PER_IP
        self.is_allowed = not self.is_told and numbers[-1] <= limit
        self._just_locked = numbers[-1] == limit + 1

    def fail(self, outcome: AttemptOutcome) -> None:
        """Keep it; what comes while all is locked, once. Publishes LoginLocked when this account was just locked."""
        if outcome is AttemptOutcome.LOCKED and not self._just_locked:
            return
        with transaction.atomic():
            if self.player_id:
                lock_players([self.player_id])
            attempt = LoginAttempt.objects.create(
                player_id=self.player_id,
                outcome=outcome,
                ip=self.origin.ip or None,
                place=str(find_place(self.origin.ip)),
                user_agent=self.origin.user_agent,
                attempted_at=self.at,
            )
            if self._just_locked and self.player_id:
                publish(LoginLocked(player_id=self.player_id, occurred_at=self.at, seconds=self.seconds))
            record(
                action="players.log_in",
                actor=Actor(ActorKind.PLAYER, str(self.player_id or "unknown")),
                at=self.at,
                player_id=self.player_id,
                object_type="players.attempt",
                object_id=str(attempt.id),
                reason=outcome.replace("_", " "),
                outcome=AuditOutcome.DENIED if outcome is AttemptOutcome.REFUSED else AuditOutcome.FAILED,
            )

    def succeed(self) -> None:
        """Begin to count anew."""
        for key in self.keys:
            forgive(key)

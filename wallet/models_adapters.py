"""Tables of the adapters. Money is not among them: it moves through the ledger's posting functions only."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from wallet.types_adapters import AdapterProtocol, IntegrationStatus


class Integration(models.Model):
    """One aggregator's connection to the wallet. Written by staff; ``code`` and ``protocol`` never change."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    code = models.SlugField(max_length=40, primary_key=True)
    name = models.CharField(max_length=120)
    protocol = models.CharField(max_length=20, choices=[(p.value, p.value) for p in AdapterProtocol])
    status = models.CharField(
        max_length=10,
        choices=[(s.value, s.value.capitalize()) for s in IntegrationStatus],
        default=IntegrationStatus.ACTIVE.value,
    )
    currencies = models.JSONField(default=dict, blank=True)
    amount_scale = models.PositiveIntegerField(default=100_000)
    allowed_ips = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class IntegrationKey(models.Model):
    """A key that an integration's requests may be signed with; several at once while it is being changed.

    ``sealed`` is the key under our own encryption (kernel/secrets.py); it is shown once, when it is added, and never
    again. Only ``revoked_at`` and ``revoked_by`` ever change.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.BigAutoField(primary_key=True)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    sealed = models.BinaryField()
    fingerprint = models.CharField(max_length=16)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=120)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=120, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class GameMapping(models.Model):
    """What an integration calls one of our games. Written by staff and imports; may be pointed at another game."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.BigAutoField(primary_key=True)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    their_code = models.CharField(max_length=120)
    game = models.ForeignKey("wallet.Game", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["integration", "their_code"], name="wallet_gamemapping_code_once")
        ]

    def __str__(self) -> str:
        return self.their_code


class GameSession(models.Model):
    """A player's admission to play through one integration, shown by a token of which only the hash is kept.

    Written by services.game_sessions; only the revocation ever changes. Kept after it ended: wins and rollbacks that
    come late find their player by it. ``game`` is the one that was launched; a lobby may move on to others.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    game = models.ForeignKey("wallet.Game", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    token_hash = models.BinaryField(max_length=32, unique=True)
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=120)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="wallet_gamesession_player")]

    def __str__(self) -> str:
        return f"session {self.id}"


class AdapterRequest(models.Model):
    """One request that came from an integration, and what it was answered. Written once, after the answer is known.

    It is evidence beside the ledger, not part of it: a row may be missing after a crash. Partitioned by month; whole
    months are dropped after the retention time. ``replay_of`` names the request that staff tried again.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.TextField()
    endpoint = models.TextField()
    method = models.TextField()
    query = models.TextField()
    body = models.TextField()
    signature_ok = models.BooleanField()
    remote_ip = models.TextField()
    player_id = models.UUIDField(null=True)
    session_id = models.UUIDField(null=True)
    reference = models.TextField()
    status_code = models.SmallIntegerField()
    answer = models.TextField()
    outcome = models.TextField()
    duration_us = models.IntegerField()
    received_at = models.DateTimeField()
    replay_of = models.UUIDField(null=True)
    replayed_by = models.TextField()

    class Meta:
        managed = False
        db_table = "wallet_adapterrequest"
        permissions: ClassVar = [("replay_adapterrequest", "Can dispatch logged requests again")]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.id}"

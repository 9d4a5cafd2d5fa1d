"""The audit trail's table. Rows are facts: written once, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from events.types import AuditOutcome
from kernel.protection import Protection, Retention


class AuditRecord(models.Model):
    """Somebody did, or tried to do, something: who, what, to whom, from where and why. Never changes.

    Written by ``events.audit.record`` only, in the transaction of the deed. ``chain`` and ``sequence`` give its place;
    ``hash`` is over its content and the record before it there. Time of writing: in ``id``; ``occurred_at`` is the deed's.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    chain = models.SmallIntegerField()
    sequence = models.BigIntegerField()
    epoch = models.SmallIntegerField()
    xid = models.BigIntegerField()
    action = models.TextField()
    outcome = models.TextField(choices=[(o.value, o.name.capitalize()) for o in AuditOutcome])
    actor_kind = models.TextField()
    actor_id = models.TextField()
    actor_roles = ArrayField(models.TextField())
    player_id = models.UUIDField(null=True, verbose_name="player")
    object_type = models.TextField()
    object_id = models.TextField()
    reason = models.TextField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.TextField()
    request_id = models.TextField()
    occurred_at = models.DateTimeField()
    hash = models.BinaryField()

    class Meta:
        managed = False
        db_table = "events_auditrecord"
        verbose_name = "audit record"
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("export_audit", "Exports the audit trail")]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_kind}:{self.actor_id}"


class AuditSeal(models.Model):
    """What the store outside the database says of one seal of the audit trail; written after the store, never changes.

    It covers the records of ``epoch`` whose ``xid`` is at least the previous seal's ``xid_until`` and below its own.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    number = models.BigIntegerField(primary_key=True)
    epoch = models.SmallIntegerField()
    xid_until = models.BigIntegerField()
    records = models.BigIntegerField()
    root = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    sealed_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = ["view"]
        indexes: ClassVar = [models.Index(fields=["epoch", "xid_until"], name="events_audit_seal_place")]

    def __str__(self) -> str:
        return f"seal {self.number}"

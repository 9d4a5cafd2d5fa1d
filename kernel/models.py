"""Kernel's tables: what idempotency keys have led to, and the keys of sealed personal data."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention


class IdempotencyKey(models.Model):
    """A write outside the wallet that was done once: its key, the digest of its content and the id of its result.

    Written in the transaction of that write (``kernel.idempotency``); never changes. The wallet has its own.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    result = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key"], name="kernel_idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class SubjectKey(models.Model):
    """The key that one person's sealed data stands under, itself sealed under a master key (``kernel.vault``).

    It lives in a database of its own, ``keys``, so that destroying it reaches every copy and backup of the data.
    A newer ``version`` replaces an older one once everything is sealed anew. Destroying empties ``sealed_key`` and
    leaves the row as proof; nothing is ever deleted.
    """

    protection: ClassVar = Protection(Retention.ACCOUNT_LIFE)

    id = models.BigAutoField(primary_key=True)
    subject_id = models.UUIDField()
    version = models.PositiveSmallIntegerField(default=1)
    master_key_id = models.CharField(max_length=8)
    sealed_key = models.BinaryField(max_length=60, null=True)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject_id", "version"], name="kernel_subjectkey_once"),
            models.CheckConstraint(
                condition=models.Q(sealed_key=None, destroyed_at__isnull=False)
                | models.Q(sealed_key__isnull=False, destroyed_at=None),
                name="kernel_subjectkey_destroyed_is_empty",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["master_key_id", "id"], name="kernel_subjectkey_master")]

    def __str__(self) -> str:
        return f"{self.subject_id} v{self.version}"


from kernel import models_clients, models_fx  # noqa: E402, F401  (Django looks for models here)

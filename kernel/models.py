"""Kernel's one table: what an idempotency key has led to."""

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


from kernel import models_clients  # noqa: E402, F401  (Django looks for models here)

"""What this project knows of a service client beyond allauth's table of OAuth clients."""

from __future__ import annotations

from typing import ClassVar

from allauth.idp.oidc.models import Client
from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.protection import Protection, Retention


class ServiceClient(models.Model):
    """A program that may call the API: whose it is, from where, how often, and since when not any more.

    Written by kernel.clients; id, name, scopes and secrets stand in allauth's row beside it. ``last_used_at`` is behind
    by up to five minutes. ``requests_per_minute`` empty: API_REQUESTS_PER_MINUTE.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    client = models.OneToOneField(Client, on_delete=models.PROTECT, primary_key=True, related_name="service")
    contact = models.CharField(max_length=200, blank=True, default="")
    allowed_ips = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    secret_issued_at = models.DateTimeField(null=True, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    disabled_by = models.CharField(max_length=120, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = "API client"
        permissions: ClassVar = [
            ("approve_serviceclient", "Approves API clients that somebody else asked for"),
        ]

    def __str__(self) -> str:
        return self.client_id

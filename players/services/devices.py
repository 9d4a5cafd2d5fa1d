"""Trusted devices: where a player is not asked for a second factor."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from events.services.log import holding
from kernel.errors import NotFound
from players.models import Device
from players.selectors_identity import get_device
from players.types_identity import DeviceDetails


def trust(*, player_id: UUID, device_id: UUID, at: datetime) -> DeviceDetails:
    """Ask for no second factor on this device for a while. Raises: NotFound for a device that is not the player's."""
    until = at + timedelta(seconds=settings.PLAYER_DEVICE_TRUST_SECONDS)
    return _set(player_id, device_id, until)


def distrust(*, player_id: UUID, device_id: UUID) -> DeviceDetails:
    """Ask for the second factor again there. Raises: NotFound."""
    return _set(player_id, device_id, None)


def distrust_all(*, player_id: UUID) -> None:
    """After a change of what protects the account, every device proves itself anew."""
    with holding(player_id):
        Device.objects.filter(player_id=player_id).exclude(trusted_until=None).update(trusted_until=None)


def _set(player_id: UUID, device_id: UUID, until: datetime | None) -> DeviceDetails:
    with holding(player_id):
        if not Device.objects.filter(id=device_id, player_id=player_id).update(trusted_until=until):
            raise NotFound(f"There is no device {device_id}.")
    return get_device(player_id, device_id)

"""Where an address lies, by a database file in MaxMind's format (GEOIP_DATABASE). Without one nobody knows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from geoip2.database import Reader
from geoip2.errors import AddressNotFoundError
from maxminddb import InvalidDatabaseError

from kernel.context import client_ip

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """``country`` is ISO 3166-1 alpha-2. Both are "" when unknown."""

    country: str = ""
    city: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.city, self.country) if part)


NOWHERE = Place()


@lru_cache(maxsize=4096)
def find_place(ip: str) -> Place:
    """The place of an address as far as the file knows it."""
    reader = _reader(settings.GEOIP_DATABASE)
    if reader is None or not ip:
        return NOWHERE
    try:
        found = reader.city(ip) if "City" in reader.metadata().database_type else reader.country(ip)
    except (AddressNotFoundError, ValueError):
        return NOWHERE
    city = getattr(found, "city", None)
    return Place(found.country.iso_code or "", (city.name if city else "") or "")


def country_of_request() -> str:
    """Where the request that is being worked comes from, ISO 3166-1 alpha-2; "" where there is none, or unknown."""
    return find_place(client_ip.get()).country


@lru_cache(maxsize=2)
def _reader(path: str) -> Reader | None:
    if not path:
        return None
    try:
        return Reader(path)
    except (OSError, InvalidDatabaseError) as error:
        logger.error("GEOIP_DATABASE cannot be read; no place is known: %s", error)
        return None

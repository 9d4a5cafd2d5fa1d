"""The country of an address, from a MaxMind-format file on this machine (GEOIP_DATABASE); without one, unknown."""

from __future__ import annotations

import logging
from functools import lru_cache
from ipaddress import ip_address

import geoip2.database
import geoip2.errors
from django.conf import settings

from kernel.context import client_ip

logger = logging.getLogger(__name__)


def country_of(address: str) -> str:
    """ISO 3166-1 alpha-2; "" when it is not known."""
    reader = _reader(settings.GEOIP_DATABASE)
    if reader is None or not address:
        return ""
    try:
        return reader.country(str(ip_address(address))).country.iso_code or ""
    except (geoip2.errors.AddressNotFoundError, ValueError):
        return ""


def country_of_request() -> str:
    """Of the request that is being worked; "" where there is none."""
    return country_of(client_ip.get())


@lru_cache(maxsize=4)
def _reader(path: str) -> geoip2.database.Reader | None:
    if not path:
        return None
    try:
        return geoip2.database.Reader(path)
    except (OSError, ValueError) as error:
        logger.error("the file of places %s cannot be read: %s", path, error)
        return None

"""Requests that the system sends to addresses which people typed in: to public addresses only.

Without this guard a webhook's or provider's address could make the system call its own neighbours (server-side request
forgery). The name is resolved here and the connection goes to the very address that was checked, so a name that
changes its answer in between gains nothing. Behind an egress proxy (HTTPS_PROXY) the proxy decides instead.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

TIMEOUT_S = (5.0, 30.0)  # connect, answer


class ForbiddenAddress(OSError):
    """The host has no address that the system may call. Reaches callers inside ``requests.ConnectionError``."""


def new_session() -> requests.Session:
    """A session that connects to public addresses only, and to OUTGOING_PRIVATE_HOSTS; with a timeout by default."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _GuardedAdapter())
    return session


def find_address(host: str, port: int) -> str:
    """An address of the host that may be called. Raises: ForbiddenAddress, socket.gaierror."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if host in settings.OUTGOING_PRIVATE_HOSTS:
        return found[0]
    for address in found:
        if _is_public(address):
            return address
    raise ForbiddenAddress(f"{host} is on a private network; OUTGOING_PRIVATE_HOSTS would allow it.")


def _is_public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    return ip.is_global and not ip.is_multicast


class _Guarded:
    """Resolves and checks before it connects; what is above it (TLS, host name) still sees the name."""

    def _new_conn(self: Any) -> socket.socket:
        try:
            address = find_address(self.host.strip("[]"), self.port)
            return create_connection(
                (address, self.port),
                self.timeout,
                source_address=self.source_address,
                socket_options=self.socket_options,
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from error
        except OSError as error:
            raise NewConnectionError(self, f"No connection to {self.host}: {error}") from error


class _GuardedHTTP(_Guarded, HTTPConnection):
    pass


class _GuardedHTTPS(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT_S
        return super().send(request, **kwargs)

"""Django REST framework's view of the access token."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kernel.rest.tokens import ClientToken, find_token


class ClientTokenAuthentication(BaseAuthentication):
    """``request.auth`` is the ClientToken; there is no user behind it: ask ``request.auth.actor``."""

    def authenticate(self, request: Request) -> tuple[None, ClientToken] | None:
        token = find_token(request._request)
        return (None, token) if token else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'

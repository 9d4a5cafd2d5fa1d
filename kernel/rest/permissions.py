"""Scopes: what a service client may do."""

from __future__ import annotations

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kernel.access import require
from kernel.rest.tokens import get_token


class HasScope(BasePermission):
    """The view says which scope each method needs: ``required_scopes = {"GET": "players:read"}``."""

    def has_permission(self, request: Request, view: object) -> bool:
        scopes: dict[str, str] = getattr(view, "required_scopes", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in scopes:
            raise MethodNotAllowed(method)
        player_id = getattr(view, "kwargs", {}).get("player_id")
        require(get_token(request._request).actor, scopes[method], player_id)
        return True

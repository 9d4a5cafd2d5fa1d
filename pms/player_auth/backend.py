"""Whose password it is: players alone, by email, login name or phone. Staff have a login of their own."""

from __future__ import annotations

from typing import Any

from allauth.core.internal.httpkit import is_headless_request
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from players.selectors_identity import find_user_id
from players.types import UserKind

PATH = f"{__name__}.PlayerBackend"
NAMES = ("email", "username", "phone")


class PlayerBackend(BaseBackend):
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """The player with this name and password. An unknown name takes as long as a wrong password."""
        if request is None or not is_headless_request(request):
            return None
        name = next((name for name in NAMES if credentials.get(name)), "")
        user_id = find_user_id(name, credentials[name]) if name else None
        user = self.get_user(user_id) if user_id else None
        if user is None:
            make_password(credentials.get("password"))
            return None
        return user if user.check_password(credentials.get("password")) and user.is_active else None

    def get_user(self, user_id: int) -> Any:
        return get_user_model().objects.filter(pk=user_id, kind=UserKind.PLAYER).first()

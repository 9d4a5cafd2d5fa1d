"""The base of the player API: views below /api/v1/me, for a player's own token and nobody else's data."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kernel import clock
from kernel.counting import count
from kernel.rest.player_tokens import PlayerToken, find_player_token, get_player_token, require_step_up
from kernel.rest.views import ApiView

WINDOW_SECONDS = 60


class PlayerTokenAuthentication(BaseAuthentication):
    """``request.auth`` is the PlayerToken."""

    def authenticate(self, request: Request) -> tuple[None, PlayerToken] | None:
        token = find_player_token(request._request)
        return (None, token) if token else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="player-api"'


class IsPlayer(BasePermission):
    """A player is there, and for the methods in ``step_up`` proved lately to be themself."""

    def has_permission(self, request: Request, view: object) -> bool:
        token = request.auth or get_player_token(request._request)
        if request.method in getattr(view, "step_up", ()):
            require_step_up(token, clock.now())
        return True


class MeView(ApiView):
    """A view that answers about the caller alone: who that is comes from the token, never from the address or body."""

    authentication_classes = (PlayerTokenAuthentication,)
    permission_classes = (IsPlayer,)
    throttle_classes = ()
    step_up: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if count(f"me:{request.auth.player_id}", WINDOW_SECONDS) > settings.PLAYER_REQUESTS_PER_MINUTE:
            raise Throttled(wait=WINDOW_SECONDS)


def me(request: Request) -> UUID:
    """The player who calls."""
    player_id: UUID = request.auth.player_id
    return player_id


def source_of(request: Request) -> str:
    """Under which name the player's idempotency keys are kept: nobody else's keys meet them."""
    return str(request.auth.actor)

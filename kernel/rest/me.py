"""The base of the player API: views below /api/v1/me, for a player's own token and nobody else's data."""

from __future__ import annotations

from typing import ClassVar, cast
from uuid import UUID

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kernel import clock
from kernel.actors import Actor
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
        token = token_of(request) if request.auth else get_player_token(request._request)
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
        if count(f"me:{me(request)}", WINDOW_SECONDS) > settings.PLAYER_REQUESTS_PER_MINUTE:
            raise Throttled(wait=WINDOW_SECONDS)


def token_of(request: Request) -> PlayerToken:
    """The token that ``PlayerTokenAuthentication`` verified."""
    return cast(PlayerToken, request.auth)


def me(request: Request) -> UUID:
    """The player who calls."""
    return token_of(request).player_id


def actor_of(request: Request) -> Actor:
    """The player who calls, as the one who acts."""
    return token_of(request).actor


def source_of(request: Request) -> str:
    """Under which name the player's idempotency keys are kept: nobody else's keys meet them."""
    return str(actor_of(request))

"""Game sessions over REST: a front end opens a game by one of these, and hands its token to the aggregator."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.keys import read_key
from kernel.rest.pagination import PageQuery, decode_cursor, page
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import StrictSerializer, page_of
from kernel.rest.views import ApiView, actor_of, read
from wallet.selectors_adapters import get_game_session, list_game_sessions
from wallet.services.game_sessions import issue_session, revoke_session

DEFAULT_TTL_SECONDS = 4 * 3600


class GameSessionForm(StrictSerializer):
    """A player is to be admitted to a game."""

    player_id = serializers.UUIDField()
    integration = serializers.CharField(max_length=40, help_text="Code of the aggregator's integration.")
    game = serializers.CharField(max_length=80, help_text="Our code of the game.")
    ttl_seconds = serializers.IntegerField(
        default=DEFAULT_TTL_SECONDS, help_text="How long bets are taken; 60 to 86400 seconds."
    )


class GameSessionsQuery(PageQuery):
    player_id = serializers.UUIDField()


class GameSessionSerializer(serializers.Serializer):
    """A player's admission to play through one integration. It takes bets until it expires or is revoked."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    integration = serializers.CharField()
    game = serializers.CharField()
    currency = serializers.CharField()
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)


class IssuedGameSessionSerializer(GameSessionSerializer):
    """The session with the token that the game is launched with; it is told here and nowhere else."""

    token = serializers.CharField()


class GameSessions(ApiView):
    required_scopes = {"GET": "wallet:read", "POST": "game-sessions:write"}

    @extend_schema(
        operation_id="list_game_sessions", parameters=[GameSessionsQuery], responses=page_of(GameSessionSerializer)
    )
    def get(self, request: Request) -> Response:
        """A player's game sessions, newest first."""
        query = read(GameSessionsQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_game_sessions(query["player_id"], before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], GameSessionSerializer, lambda row: (row.id,))

    @extend_schema(
        operation_id="issue_game_session",
        parameters=[IDEMPOTENCY_KEY],
        request=GameSessionForm,
        responses={201: IssuedGameSessionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Admit a player to a game: the token goes into the aggregator's launch request."""
        key = read_key(request)
        actor = actor_of(request)
        session, token = issue_session(
            **read(GameSessionForm, request.data), source=actor.id, idempotency_key=key, actor=actor, at=clock.now()
        )
        body = {**GameSessionSerializer(session).data, "token": token}
        return Response(body, status=201, headers={"Location": f"{request.path}/{session.id}"})


class GameSession(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="get_game_session", responses=GameSessionSerializer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """One game session."""
        return Response(GameSessionSerializer(get_game_session(session_id)).data)


class GameSessionRevocation(ApiView):
    required_scopes = {"POST": "game-sessions:write"}

    @extend_schema(operation_id="revoke_game_session", request=None, responses={200: GameSessionSerializer})
    def post(self, request: Request, session_id: UUID) -> Response:
        """End a session: no more bets; wins and rollbacks of its bets still go through. May be repeated."""
        session = revoke_session(session_id=session_id, actor=actor_of(request), at=clock.now())
        return Response(GameSessionSerializer(session).data)

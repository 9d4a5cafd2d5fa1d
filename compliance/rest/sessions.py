"""Play sessions over REST: for players themselves, and for game servers that show reality checks in their place."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.rest import sessions_forms as forms
from compliance.selectors_sessions import find_login_summary, find_setting, get_game_rules, get_position
from compliance.services.play_sessions import (
    acknowledge_login_summary,
    acknowledge_reality_check,
    begin_play,
    choose_reality_check,
    choose_stake_tier,
    end_play,
)
from compliance.types_sessions import Choice, PlaySettingKind, StakeTier
from kernel import clock
from kernel.errors import NotFound
from kernel.rest.me import MeView, me
from kernel.rest.me import actor_of as player_of
from kernel.rest.views import ApiView, actor_of, read
from players.selectors import get_player


class MyPlaySession(MeView):
    @extend_schema(operation_id="get_my_play_session", responses=forms.PositionSerializer)
    def get(self, request: Request) -> Response:
        """Elapsed time and net position of the session, and when the next reality check is due."""
        return Response(forms.PositionSerializer(get_position(me(request), clock.now())).data)


class MyRealityCheck(MeView):
    @extend_schema(
        operation_id="acknowledge_my_reality_check",
        request=forms.RealityCheckForm,
        responses=forms.PositionSerializer,
    )
    def post(self, request: Request) -> Response:
        """Acknowledge the reality check: play can go on, after the break where one is asked for."""
        data = read(forms.RealityCheckForm, request.data)
        position = acknowledge_reality_check(
            player_id=me(request), choice=Choice(data["choice"]), actor=player_of(request), at=clock.now()
        )
        return Response(forms.PositionSerializer(position).data)


class MyActivity(MeView):
    @extend_schema(operation_id="begin_my_play", request=None, responses=forms.ActivitySerializer)
    def post(self, request: Request) -> Response:
        """Begin to play, before the first game: where a central file must be told who plays where, it is told now."""
        found = begin_play(player_id=me(request), actor=player_of(request), at=clock.now())
        return Response(forms.ActivitySerializer({"activity_id": found}).data)

    @extend_schema(operation_id="end_my_play", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Play no more for now."""
        end_play(player_id=me(request), reason="player", at=clock.now())
        return Response(status=204)


class MyLoginSummary(MeView):
    @extend_schema(operation_id="get_my_login_summary", responses=forms.LoginSummarySerializer)
    def get(self, request: Request) -> Response:
        """Stakes, wins and losses of the last days, where the jurisdiction shows them at login."""
        summary = find_login_summary(me(request), clock.now())
        if summary is None:
            raise NotFound("Where the player lives no summary is asked for.")
        return Response(forms.LoginSummarySerializer(summary).data)

    @extend_schema(operation_id="acknowledge_my_login_summary", request=None, responses=forms.LoginSummarySerializer)
    def post(self, request: Request) -> Response:
        """Acknowledge it: play can begin."""
        summary = acknowledge_login_summary(player_id=me(request), actor=player_of(request), at=clock.now())
        return Response(forms.LoginSummarySerializer(summary).data)


class MyPlaySettings(MeView):
    @extend_schema(operation_id="get_my_play_settings", responses=forms.PlaySettingsSerializer)
    def get(self, request: Request) -> Response:
        """What the player has chosen for their own play."""
        return Response(_settings(me(request)))

    @extend_schema(
        operation_id="change_my_play_settings",
        request=forms.PlaySettingsForm,
        responses=forms.PlaySettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Choose how often to be interrupted by reality checks, and which stake caps hold."""
        data, at, actor = read(forms.PlaySettingsForm, request.data), clock.now(), player_of(request)
        if "reality_check_minutes" in data:
            choose_reality_check(player_id=me(request), minutes=data["reality_check_minutes"], actor=actor, at=at)
        if "stake_tier" in data:
            choose_stake_tier(player_id=me(request), tier=StakeTier(data["stake_tier"]), actor=actor, at=at)
        return Response(_settings(me(request)))


class PlaySession(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="get_play_session", responses=forms.PositionSerializer)
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's session of play: what a game shows beside itself."""
        return Response(forms.PositionSerializer(get_position(player_id, clock.now())).data)


class RealityCheck(ApiView):
    required_scopes = {"POST": "compliance:write"}

    @extend_schema(
        operation_id="acknowledge_reality_check",
        request=forms.RealityCheckForm,
        responses=forms.PositionSerializer,
    )
    def post(self, request: Request, player_id: UUID) -> Response:
        """The game showed the reality check, and the player chose."""
        data = read(forms.RealityCheckForm, request.data)
        position = acknowledge_reality_check(
            player_id=player_id, choice=Choice(data["choice"]), actor=actor_of(request), at=clock.now()
        )
        return Response(forms.PositionSerializer(position).data)


class GameRules(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="get_game_rules", responses=forms.GameRulesSerializer)
    def get(self, request: Request, player_id: UUID) -> Response:
        """What games must keep to for this player: ask before a game is launched."""
        return Response(forms.GameRulesSerializer(get_game_rules(player_id, clock.now())).data)


def _settings(player_id: UUID) -> dict[str, object]:
    at = clock.now()
    get_player(player_id)
    chosen = find_setting(player_id, PlaySettingKind.REALITY_CHECK, at)
    return {
        "reality_check_minutes": int(chosen) if chosen else None,
        "stake_tier": find_setting(player_id, PlaySettingKind.STAKE_TIER, at) or StakeTier.STANDARD,
    }

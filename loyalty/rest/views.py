"""Loyalty over REST."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from loyalty.rest import serializers as forms
from loyalty.selectors import get_standing, list_accruals, list_level_changes, list_levels, list_points_entries
from loyalty.selectors_programme import STANDARD, UnknownProgramme, list_programmes, list_versions
from loyalty.services import levels
from players.selectors import get_player


class Standing(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="get_standing", responses=forms.StandingSerializer)
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's level, points and turnover, what is missing to the next level, and what keeps this one."""
        return Response(forms.StandingSerializer(get_standing(player_id, clock.now())).data)


class Points(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_points", parameters=[PageQuery], responses=page_of(forms.PointsEntrySerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's points ledger, newest first."""
        query = read(PageQuery, request.query_params)
        get_player(player_id)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_points_entries(player_id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.PointsEntrySerializer, lambda row: (row.id,))


class Accruals(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_accruals", parameters=[PageQuery], responses=page_of(forms.AccrualSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """What a player's bets and deposits earned, one by one, newest first."""
        query = read(PageQuery, request.query_params)
        get_player(player_id)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_accruals(player_id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.AccrualSerializer, lambda row: (row.id,))


class LevelChanges(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(
        operation_id="list_level_changes", parameters=[PageQuery], responses=page_of(forms.LevelChangeSerializer)
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """How a player's level moved, newest first."""
        query = read(PageQuery, request.query_params)
        get_player(player_id)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_level_changes(player_id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.LevelChangeSerializer, lambda row: (row.id,))


class LevelsQuery(serializers.Serializer):
    """Of which programme."""

    programme = serializers.SlugField(max_length=40, required=False, default=STANDARD)


class Levels(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_levels", parameters=[LevelsQuery], responses=page_of(forms.LevelSerializer))
    def get(self, request: Request) -> Response:
        """All levels of a programme in force, lowest first."""
        query = read(LevelsQuery, request.query_params)
        return whole(list_levels(clock.now(), query["programme"]), forms.LevelSerializer)


class ProgrammeList(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_programmes", responses=page_of(forms.ProgrammeSerializer))
    def get(self, request: Request) -> Response:
        """All programmes, the standard one first."""
        rows = [{"code": code, "name": name} for code, name in list_programmes()]
        return whole(rows, forms.ProgrammeSerializer)


class ProgrammeVersions(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_programme_versions", responses=page_of(forms.ProgrammeVersionSerializer))
    def get(self, request: Request, code: str) -> Response:
        """A programme's versions, newest first: drafts, those to come, the one in force and those before it."""
        if code not in dict(list_programmes()):
            raise UnknownProgramme(f"There is no programme {code}.")
        return whole(list_versions(code), forms.ProgrammeVersionSerializer)


class StatusUpdate(ApiView):
    required_scopes = {"POST": "loyalty:write"}

    @extend_schema(
        operation_id="update_status", request=forms.StatusUpdateSerializer, responses=forms.LevelOrderSerializer
    )
    def post(self, request: Request) -> Response:
        """Force a player's level, freeze it, or end either. It stands once the accrual has come to it: in a moment.

        The same order again changes nothing, so that it may be sent again.
        """
        form = read(forms.StatusUpdateSerializer, request.data)
        frame = {
            "player_id": form["player_id"],
            "reason": form["reason"],
            "actor": actor_of(request),
            "at": clock.now(),
        }
        if form["action"] == "end":
            order = levels.end_hold(**frame)
        elif form["action"] == "freeze":
            order = levels.freeze_level(active_until=form["active_until"], **frame)
        else:
            order = levels.force_level(level=form["level"], active_until=form["active_until"], **frame)
        return Response(forms.LevelOrderSerializer(order).data)

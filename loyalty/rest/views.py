"""Loyalty over REST."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, read
from loyalty.rest import serializers as forms
from loyalty.selectors import get_standing, list_levels, list_points_entries
from players.selectors import get_player


class Standing(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="get_standing", responses=forms.StandingSerializer)
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's level, points and turnover, and what is missing to the next level."""
        return Response(forms.StandingSerializer(get_standing(player_id)).data)


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


class Levels(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_levels", responses=page_of(forms.LevelSerializer))
    def get(self, request: Request) -> Response:
        """All levels, lowest first."""
        return whole(list_levels(), forms.LevelSerializer)

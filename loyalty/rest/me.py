"""The player API: one's own level and points."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.me import MeView, me
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.serializers import page_of
from kernel.rest.views import read
from loyalty.rest import serializers as forms
from loyalty.selectors import get_standing, list_level_changes, list_levels, list_points_entries, programme_of


class MyStanding(MeView):
    @extend_schema(operation_id="get_my_standing", responses=forms.StandingSerializer)
    def get(self, request: Request) -> Response:
        """The player's level, points and turnover, what is missing to the next level, and what keeps this one."""
        return Response(forms.StandingSerializer(get_standing(me(request), clock.now())).data)


class MyLevels(MeView):
    @extend_schema(operation_id="list_my_levels", responses=page_of(forms.LevelSerializer))
    def get(self, request: Request) -> Response:
        """The levels of the player's programme, lowest first."""
        at = clock.now()
        return whole(list_levels(at, programme_of(me(request), at)), forms.LevelSerializer)


class MyPoints(MeView):
    @extend_schema(
        operation_id="list_my_points", parameters=[PageQuery], responses=page_of(forms.PointsEntrySerializer)
    )
    def get(self, request: Request) -> Response:
        """The player's points ledger, newest first."""
        query = read(PageQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_points_entries(me(request), before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.PointsEntrySerializer, lambda row: (row.id,))


class MyLevelChanges(MeView):
    @extend_schema(
        operation_id="list_my_level_changes", parameters=[PageQuery], responses=page_of(forms.LevelChangeSerializer)
    )
    def get(self, request: Request) -> Response:
        """How the player's level moved, newest first."""
        query = read(PageQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_level_changes(me(request), before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.LevelChangeSerializer, lambda row: (row.id,))

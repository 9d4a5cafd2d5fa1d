"""The player API: one's own level and points."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.rest.me import MeView, me
from kernel.rest.pagination import PageQuery, decode_cursor, page
from kernel.rest.serializers import page_of
from kernel.rest.views import read
from loyalty.rest import serializers as forms
from loyalty.selectors import get_standing, list_points_entries


class MyStanding(MeView):
    @extend_schema(operation_id="get_my_standing", responses=forms.StandingSerializer)
    def get(self, request: Request) -> Response:
        """The player's level, points and turnover, and what is missing to the next level."""
        return Response(forms.StandingSerializer(get_standing(me(request))).data)


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

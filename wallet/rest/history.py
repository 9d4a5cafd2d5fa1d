"""A player's history over REST: transactions and rounds page by page, and the whole as a file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from events.audit import record
from kernel import clock
from kernel.rest.pagination import decode_cursor, page_at
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from kernel.streaming import csv_download
from players.selectors import get_player
from wallet.rest import serializers as forms
from wallet.selectors_history import list_history, list_rounds
from wallet.services.exports import export_history
from wallet.types import AccountKind, HistoryFilter, TransferKind


class Transactions(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(
        operation_id="list_transactions",
        parameters=[forms.TransactionsQuery],
        responses=page_of(forms.TransactionSerializer),
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's transfers, newest first. With filters a page may hold fewer rows than asked for: follow `next`."""
        query = read(forms.TransactionsQuery, request.query_params)
        get_player(player_id)
        found = list_history(player_id, wanted=read_filter(query), before=read_before(query), limit=query["limit"])
        return page_at(request, found.items, forms.TransactionSerializer, (found.next,) if found.next else None)


class TransactionsFile(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(
        operation_id="export_transactions",
        parameters=[forms.PeriodQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, player_id: UUID) -> StreamingHttpResponse:
        """A player's transfers of a period as CSV, oldest first, streamed."""
        query = read(forms.PeriodQuery, request.query_params)
        chunks = export_history(player_id=player_id, since=query["since"], until=query["until"])
        record(
            action="wallet.export_history",
            actor=actor_of(request),
            at=clock.now(),
            player_id=player_id,
            object_type="wallet.transfer",
        )
        return csv_download(request._request, chunks, f"transactions-{player_id}.csv")


class Rounds(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="list_rounds", parameters=[forms.RoundsQuery], responses=page_of(forms.RoundSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's rounds, the newest first. A page may hold fewer rows than asked for: follow `next`."""
        query = read(forms.RoundsQuery, request.query_params)
        get_player(player_id)
        found = list_rounds(player_id, wanted=read_filter(query), before=read_before(query), limit=query["limit"])
        return page_at(request, found.items, forms.RoundSerializer, (found.next,) if found.next else None)


def read_filter(query: dict[str, Any]) -> HistoryFilter:
    """What a TransactionsQuery or RoundsQuery asks for."""
    purse = query.get("purse")
    return HistoryFilter(
        since=query["since"],
        until=query["until"],
        kinds=tuple(TransferKind(kind) for kind in query.get("kind", ())),
        purse=purse if isinstance(purse, AccountKind) else None,
        purse_id=purse if isinstance(purse, UUID) else None,
        round=query.get("round", ""),
        game=query["game"],
        source=query["source"],
    )


def read_before(query: dict[str, Any]) -> UUID | None:
    """Where its cursor goes on."""
    cursor = decode_cursor(query["cursor"], tuple[UUID])
    return cursor[0] if cursor else None

"""Limits over REST: the player's own below /me, and everybody's for service clients."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.rest import limit_forms as forms
from compliance.selectors_limits import (
    get_change,
    get_terms,
    list_changes,
    list_missing,
    list_uses,
    offered_periods,
    prompt_due,
)
from compliance.services.limit_changes import cancel_change, confirm_change
from compliance.services.limit_prompts import decline_prompt
from compliance.services.limits import set_limit
from compliance.types_limits import ChangeDetails, LimitKind, LimitOutcome, LimitPeriod, SetBy, Wanted
from kernel import clock
from kernel.errors import NotFound
from kernel.rest.bodies import read_money
from kernel.rest.me import MeView, me
from kernel.rest.me import actor_of as player_of
from kernel.rest.views import ApiView, actor_of, read
from players.selectors import get_player


class MyLimits(MeView):
    @extend_schema(operation_id="get_my_limits", responses=forms.LimitsSerializer)
    def get(self, request: Request) -> Response:
        """The player's limits: what binds, what is used, what waits, and what still has to be set."""
        return Response(_limits(me(request), clock.now()))

    @extend_schema(operation_id="set_my_limit", request=forms.LimitForm, responses=forms.LimitOutcomeSerializer)
    def put(self, request: Request) -> Response:
        """Set, lower, raise or lift one limit. A lower one holds when the answer is there; a raise waits (``change``)."""
        data = read(forms.LimitForm, request.data)
        outcome = set_limit(player_id=me(request), wanted=_wanted(data), actor=player_of(request), at=clock.now())
        return Response(_outcome(outcome))


class MyLimitChange(MeView):
    @extend_schema(operation_id="cancel_my_limit_change", request=None, responses=forms.ChangeSerializer)
    def delete(self, request: Request, change_id: UUID) -> Response:
        """Give up a raise that waits; again is the same as once."""
        _own(request, change_id)
        change = cancel_change(change_id=change_id, actor=player_of(request), at=clock.now())
        return Response(forms.ChangeSerializer(change).data)


class MyLimitConfirmation(MeView):
    @extend_schema(operation_id="confirm_my_limit_change", request=None, responses=forms.ChangeSerializer)
    def post(self, request: Request, change_id: UUID) -> Response:
        """Confirm a raise whose delay is over: it is in force then; again is the same as once."""
        _own(request, change_id)
        change = confirm_change(change_id=change_id, actor=player_of(request), at=clock.now())
        return Response(forms.ChangeSerializer(change).data)


class MyLimitPrompt(MeView):
    @extend_schema(operation_id="decline_my_limits", request=forms.PromptForm, responses=forms.LimitsSerializer)
    def post(self, request: Request) -> Response:
        """The player was asked for limits and wants none: an active choice, kept with its time."""
        data = read(forms.PromptForm, request.data)
        decline_prompt(player_id=me(request), point=data["point"], actor=player_of(request), at=clock.now())
        return Response(_limits(me(request), clock.now()))


class PlayerLimits(ApiView):
    required_scopes = {"GET": "compliance:read", "PUT": "compliance:write"}

    @extend_schema(operation_id="get_limits", parameters=[forms.LimitsQuery], responses=forms.LimitsSerializer)
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's limits, now or as they were at a moment."""
        query = read(forms.LimitsQuery, request.query_params)
        return Response(_limits(player_id, query.get("at") or clock.now()))

    @extend_schema(operation_id="set_limit", request=forms.PlayerLimitForm, responses=forms.LimitOutcomeSerializer)
    def put(self, request: Request, player_id: UUID) -> Response:
        """Set or lower a limit for a player, as the casino or for a regulator; raising it needs approval in the back
        office."""
        data = read(forms.PlayerLimitForm, request.data)
        outcome = set_limit(
            player_id=player_id,
            wanted=_wanted(data),
            set_by=SetBy(data["set_by"]),
            reason=data["reason"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(_outcome(outcome))


def _limits(player_id: UUID, at: datetime) -> dict[str, Any]:
    player = get_player(player_id)
    terms = get_terms(player, at)
    return dict(
        forms.LimitsSerializer(
            {
                "limits": list_uses(player, at),
                "changes": list_changes(player_id, at=at),
                "missing": [{"kind": kind, "period": period} for kind, period in list_missing(player, at)],
                "offered": [
                    {"kind": kind, "periods": offered_periods(kind, terms)}
                    for kind in LimitKind
                    if kind is not LimitKind.NET_DEPOSIT
                ],
                "prompt_due": prompt_due(player, terms, at),
                "prompt_at": terms.prompt_at,
                "links_at": terms.links_at,
                "time_zone": terms.zone,
            }
        ).data
    )


def _wanted(data: dict[str, Any]) -> Wanted:
    amount = read_money("amount", data["amount"], data["currency"]) if "amount" in data else None
    return Wanted(LimitKind(data["kind"]), LimitPeriod(data["period"]), amount, data.get("minutes"))


def _outcome(outcome: LimitOutcome) -> dict[str, Any]:
    return dict(forms.LimitOutcomeSerializer(outcome).data)


def _own(request: Request, change_id: UUID) -> ChangeDetails:
    """Another player's is answered as one that never was. Raises: NotFound."""
    try:
        change = get_change(change_id)
    except NotFound:
        change = None
    if change is None or change.player_id != me(request):
        raise NotFound(f"There is none with the id {change_id}.")
    return change

"""Players over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.access import AccessDenied, allowed
from kernel.errors import NotFound
from kernel.rest.keys import read_key
from kernel.rest.pagination import decode_cursor, page, whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from players.masking import shorten
from players.rest import serializers as forms
from players.rest.me_forms import ConsentSerializer
from players.selectors import get_player, list_labels, list_players, list_restrictions
from players.selectors_as_of import get_player_as_of, list_labels_as_of
from players.selectors_identity import list_consents
from players.services.accounts import change_settings, change_status
from players.services.registration import Registration, register
from players.services.restrictions import impose, lift
from players.services.reveals import note_view
from players.services.searches import find_by_national_id
from players.types import CONFIDENTIAL, PlayerDetails, RestrictionDetails, RestrictionKind, Status

PERSONAL = "players:personal"


class PlayersCursor(NamedTuple):
    registered_at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: UUID


class Players(ApiView):
    required_scopes = {"GET": "players:read", "POST": "players:write"}

    @extend_schema(
        operation_id="list_players", parameters=[forms.PlayersQuery], responses=page_of(forms.PlayerSerializer)
    )
    def get(self, request: Request) -> Response:
        """List players, newest registrations first. Filters are exact.

        Personal data is shortened, but for whoever asks for one player by email, login or phone with `players:personal`.
        """
        query = read(forms.PlayersQuery, request.query_params)
        limit, cursor = query.pop("limit"), query.pop("cursor")
        if "phone" in query:  # a bare + in an address means a blank
            query["phone"] = "+" + query["phone"].strip().lstrip("+")
        found = list_players(after=decode_cursor(cursor, PlayersCursor), limit=limit + 1, **query)
        by_name = query.keys() & {"email", "login", "phone"}
        rows = [_shown(player, request) if by_name else shorten(player) for player in found]
        return page(request, rows, limit, forms.PlayerSerializer, lambda row: (row.registered_at, row.id))

    @extend_schema(
        operation_id="register_player",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.RegistrationForm,
        responses={201: forms.PlayerSerializer},
    )
    def post(self, request: Request) -> Response:
        """Register a player, with all that the country asks for (`GET /registration-fields`)."""
        key = read_key(request)
        given = read(forms.RegistrationForm, request.data)
        data = Registration(**given | {"declares": tuple(given.get("declares", ()))})
        player = register(data=data, actor=actor_of(request), idempotency_key=key, at=clock.now(), complete=True)
        location = f"{request.path}/{player.id}"
        return Response(
            forms.PlayerSerializer(_shown(player, request)).data, status=201, headers={"Location": location}
        )


class FindPlayer(ApiView):
    required_scopes = {"POST": PERSONAL}

    @extend_schema(
        operation_id="find_player_by_national_id",
        request=forms.NationalIdForm,
        responses=page_of(forms.PlayerSerializer),
    )
    def post(self, request: Request) -> Response:
        """Players with exactly this national identity number, which a POST keeps out of addresses; the search is recorded."""
        asked = read(forms.NationalIdForm, request.data)
        found = find_by_national_id(
            text=asked["national_id"], country=asked["country"], actor=actor_of(request), at=clock.now()
        )
        return whole([_shown(get_player(player_id), request) for player_id in found], forms.PlayerSerializer)


class Player(ApiView):
    required_scopes = {"GET": "players:read", "PATCH": "players:write"}

    @extend_schema(operation_id="get_player", parameters=[forms.AsOfQuery], responses=forms.PlayerSerializer)
    def get(self, request: Request, player_id: UUID) -> Response:
        """One player, as they are or as they were at a moment; personal data shortened without `players:personal`."""
        at = read(forms.AsOfQuery, request.query_params)["at"]
        player = get_player_as_of(player_id, at) if at else get_player(player_id)
        return Response(forms.PlayerSerializer(_shown(player, request)).data)

    @extend_schema(operation_id="change_player", request=forms.SettingsForm, responses=forms.PlayerSerializer)
    def patch(self, request: Request, player_id: UUID) -> Response:
        """Change a player's profile and preferences; each change is kept in the history."""
        changes = read(forms.SettingsForm, request.data)
        player = change_settings(player_id=player_id, changes=changes, actor=actor_of(request), at=clock.now())
        return Response(forms.PlayerSerializer(_shown(player, request)).data)


class PlayerStatus(ApiView):
    required_scopes = {"POST": "players:status"}

    @extend_schema(operation_id="change_player_status", request=forms.StatusForm, responses=forms.PlayerSerializer)
    def post(self, request: Request, player_id: UUID) -> Response:
        """Move the account in its life. Sent again, it changes nothing more."""
        data = read(forms.StatusForm, request.data)
        player = change_status(
            player_id=player_id,
            to=Status(data["status"]),
            reason=data["reason"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.PlayerSerializer(_shown(player, request)).data)


class Restrictions(ApiView):
    required_scopes = {"GET": "players:read", "POST": "restrictions:write"}

    @extend_schema(
        operation_id="list_restrictions",
        parameters=[forms.AsOfQuery],
        responses=page_of(forms.RestrictionSerializer),
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """All restrictions that were ever put on the account, or those in force at a moment, newest first."""
        at = read(forms.AsOfQuery, request.query_params)["at"]
        get_player(player_id)
        return whole(list_restrictions(player_id, standing_at=at), forms.RestrictionSerializer)

    @extend_schema(
        operation_id="impose_restriction", request=forms.RestrictionForm, responses={201: forms.RestrictionSerializer}
    )
    def post(self, request: Request, player_id: UUID) -> Response:
        """Put a restriction on the account, from now on."""
        data = read(forms.RestrictionForm, request.data)
        restriction_id = impose(
            player_id=player_id,
            kind=RestrictionKind(data["kind"]),
            reason=data["reason"],
            source=data["source"],
            active_until=data["active_until"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.RestrictionSerializer(_restriction(player_id, restriction_id)).data, status=201)


class RestrictionLift(ApiView):
    required_scopes = {"POST": "restrictions:write"}

    @extend_schema(operation_id="lift_restriction", request=forms.LiftForm, responses=forms.RestrictionSerializer)
    def post(self, request: Request, player_id: UUID, restriction_id: UUID) -> Response:
        """Take a restriction off."""
        data = read(forms.LiftForm, request.data)
        if _restriction(player_id, restriction_id).kind in CONFIDENTIAL:
            raise AccessDenied("This hold is lifted in the back office only.")
        lift(restriction_id=restriction_id, reason=data["reason"], actor=actor_of(request), at=clock.now())
        return Response(forms.RestrictionSerializer(_restriction(player_id, restriction_id)).data)


class Labels(ApiView):
    required_scopes = {"GET": "players:read"}

    @extend_schema(operation_id="list_labels", parameters=[forms.AsOfQuery], responses=page_of(forms.LabelSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """What other parts of the system say of the player, or said at a moment."""
        at = read(forms.AsOfQuery, request.query_params)["at"]
        get_player(player_id)
        return whole(list_labels_as_of(player_id, at) if at else list_labels(player_id), forms.LabelSerializer)


def _shown(player: PlayerDetails, request: Request) -> PlayerDetails:
    """The player as this client may see them; that they were seen in full is on the audit trail."""
    actor = actor_of(request)
    if not allowed(actor, PERSONAL):
        return shorten(player)
    note_view(player_id=player.id, what="API", actor=actor, at=clock.now())
    return player


class Consents(ApiView):
    required_scopes = {"GET": "players:read"}

    @extend_schema(
        operation_id="list_player_consents",
        parameters=[forms.AsOfQuery],
        responses=page_of(ConsentSerializer),
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """The player's newest answer to each question about marketing, or the newest until a moment."""
        at = read(forms.AsOfQuery, request.query_params)["at"]
        get_player(player_id)
        return whole(list_consents(player_id, at=at), ConsentSerializer)


def _restriction(player_id: UUID, restriction_id: UUID) -> RestrictionDetails:
    for restriction in list_restrictions(player_id):
        if restriction.id == restriction_id:
            return restriction
    raise NotFound(f"Player {player_id} has no restriction {restriction_id}.")

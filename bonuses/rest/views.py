"""Bonuses over REST, for service clients."""

from __future__ import annotations

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bonuses.rest import forms
from bonuses.selectors import get_grant, get_offer, list_grants, list_offers, list_versions
from bonuses.selectors_codes import get_batch
from bonuses.services import codes, eligibility, grants, lists, offers
from bonuses.types import OfferState
from kernel import clock
from kernel.errors import FieldErrors
from kernel.rest.bodies import read_money
from kernel.rest.keys import read_key
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from kernel.streaming import csv_download
from players.selectors import get_player


class Offers(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(
        operation_id="list_offers", parameters=[forms.BonusOffersQuery], responses=page_of(forms.BonusOfferSerializer)
    )
    def get(self, request: Request) -> Response:
        """All offers by code, those of one state where it is given."""
        state = read(forms.BonusOffersQuery, request.query_params).get("state")
        return whole(list_offers(state=OfferState(state) if state else None), forms.BonusOfferSerializer)


class Offer(ApiView):
    required_scopes = {"GET": "bonuses:read", "PUT": "bonuses:write"}

    @extend_schema(operation_id="get_offer", responses=forms.BonusOfferSerializer)
    def get(self, request: Request, code: str) -> Response:
        """One offer."""
        return Response(forms.BonusOfferSerializer(get_offer(code)).data)

    @extend_schema(
        operation_id="write_offer", request=forms.BonusOfferForm, responses=forms.BonusOfferVersionSerializer
    )
    def put(self, request: Request, code: str) -> Response:
        """Write a version. It is not in force before staff have released it, by two people. The same rule as the newest
        version's gives that version again."""
        data = read(forms.BonusOfferForm, request.data)
        try:
            rule = offers.parse_rule(data["rule"])
        except FieldErrors as error:
            raise error.within("rule") from None
        version = offers.write_version(
            code=code, name=data["name"], rule=rule, note=data["note"], actor=actor_of(request), at=clock.now()
        )
        return Response(forms.BonusOfferVersionSerializer(version).data)


class Versions(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(operation_id="list_offer_versions", responses=page_of(forms.BonusOfferVersionSerializer))
    def get(self, request: Request, code: str) -> Response:
        """Every version of an offer, newest first."""
        return whole(list_versions(code), forms.BonusOfferVersionSerializer)


class OfferPause(ApiView):
    required_scopes = {"POST": "bonuses:write"}

    @extend_schema(operation_id="pause_offer", request=forms.BonusReasonForm, responses=forms.BonusOfferSerializer)
    def post(self, request: Request, code: str) -> Response:
        """Give nothing of it from now on. What was given goes on. Staff resume it."""
        data = read(forms.BonusReasonForm, request.data)
        offer = offers.pause_offer(code=code, reason=data["reason"], actor=actor_of(request), at=clock.now())
        return Response(forms.BonusOfferSerializer(offer).data)


class Grants(ApiView):
    required_scopes = {"POST": "bonuses:write"}

    @extend_schema(
        operation_id="grant_bonus",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.BonusForm,
        responses={201: forms.BonusSerializer},
    )
    def post(self, request: Request) -> Response:
        """Give a player an offer's bonus; a retry with the same key gives the same one. ``not_eligible`` says why not."""
        actor, key = actor_of(request), read_key(request)
        data = read(forms.BonusForm, request.data)
        base = None
        if "base" in data:
            base = read_money("base", data["base"], get_player(data["player_id"]).currency)
        found = grants.grant(
            offer=data["offer"],
            player_id=data["player_id"],
            occasion=f"{actor}:{key}"[:200],
            base=base,
            actor=actor,
            at=clock.now(),
        )
        return Response(forms.BonusSerializer(found).data, status=201)


class Grant(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(operation_id="get_bonus", responses=forms.BonusSerializer)
    def get(self, request: Request, grant_id: UUID) -> Response:
        """One bonus."""
        return Response(forms.BonusSerializer(get_grant(grant_id)).data)


class GrantForfeit(ApiView):
    required_scopes = {"POST": "bonuses:write"}

    @extend_schema(operation_id="forfeit_bonus", request=forms.BonusForfeitForm, responses=forms.BonusSerializer)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Take a bonus; one that has ended stays as it is."""
        data = read(forms.BonusForfeitForm, request.data)
        found = grants.forfeit(grant_id=grant_id, reason=data["reason"], actor=actor_of(request), at=clock.now())
        return Response(forms.BonusSerializer(found).data)


class PlayerGrants(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(operation_id="list_bonuses", parameters=[PageQuery], responses=page_of(forms.BonusSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's bonuses, newest first."""
        query = read(PageQuery, request.query_params)
        get_player(player_id)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_grants(player_id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.BonusSerializer, lambda row: (row.id,))


class Eligibility(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(
        operation_id="explain_bonus",
        parameters=[forms.BonusEligibilityQuery],
        responses=forms.BonusEligibilitySerializer,
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """Whether a player would get an offer now, and everything that stands against it."""
        offer = read(forms.BonusEligibilityQuery, request.query_params)["offer"]
        reasons = eligibility.explain(offer=offer, player_id=player_id, at=clock.now())
        return Response(forms.BonusEligibilitySerializer({"eligible": not reasons, "reasons": reasons}).data)


class CodeBatches(ApiView):
    required_scopes = {"POST": "bonuses:write"}

    @extend_schema(
        operation_id="make_codes",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.BonusCodesForm,
        responses={201: forms.CodeBatchSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make bonus codes, or keep ones that were made elsewhere."""
        key = read_key(request)
        data = read(forms.BonusCodesForm, request.data)
        about = {
            "offer": data["offer"],
            "name": data["name"],
            "uses_per_code": data["uses_per_code"],
            "expires_at": data["expires_at"],
            "idempotency_key": key,
            "actor": actor_of(request),
            "at": clock.now(),
        }
        if "codes" in data:
            batch = codes.import_codes(codes=data["codes"], player_id=data["player_id"], **about)
        else:
            batch = codes.make_codes(size=data["size"], prefix=data["prefix"], **about)
        return Response(forms.CodeBatchSerializer(batch).data, status=201)


class CodeBatch(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(operation_id="get_code_batch", responses=forms.CodeBatchSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Codes that were made together."""
        return Response(forms.CodeBatchSerializer(get_batch(batch_id)).data)


class CodeBatchFile(ApiView):
    required_scopes = {"GET": "bonuses:write"}

    @extend_schema(operation_id="export_codes", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, batch_id: UUID) -> StreamingHttpResponse:
        """The codes and how often each was used, as CSV, streamed."""
        chunks = codes.export_codes(batch_id=batch_id, actor=actor_of(request), at=clock.now())
        return csv_download(request._request, chunks, f"codes-{batch_id}.csv")


class CodeBatchClose(ApiView):
    required_scopes = {"POST": "bonuses:write"}

    @extend_schema(operation_id="close_code_batch", request=forms.BonusReasonForm, responses=forms.CodeBatchSerializer)
    def post(self, request: Request, batch_id: UUID) -> Response:
        """None of these codes works any more."""
        data = read(forms.BonusReasonForm, request.data)
        batch = codes.close_batch(batch_id=batch_id, reason=data["reason"], actor=actor_of(request), at=clock.now())
        return Response(forms.CodeBatchSerializer(batch).data)


class Lists(ApiView):
    required_scopes = {"POST": "bonuses:write"}

    @extend_schema(
        operation_id="award_list",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.BonusListForm,
        responses={202: forms.BonusListSerializer},
    )
    def post(self, request: Request) -> Response:
        """Give an offer to a list of players, each once; worked through in the background."""
        key = read_key(request)
        data = read(forms.BonusListForm, request.data)
        found = lists.award_list(
            offer=data["offer"],
            player_ids=data["players"],
            note=data["note"],
            idempotency_key=key,
            actor=actor_of(request),
            at=clock.now(),
        )
        location = f"{request.path}/{found.id}"
        return Response(forms.BonusListSerializer(found).data, status=202, headers={"Location": location})


class List(ApiView):
    required_scopes = {"GET": "bonuses:read"}

    @extend_schema(operation_id="get_list", responses=forms.BonusListSerializer)
    def get(self, request: Request, list_id: UUID) -> Response:
        """How far a list has come."""
        return Response(forms.BonusListSerializer(lists.get_list(list_id)).data)

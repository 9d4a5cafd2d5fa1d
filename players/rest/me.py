"""The player API: one's own profile, preferences, consents and restrictions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.me import MeView, actor_of, me
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, read
from players.rest import me_forms as forms
from players.rest.serializers import LabelSerializer
from players.selectors import get_player, list_labels, list_restrictions, list_setting_changes
from players.selectors_identity import get_demands, get_security, list_consent_history, list_consents
from players.selectors_sealed import read_sealed
from players.services.accounts import change_settings
from players.services.consents import change_consents
from players.types import SHOWN_LABELS, PlayerDetails, SealedField, public_reason
from players.types_identity import ConsentChannel, ConsentProduct


class RegistrationFields(ApiView):
    """Open to all: a form must know what to ask for."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    @extend_schema(
        operation_id="get_registration_fields",
        parameters=[forms.RegistrationQuery],
        responses=forms.RegistrationFieldsSerializer,
        auth=[],
    )
    def get(self, request: Request) -> Response:
        """Which fields a registration in a country must have."""
        query = read(forms.RegistrationQuery, request.query_params)
        demands = get_demands(query["country"], query["region"], clock.now())
        return Response({**asdict(demands), "currencies": settings.PLAYER_CURRENCIES})


class MyProfile(MeView):
    step_up = frozenset({"PATCH"})

    @extend_schema(operation_id="get_my_profile", responses=forms.MyProfileSerializer)
    def get(self, request: Request) -> Response:
        """The player's account."""
        return Response(_profile(get_player(me(request))))

    @extend_schema(operation_id="change_my_profile", request=forms.MyProfileForm, responses=forms.MyProfileSerializer)
    def patch(self, request: Request) -> Response:
        """Change the profile, after a fresh proof of identity; each change is kept in the history."""
        changes = read(forms.MyProfileForm, request.data)
        return Response(_profile(_change(request, changes)))


class MyPreferences(MeView):
    @extend_schema(operation_id="get_my_preferences", responses=forms.PreferencesSerializer)
    def get(self, request: Request) -> Response:
        """Language and time zone."""
        return Response(forms.PreferencesSerializer(get_player(me(request))).data)

    @extend_schema(
        operation_id="change_my_preferences", request=forms.PreferencesForm, responses=forms.PreferencesSerializer
    )
    def patch(self, request: Request) -> Response:
        """Change them; each change is kept in the history."""
        changes = read(forms.PreferencesForm, request.data)
        return Response(forms.PreferencesSerializer(_change(request, changes)).data)


class MyChanges(MeView):
    @extend_schema(operation_id="list_my_changes", responses=page_of(forms.SettingChangeSerializer))
    def get(self, request: Request) -> Response:
        """The last changes of profile and preferences, newest first."""
        shown = {*forms.MyProfileForm().fields, *forms.PreferencesForm().fields, "email", "phone"}
        rows = [row for row in list_setting_changes(me(request), limit=200) if row.name in shown]
        return whole(rows, forms.SettingChangeSerializer)


class MyConsents(MeView):
    @extend_schema(operation_id="list_my_consents", responses=page_of(forms.ConsentSerializer))
    def get(self, request: Request) -> Response:
        """What the player was asked, and the answers that hold now. Not asked means no."""
        return whole(list_consents(me(request)), forms.ConsentSerializer)

    @extend_schema(
        operation_id="change_my_consents", request=forms.ConsentsForm, responses=page_of(forms.ConsentSerializer)
    )
    def patch(self, request: Request) -> Response:
        """Give or take back consents; every answer is kept."""
        data = read(forms.ConsentsForm, request.data)
        answers = {
            (ConsentProduct(one["product"]), ConsentChannel(one["channel"])): one["granted"] for one in data["answers"]
        }
        rows = change_consents(
            player_id=me(request),
            answers=answers,
            text_version=data["text_version"],
            source="preferences",
            at=clock.now(),
        )
        return whole(rows, forms.ConsentSerializer)


class MyConsentHistory(MeView):
    @extend_schema(
        operation_id="list_my_consent_history", parameters=[PageQuery], responses=page_of(forms.ConsentSerializer)
    )
    def get(self, request: Request) -> Response:
        """Every answer that the player ever gave, newest first."""
        query = read(PageQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_consent_history(me(request), before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], _HistoryRow, lambda row: (row[0],))


class _HistoryRow(forms.ConsentSerializer):
    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(instance[1])


class MyRestrictions(MeView):
    @extend_schema(operation_id="list_my_restrictions", responses=page_of(forms.MyRestrictionSerializer))
    def get(self, request: Request) -> Response:
        """What the account may not do now."""
        rows = [
            {
                "kind": public_reason(row.kind),
                "blocks": row.blocks,
                "active_from": row.active_from,
                "active_until": row.active_until,
            }
            for row in list_restrictions(me(request), standing_at=clock.now())
        ]
        return whole(rows, forms.MyRestrictionSerializer)


class MyLabels(MeView):
    @extend_schema(operation_id="list_my_labels", responses=page_of(LabelSerializer))
    def get(self, request: Request) -> Response:
        """What the player has reached, such as the loyalty level."""
        return whole([row for row in list_labels(me(request)) if row.namespace in SHOWN_LABELS], LabelSerializer)


def _change(request: Request, changes: dict[str, Any]) -> PlayerDetails:
    return change_settings(player_id=me(request), changes=changes, actor=actor_of(request), at=clock.now())


def _profile(player: PlayerDetails) -> dict[str, Any]:
    sealed = read_sealed(player.id)
    more = {
        "phone_verified": get_security(player.id).phone_is_verified,
        "street": sealed.get(SealedField.STREET, ""),
        "national_id_is_known": SealedField.NATIONAL_ID in sealed,
    }
    return dict(forms.MyProfileSerializer({**asdict(player), **more}).data)

"""The player API: one's own sessions, devices and the code by SMS."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.me import MeView, actor_of, me, token_of
from kernel.rest.pagination import whole
from kernel.rest.serializers import page_of
from players.rest import me_forms as forms
from players.selectors_identity import get_security, list_devices, list_sessions
from players.services.devices import distrust, trust
from players.services.security import turn_sms_factor
from players.services.sessions import kill
from players.types_identity import DeviceDetails, EndReason


class MySessions(MeView):
    @extend_schema(operation_id="list_my_sessions", responses=page_of(forms.SessionSerializer))
    def get(self, request: Request) -> Response:
        """The last logins, newest first; those without ``ended_at`` are open."""
        rows = [
            {**asdict(row), "current": row.id == token_of(request).session_id} for row in list_sessions(me(request))
        ]
        return whole(rows, forms.SessionSerializer)

    @extend_schema(operation_id="end_my_sessions", responses={200: forms.EndedSerializer})
    def delete(self, request: Request) -> Response:
        """End every open session, this one too."""
        return Response({"ended": _kill(request, None)})


class MySession(MeView):
    @extend_schema(operation_id="end_my_session", responses={200: forms.EndedSerializer})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one session: its tokens are worth nothing from now on."""
        return Response({"ended": _kill(request, session_id)})


class MyDevices(MeView):
    @extend_schema(operation_id="list_my_devices", responses=page_of(forms.DeviceSerializer))
    def get(self, request: Request) -> Response:
        """Devices that the player has logged in from, those seen last first."""
        here = _device_here(request)
        return whole([_device(row, here) for row in list_devices(me(request))], forms.DeviceSerializer)


class MyDeviceTrust(MeView):
    step_up = frozenset({"PUT"})

    @extend_schema(operation_id="trust_my_device", request=None, responses=forms.DeviceSerializer)
    def put(self, request: Request, device_id: UUID) -> Response:
        """Ask for no second factor on this device for a while; needs a fresh proof of identity."""
        device = trust(player_id=me(request), device_id=device_id, at=clock.now())
        return Response(forms.DeviceSerializer(_device(device, _device_here(request))).data)

    @extend_schema(operation_id="distrust_my_device", responses={200: forms.DeviceSerializer})
    def delete(self, request: Request, device_id: UUID) -> Response:
        """Ask for the second factor again there."""
        device = distrust(player_id=me(request), device_id=device_id)
        return Response(forms.DeviceSerializer(_device(device, _device_here(request))).data)


class MySmsFactor(MeView):
    step_up = frozenset({"PUT", "DELETE"})

    @extend_schema(operation_id="get_my_sms_factor", responses=forms.SmsFactorSerializer)
    def get(self, request: Request) -> Response:
        """Whether a code by SMS is asked for at login."""
        return Response(_sms_factor(me(request)))

    @extend_schema(operation_id="turn_my_sms_factor_on", request=None, responses=forms.SmsFactorSerializer)
    def put(self, request: Request) -> Response:
        """Ask for it from now on; the phone number must be verified."""
        turn_sms_factor(player_id=me(request), on=True, actor=actor_of(request), at=clock.now())
        return Response(_sms_factor(me(request)))

    @extend_schema(operation_id="turn_my_sms_factor_off", responses={200: forms.SmsFactorSerializer})
    def delete(self, request: Request) -> Response:
        """Ask for it no more."""
        turn_sms_factor(player_id=me(request), on=False, actor=actor_of(request), at=clock.now())
        return Response(_sms_factor(me(request)))


def _kill(request: Request, session_id: UUID | None) -> int:
    return kill(
        player_id=me(request),
        session_id=session_id,
        actor=actor_of(request),
        reason=EndReason.KILLED_BY_PLAYER,
        at=clock.now(),
    )


def _device_here(request: Request) -> UUID | None:
    sessions = list_sessions(me(request), open_at=clock.now())
    return next((row.device_id for row in sessions if row.id == token_of(request).session_id), None)


def _device(row: DeviceDetails, here: UUID | None) -> dict[str, Any]:
    return {**asdict(row), "current": row.id == here}


def _sms_factor(player_id: UUID) -> dict[str, Any]:
    since = get_security(player_id).sms_factor_since
    return {"enabled": since is not None, "since": since}

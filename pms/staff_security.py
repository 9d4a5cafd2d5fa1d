"""One's own security: second factors, sessions, proving once more who one is, and staying when the session ends."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_otp import DEVICE_ID_SESSION_KEY

from kernel import clock
from kernel.admin import staff_actor
from kernel.context import client_ip
from kernel.errors import DomainError
from kernel.reauthentication import mark_verified, reauthenticate_first
from players.selectors_staff import list_alarms, list_devices, list_sessions
from players.services import staff_passkeys
from players.services.staff_devices import CodeRefused, check_code, make_recovery_codes, remove_device
from players.services.staff_login import LoginRefused, check_password
from players.services.staff_sessions import end_session, end_sessions, stay
from players.types_staff import DeviceKind, EndReason
from pms.staff_enrolment import enrol_app, passkey_answer
from pms.staff_login import CHALLENGE, CodeForm
from pms.staff_requests import host_of, safe_next


class PasswordForm(forms.Form):
    password = forms.CharField(
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


def security_view(request: HttpRequest) -> HttpResponse:
    """My second factors and my sessions."""
    devices = list_devices(_me(request))
    context = {
        "devices": [device for device in devices if device.kind is not DeviceKind.RECOVERY],
        "recovery": next((device for device in devices if device.kind is DeviceKind.RECOVERY), None),
        "sessions": list_sessions(_me(request), clock.now()),
        "welcome": request.GET.get("welcome"),
        "next": safe_next(request, request.GET.get("next")),
    }
    return _page(request, "staff/security.html", "My security and sessions", context)


def app_view(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app."""
    at = clock.now()
    first = reauthenticate_first(request, at, reverse("admin:security_app"))
    if first:
        return first
    enrolment = enrol_app(request, _me(request), request.user.get_username(), at)
    if enrolment.device_id is None:
        return _page(request, "staff/app.html", "Set up an authenticator app", {"enrolment": enrolment})
    _use_device(request, enrolment.device_id)
    if not enrolment.codes:
        return _done(request, "The app is set up.")
    return _page(request, "staff/my_codes.html", "Recovery codes", {"codes": enrolment.codes})


@require_POST
def codes_view(request: HttpRequest) -> HttpResponse:
    """New recovery codes; the old ones are void."""
    at = clock.now()
    first = reauthenticate_first(request, at, reverse("admin:security"))
    if first:
        return first
    if not any(device.kind is not DeviceKind.RECOVERY for device in list_devices(_me(request))):
        raise Http404
    codes = make_recovery_codes(user_id=_me(request), at=at)
    return _page(request, "staff/my_codes.html", "Recovery codes", {"codes": codes})


@require_POST
def remove_view(request: HttpRequest, device_id: int) -> HttpResponse:
    """Take one of my second factors away."""
    at = clock.now()
    first = reauthenticate_first(request, at, reverse("admin:security"))
    if first:
        return first
    try:
        remove_device(user_id=_me(request), device_id=device_id, at=at)
    except DomainError as error:
        messages.error(request, error.detail)
        return HttpResponseRedirect(reverse("admin:security"))
    if request.session.get(DEVICE_ID_SESSION_KEY) == f"players.staffdevice/{device_id}":
        # This session goes on: the person has just proved who they are, by what is left or by the password.
        left = next((device for device in list_devices(_me(request)) if device.kind is not DeviceKind.RECOVERY), None)
        if left:
            _use_device(request, left.id)
    return _done(request, "It is taken away.")


@require_POST
def passkey_begin(request: HttpRequest) -> HttpResponse:
    """What the browser needs to make one more passkey."""
    first = reauthenticate_first(request, clock.now(), reverse("admin:security"))
    if first:
        return JsonResponse({"next": first["Location"]})
    options, request.session[CHALLENGE] = staff_passkeys.begin_registration(
        user_id=_me(request), login=request.user.get_username(), host=host_of(request)
    )
    return JsonResponse(options)


@require_POST
def passkey_finish(request: HttpRequest) -> HttpResponse:
    """Keep the passkey; whoever had no recovery codes is asked to make some."""
    at, state = clock.now(), request.session.pop(CHALLENGE, None)
    try:
        if state is None:
            raise CodeRefused("Start again.")
        device = staff_passkeys.finish_registration(
            user_id=_me(request),
            state=state,
            answer=passkey_answer(request),
            name="Passkey",
            host=host_of(request),
            at=at,
        )
    except CodeRefused as error:
        return JsonResponse({"error": error.detail}, status=403)
    _use_device(request, device)
    messages.success(request, "The passkey is set up.")
    return JsonResponse({"next": reverse("admin:security")})


# --- proving once more who one is ---


def reauthenticate_view(request: HttpRequest) -> HttpResponse:
    """By a code or a passkey; by the password for whoever has no second factor."""
    at, wanted = clock.now(), safe_next(request, request.POST.get("next") or request.GET.get("next"))
    kinds = {device.kind for device in list_devices(_me(request))}
    by_password = not kinds and request.user.is_authenticated and request.user.has_usable_password()
    form = (PasswordForm if by_password else CodeForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if by_password:
                login = request.user.get_username()
                check_password(login=login, password=form.cleaned_data["password"], ip=client_ip.get(), at=at)
            else:
                check_code(user_id=_me(request), code=form.cleaned_data["code"], at=at)
            mark_verified(request, at)
            return HttpResponseRedirect(wanted)
        except (CodeRefused, LoginRefused) as error:
            form.add_error(None, error.detail)
    context = {
        "form": form,
        "next": wanted,
        "by_password": by_password,
        "takes_codes": by_password or bool(kinds & {DeviceKind.TOTP, DeviceKind.RECOVERY}),
        "takes_passkeys": DeviceKind.PASSKEY in kinds,
        "minutes": settings.STAFF_REAUTHENTICATE_MINUTES,
    }
    return _page(request, "staff/reauthenticate.html", "Is it still you?", context)


@require_POST
def reauthenticate_begin(request: HttpRequest) -> HttpResponse:
    """What the browser asks one of my passkeys."""
    options, request.session[CHALLENGE] = staff_passkeys.begin_assertion(user_id=_me(request), host=host_of(request))
    return JsonResponse(options)


@require_POST
def reauthenticate_finish(request: HttpRequest) -> HttpResponse:
    """My passkey's answer."""
    at, state = clock.now(), request.session.pop(CHALLENGE, None)
    try:
        if state is None:
            raise CodeRefused("Start again.")
        staff_passkeys.finish_assertion(
            user_id=_me(request),
            state=state,
            answer=passkey_answer(request),
            host=host_of(request),
            ip=client_ip.get(),
            at=at,
        )
    except CodeRefused as error:
        return JsonResponse({"error": error.detail}, status=403)
    mark_verified(request, at)
    return JsonResponse({"next": safe_next(request, request.GET.get("next"))})


# --- sessions ---


@require_POST
def end_view(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """End one of my sessions."""
    at = clock.now()
    if session_id not in {session.id for session in list_sessions(_me(request), at)}:
        raise Http404
    end_session(session_id=session_id, reason=EndReason.KILLED, actor=staff_actor(request), at=at)
    return _done(request, "That session is over.")


@require_POST
def end_others_view(request: HttpRequest) -> HttpResponse:
    """End all my sessions but this one."""
    count = end_sessions(
        user_id=_me(request),
        reason=EndReason.KILLED,
        actor=staff_actor(request),
        at=clock.now(),
        but=request.staff_session.id,  # type: ignore[attr-defined]
    )
    return _done(request, f"{count} other sessions were ended." if count else "There was no other session.")


@never_cache
def session_view(request: HttpRequest) -> HttpResponse:
    """What the page's clock needs: who is here, until when, and whether there is an alarm."""
    if not admin.site.has_permission(request):
        return JsonResponse({}, status=401)
    at, session = clock.now(), request.staff_session  # type: ignore[attr-defined]
    return JsonResponse(
        {
            "user": session.user_id,
            "seconds_idle": max(0, (session.idle_until - at).total_seconds()),
            "seconds_left": max(0, (session.absolute_until - at).total_seconds()),
            "warning_seconds": settings.STAFF_SESSION_WARNING_SECONDS,
            "alarms": [
                {"login": alarm.login, "since": alarm.started_at.isoformat(), "ip": alarm.ip}
                for alarm in list_alarms(at)
            ],
        }
    )


@require_POST
def stay_view(request: HttpRequest) -> HttpResponse:
    """I am still here."""
    stay(session_id=request.staff_session.id, at=clock.now())  # type: ignore[attr-defined]
    return JsonResponse({})


def _me(request: HttpRequest) -> int:
    return request.user.pk or 0


def _use_device(request: HttpRequest, device_id: int) -> None:
    """From now on this device is what has verified the session."""
    request.session[DEVICE_ID_SESSION_KEY] = f"players.staffdevice/{device_id}"


def _done(request: HttpRequest, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("admin:security"))


def _page(request: HttpRequest, template: str, title: str, context: Mapping[str, object]) -> HttpResponse:
    request.current_app = admin.site.name
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})

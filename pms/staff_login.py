"""Logging in to the back office: password, passkey or single sign-on first, then what the role asks for.

Django's session carries a user only once all steps are done. Before, it carries ``staff_login``: who has passed the
first step, how and when.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_otp import DEVICE_ID_SESSION_KEY

from kernel import clock
from kernel.context import client_ip, user_agent
from kernel.reauthentication import mark_verified
from players.selectors_staff import asks_second_factor, find_staff, limits_of, list_devices, list_providers
from players.services import staff_passkeys
from players.services.staff_break_glass import raise_alarm
from players.services.staff_devices import CodeRefused, check_code
from players.services.staff_login import LoginRefused, admit, check_password
from players.services.staff_sessions import open_session
from players.services.staff_throttling import take_attempt
from players.types_staff import DeviceKind, StaffMember
from pms.staff_enrolment import enrol_app, passkey_answer
from pms.staff_requests import host_of, safe_next

PENDING = "staff_login"
PENDING_FOR = timedelta(minutes=10)
CHALLENGE = "staff_passkey"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody who has passed the first step."""

    user_id: int
    method: str
    next: str
    since: str


class LoginForm(forms.Form):
    username = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username webauthn", "autofocus": True})
    )
    password = forms.CharField(
        max_length=4096, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=20,
        help_text="Six digits from your app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "spellcheck": "false"}
        ),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        min_length=10,
        help_text="Everybody with access reads it. At least 10 characters.",
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )


@never_cache
@csrf_protect
@sensitive_post_parameters("password")
def login_view(request: HttpRequest) -> HttpResponse:
    """First step: login and password, a passkey, or an identity provider."""
    wanted = safe_next(request, request.POST.get("next") or request.GET.get("next"))
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(wanted)
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            member = check_password(
                login=data["username"], password=data["password"], ip=client_ip.get(), at=clock.now()
            )
        except LoginRefused as error:
            form.add_error(None, error.detail)
        else:
            return go_on(request, member, "password", wanted)
    providers = [
        (provider.name, f"{_sso_address(provider.protocol, provider.slug)}?{urlencode({'next': wanted})}")
        for provider in list_providers()
    ]
    return page(request, "staff/login.html", "Log in", {"form": form, "next": wanted, "providers": providers})


def go_on(
    request: HttpRequest, member: StaffMember, method: str, wanted: str, device_id: int | None = None
) -> HttpResponse:
    """After the first step: to the second, to enrolment, or in. ``device_id`` is what has verified the person already."""
    at = clock.now()
    request.session.flush()
    if device_id is not None and not member.break_glass:
        return complete(request, member, method, wanted, device_id)
    own = [device for device in list_devices(member.id) if device.kind is not DeviceKind.RECOVERY]
    step = (
        "login_reason" if member.break_glass
        else "login_second" if own
        else "login_enrol" if asks_second_factor(member)
        else ""
    )  # fmt: skip
    if not step:
        return complete(request, member, method, wanted, None)
    request.session[PENDING] = asdict(Pending(member.id, method, wanted, at.isoformat()))
    request.session.set_expiry(PENDING_FOR)
    return HttpResponseRedirect(reverse(f"admin:{step}"))


def complete(
    request: HttpRequest, member: StaffMember, method: str, wanted: str, device_id: int | None, reason: str = ""
) -> HttpResponse:
    """Let the person in: a new session under a new key. Whoever has no second factor is offered one at first."""
    at = clock.now()
    request.session.pop(PENDING, None)
    login(request, get_user_model().objects.get(pk=member.id), backend=BACKEND)
    if device_id is not None:
        request.session[DEVICE_ID_SESSION_KEY] = f"players.staffdevice/{device_id}"
    request.session.set_expiry(limits_of(member).absolute_minutes * 60)
    mark_verified(request, at)
    opened = open_session(
        user_id=member.id,
        session_key=request.session.session_key or "",
        method=method,
        ip=client_ip.get(),
        user_agent=user_agent.get(),
        reason=reason,
        at=at,
    )
    if member.break_glass:
        raise_alarm(session=opened, reason=reason, at=at)
    elif device_id is None and member.first_login:
        wanted = f"{reverse('admin:security')}?{urlencode({'welcome': '1', 'next': wanted})}"
    return HttpResponseRedirect(wanted)


@never_cache
@csrf_protect
def second_view(request: HttpRequest) -> HttpResponse:
    """Second step: a code, or a passkey."""
    found = pending(request)
    if found is None:
        return _start_again()
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = check_code(user_id=found.user_id, code=form.cleaned_data["code"], at=clock.now())
            return _complete_pending(request, found, device, "code")
        except (CodeRefused, LoginRefused) as error:
            form.add_error(None, error.detail)
    kinds = {device.kind for device in list_devices(found.user_id)}
    context = {
        "form": form,
        "takes_codes": bool(kinds & {DeviceKind.TOTP, DeviceKind.RECOVERY}),
        "takes_passkeys": DeviceKind.PASSKEY in kinds,
    }
    return page(request, "staff/second.html", "Second step", context)


@never_cache
@csrf_protect
def enrol_view(request: HttpRequest) -> HttpResponse:
    """Second step of somebody whose role needs a second factor and who has none: set one up, then in."""
    found = pending(request)
    member = find_staff(found.user_id) if found else None
    if found is None or member is None or list_devices(member.id):
        return _start_again()
    enrolment = enrol_app(request, member.id, member.login, clock.now())
    if enrolment.device_id is not None:
        answer = _complete_pending(request, found, enrolment.device_id, "enrolment")
        shown = {"codes": enrolment.codes, "next": answer["Location"]}
        return page(request, "staff/codes.html", "Recovery codes", shown)
    return page(request, "staff/enrol.html", "Set up your second factor", {"enrolment": enrolment})


@never_cache
@csrf_protect
def reason_view(request: HttpRequest) -> HttpResponse:
    """Second step of the break-glass account: say why, then in, with an alarm."""
    found = pending(request)
    member = find_staff(found.user_id) if found else None
    if found is None or member is None or not member.break_glass:
        return _start_again()
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return complete(request, member, "break-glass", found.next, None, form.cleaned_data["reason"])
    return page(request, "staff/reason.html", "Emergency access", {"form": form})


# --- passkeys ---


@never_cache
@require_POST
@csrf_protect
def passkey_begin(request: HttpRequest) -> HttpResponse:
    """What the browser asks a passkey: one of the pending person's, or, without a first step, any for this host."""
    found = pending(request)
    options, state = staff_passkeys.begin_assertion(user_id=found.user_id if found else None, host=host_of(request))
    request.session[CHALLENGE] = state
    return JsonResponse(options)


@never_cache
@require_POST
@csrf_protect
def passkey_finish(request: HttpRequest) -> HttpResponse:
    """The passkey's answer: lets the person in, as the second step or as the only one."""
    at, found, state = clock.now(), pending(request), request.session.pop(CHALLENGE, None)
    counted = take_attempt(what="address", of=client_ip.get(), at=at)
    try:
        if state is None or not counted:
            raise CodeRefused("This passkey was not accepted.")
        user_id, device_id = staff_passkeys.finish_assertion(
            user_id=found.user_id if found else None,
            state=state,
            answer=passkey_answer(request),
            host=host_of(request),
            ip=client_ip.get(),
            at=at,
        )
        if found:
            answer = _complete_pending(request, found, device_id, "passkey")
        else:
            member = admit(user_id=user_id, by="passkey", ip=client_ip.get(), at=at)
            wanted = safe_next(request, json.loads(request.body).get("next"))
            answer = go_on(request, member, "passkey", wanted, device_id)
    except (CodeRefused, LoginRefused) as error:
        return JsonResponse({"error": error.detail}, status=403)
    return JsonResponse({"next": answer["Location"]})


@never_cache
@require_POST
@csrf_protect
def enrol_passkey_begin(request: HttpRequest) -> HttpResponse:
    """What the browser needs to make the pending person's first passkey."""
    found = pending(request)
    member = find_staff(found.user_id) if found else None
    if member is None or list_devices(member.id):
        return JsonResponse({"error": "Log in again."}, status=403)
    options, request.session[CHALLENGE] = staff_passkeys.begin_registration(
        user_id=member.id, login=member.login, host=host_of(request)
    )
    return JsonResponse(options)


@never_cache
@require_POST
@csrf_protect
def enrol_passkey_finish(request: HttpRequest) -> HttpResponse:
    """Keep the pending person's first passkey, and let them in; recovery codes are one click away."""
    found, state = pending(request), request.session.pop(CHALLENGE, None)
    try:
        if found is None or state is None or list_devices(found.user_id):
            raise CodeRefused("Log in again.")
        device_id = staff_passkeys.finish_registration(
            user_id=found.user_id,
            state=state,
            answer=passkey_answer(request),
            name="Passkey",
            host=host_of(request),
            at=clock.now(),
        )
        _complete_pending(request, found, device_id, "enrolment")
    except (CodeRefused, LoginRefused) as error:
        return JsonResponse({"error": error.detail}, status=403)
    return JsonResponse({"next": f"{reverse('admin:security')}?{urlencode({'welcome': '1', 'next': found.next})}"})


# --- what the steps share ---


def pending(request: HttpRequest) -> Pending | None:
    """Who has passed the first step of this session, within the last minutes."""
    kept = request.session.get(PENDING)
    if not kept:
        return None
    found = Pending(**kept)
    return found if clock.now() - datetime.fromisoformat(found.since) < PENDING_FOR else None


def page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    """A page of the login, in the back office's frame for strangers."""
    request.current_app = admin.site.name
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def _complete_pending(request: HttpRequest, found: Pending, device_id: int, by: str) -> HttpResponse:
    method = f"{found.method} and {by}"
    member = admit(user_id=found.user_id, by=method, ip=client_ip.get(), at=clock.now())
    return complete(request, member, method, found.next, device_id)


def _start_again() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:login"))


def _sso_address(protocol: str, slug: str) -> str:
    if protocol == "saml":
        return reverse("saml_login", args=[slug])
    return reverse("openid_connect_login", args=[slug])

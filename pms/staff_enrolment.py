"""Setting up a second factor: the same steps at the first login and later, on one's own security page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import qrcode
from django import forms
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from qrcode.image.svg import SvgPathFillImage

from players.selectors_staff import list_devices
from players.services.staff_devices import (
    CodeRefused,
    begin_totp,
    confirm_totp,
    find_pending_totp,
    make_recovery_codes,
    totp_address,
)
from players.types_staff import DeviceKind


class AppForm(forms.Form):
    code = forms.CharField(
        label="Code that the app shows",
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How far setting up an app is. ``device_id`` is None until its first code was right; then there are codes."""

    form: AppForm
    secret: str = ""
    square: str = ""
    device_id: int | None = None
    codes: tuple[str, ...] = ()


def enrol_app(request: HttpRequest, user_id: int, login: str, at: datetime) -> Enrolment:
    """Show a secret, and take the app on when a code from it arrives; the first device brings recovery codes."""
    form = AppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = confirm_totp(user_id=user_id, code=form.cleaned_data["code"], name="Authenticator app", at=at)
            return Enrolment(form, device_id=device, codes=tuple(first_recovery_codes(user_id, at)))
        except CodeRefused as error:
            form.add_error("code", error.detail)
    # The secret stays over wrong codes: the app has it already.
    secret = (find_pending_totp(user_id=user_id) if request.method == "POST" else "") or begin_totp(
        user_id=user_id, at=at
    )
    spaced = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    return Enrolment(form, spaced, square_code(totp_address(secret=secret, login=login)))


def first_recovery_codes(user_id: int, at: datetime) -> list[str]:
    """Recovery codes for somebody who has none yet; else none."""
    if any(device.kind is DeviceKind.RECOVERY for device in list_devices(user_id)):
        return []
    return make_recovery_codes(user_id=user_id, at=at)


def square_code(text: str) -> SafeString:
    """A QR code as SVG to stand in the page: no request goes out for it, and no script draws it."""
    image = qrcode.make(text, image_factory=SvgPathFillImage, box_size=10, border=3)
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308  (made of squares alone)


def passkey_answer(request: HttpRequest) -> dict[str, Any]:
    """What the browser's passkey has said. Raises: CodeRefused when it is no JSON object."""
    try:
        answer = json.loads(request.body)["credential"]
    except (ValueError, KeyError, TypeError) as error:
        raise CodeRefused("The key's answer does not fit.") from error
    if not isinstance(answer, dict):
        raise CodeRefused("The key's answer does not fit.")
    return answer

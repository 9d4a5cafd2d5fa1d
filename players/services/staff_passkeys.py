"""Passkeys and hardware keys of staff (WebAuthn level 2, by the fido2 library)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kernel.secrets import derive_token, seal, unseal
from players.models_staff import StaffDevice
from players.selectors_staff import SECRETS_PURPOSE
from players.services.staff_devices import CodeRefused, record_device
from players.services.staff_login import note_failure
from players.types_staff import DeviceKind

State = dict[str, Any]


def begin_registration(*, user_id: int, login: str, host: str) -> tuple[dict[str, Any], State]:
    """What the browser needs to make a passkey for this host, and the state that ``finish_registration`` wants back."""
    options, state = _server(host).register_begin(
        PublicKeyCredentialUserEntity(
            name=login, id=derive_token(str(user_id), "passkey").encode(), display_name=login
        ),
        credentials=_credentials(user_id),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return dict(options), state


@transaction.atomic
def finish_registration(
    *, user_id: int, state: State, answer: Mapping[str, Any], name: str, host: str, at: datetime
) -> int:
    """Keep the passkey that the browser has made; the device's id. Raises: CodeRefused."""
    try:
        made = _server(host).register_complete(state, answer)
    except (ValueError, KeyError, TypeError) as error:
        raise CodeRefused("The key's answer does not fit. Try again.") from error
    credential = made.credential_data
    assert credential is not None  # noqa: S101  (register_complete has looked)
    row = StaffDevice.objects.create(
        user_id=user_id,
        kind=DeviceKind.PASSKEY,
        name=name.strip()[:64] or "Passkey",
        secret=seal(websafe_encode(bytes(credential)), SECRETS_PURPOSE),
        credential_id=credential.credential_id,
        counter=made.counter,
        created_at=at,
    )
    record_device(action="players.add_second_factor", user_id=user_id, kind=DeviceKind.PASSKEY, at=at)
    return int(row.pk)


def begin_assertion(*, user_id: int | None, host: str) -> tuple[dict[str, Any], State]:
    """What the browser needs to ask for a passkey: one of this person's, or whichever it has for this host.

    Alone, without a password before it, a passkey has to verify the person (by finger, face or PIN): that makes it two
    factors in one.
    """
    options, state = _server(host).authenticate_begin(
        credentials=_credentials(user_id) if user_id is not None else None,
        user_verification=UserVerificationRequirement.PREFERRED
        if user_id is not None
        else UserVerificationRequirement.REQUIRED,
    )
    return dict(options), state


def finish_assertion(
    *, user_id: int | None, state: State, answer: Mapping[str, Any], host: str, ip: str, at: datetime
) -> tuple[int, int]:
    """The person and the device that have answered, as ids. What is refused is on the trail. Raises: CodeRefused."""
    try:
        return _check_assertion(user_id, state, answer, host, at)
    except CodeRefused:
        # Whose key it claims to be: for one who comes without a first step there is nothing else to go by.
        whose = user_id if user_id is not None else _owner_of(answer)
        action = "players.log_in" if user_id is None else "players.prove_second_factor"
        note_failure(user_id=whose, by="passkey", ip=ip, at=at, action=action)
        raise


def _owner_of(answer: Mapping[str, Any]) -> int | None:
    try:
        raw_id = AuthenticationResponse.from_dict(answer).raw_id
    except (ValueError, KeyError, TypeError):
        return None
    row = StaffDevice.objects.filter(kind=DeviceKind.PASSKEY, confirmed=True, credential_id=raw_id).first()
    return row.user_id if row else None


@transaction.atomic
def _check_assertion(
    user_id: int | None, state: State, answer: Mapping[str, Any], host: str, at: datetime
) -> tuple[int, int]:
    refused = CodeRefused("This passkey was not accepted.")
    try:
        said = AuthenticationResponse.from_dict(answer)
        row = StaffDevice.objects.select_for_update().filter(
            kind=DeviceKind.PASSKEY, confirmed=True, credential_id=said.raw_id
        ).first()  # fmt: skip
        if row is None or (user_id is not None and row.user_id != user_id):
            raise refused
        _server(host).authenticate_complete(state, [_credential(row)], answer)
    except (ValueError, KeyError, TypeError) as error:
        raise refused from error
    counter = said.response.authenticator_data.counter
    # A key that counts never goes back: another one with its secret does (WebAuthn, 6.1.1). Most passkeys send 0.
    if counter and counter <= row.counter:
        raise refused
    row.counter, row.last_used_at = counter, at
    row.save(update_fields=["counter", "last_used_at"])
    return int(row.user_id), int(row.pk)


def _server(host: str) -> Fido2Server:
    return Fido2Server(PublicKeyCredentialRpEntity(name=settings.OPERATOR_NAME, id=host))


def _credentials(user_id: int) -> list[AttestedCredentialData]:
    rows = StaffDevice.objects.filter(user_id=user_id, kind=DeviceKind.PASSKEY, confirmed=True)
    return [_credential(row) for row in rows]


def _credential(row: StaffDevice) -> AttestedCredentialData:
    return AttestedCredentialData(websafe_decode(unseal(bytes(row.secret), SECRETS_PURPOSE)))

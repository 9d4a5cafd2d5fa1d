"""An authenticator in software: makes ES256 keys and signs what a browser would have a passkey or hardware key sign."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class SoftwareKey:
    """One key pair for one site. ``verifies`` says whether it checks the person (by PIN or finger)."""

    def __init__(self, origin: str = "https://testserver", *, verifies: bool = True) -> None:
        self.origin = origin
        self.flags = PRESENT | (VERIFIED if verifies else 0)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.user_handle = ""
        self.counter = 0

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """What a browser answers to creation options."""
        public_key = options["publicKey"]
        self.user_handle = public_key["user"]["id"]
        client = self._client_data("webauthn.create", public_key["challenge"])
        cose = cbor.encode(ES256.from_cryptography_key(self.private.public_key()))
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cose
        data = self._authenticator_data(public_key["rp"]["id"], self.flags | ATTESTED) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "type": "public-key",
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": websafe_encode(client),
                "attestationObject": websafe_encode(attestation),
            },
        }

    def sign(self, options: dict[str, Any], *, origin: str = "") -> dict[str, Any]:
        """What a browser answers to request options."""
        public_key = options["publicKey"]
        client = self._client_data("webauthn.get", public_key["challenge"], origin)
        self.counter += 1
        data = self._authenticator_data(public_key["rpId"], self.flags)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "type": "public-key",
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": websafe_encode(client),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signature),
                "userHandle": self.user_handle,
            },
        }

    def _client_data(self, kind: str, challenge: str, origin: str = "") -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin or self.origin}).encode()

    def _authenticator_data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

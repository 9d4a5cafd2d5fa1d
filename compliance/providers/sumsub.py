"""Verification by Sumsub's protocol: applicants, review status, access tokens for its SDK, signed webhooks.

Sources: developers.sumsub.com/api-reference ("Signing a request", applicants) and docs.sumsub.com ("Webhooks", "User
verification webhooks", "Receive results via API"). An applicant's ``externalUserId`` is the player's id: a player is one
applicant there, however often a call is repeated.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests
from django_countries import countries

from compliance.ports_kyc import InvalidSignature, KycUnavailable
from compliance.types_kyc import Answer, Notice, Person, Review, StartedCheck
from kernel.errors import FieldErrors
from kernel.outgoing import new_session

logger = logging.getLogger(__name__)

DIGEST_HEADER, ALGORITHM_HEADER = "X-Payload-Digest", "X-Payload-Digest-Alg"
# SHA-1 is offered there as well, and refused here.
_ALGORITHMS = {"HMAC_SHA256_HEX": hashlib.sha256, "HMAC_SHA512_HEX": hashlib.sha512}
_TOKEN_SECONDS = 600

_REASONS = {
    "DOCUMENT_PAGE_MISSING": "document_incomplete",
    "INCOMPLETE_DOCUMENT": "document_incomplete",
    "UNSATISFACTORY_PHOTOS": "document_unreadable",
    "LOW_QUALITY": "document_unreadable",
    "BLACK_AND_WHITE": "document_unreadable",
    "SCREENSHOTS": "document_unreadable",
    "DOCUMENT_DAMAGED": "document_damaged",
    "EXPIRATION_DATE": "document_expired",
    "ID_INVALID": "document_wrong_type",
    "NOT_DOCUMENT": "document_wrong_type",
    "WRONG_ADDRESS": "address_differs",
    "BAD_PROOF_OF_ADDRESS": "address_not_shown",
    "BAD_PROOF_OF_IDENTITY": "document_unreadable",
    "PROBLEMATIC_APPLICANT_DATA": "data_differs",
    "BAD_SELFIE": "selfie_needed",
    "BAD_FACE_MATCHING": "selfie_needed",
    "SELFIE_MISMATCH": "selfie_needed",
    "AGE_REQUIREMENT_MISMATCH": "underage",
    "FORGERY": "forged",
    "GRAPHIC_EDITOR": "forged",
    "FRAUDULENT_PATTERNS": "fraud_pattern",
    "FRAUDULENT_LIVENESS": "fraud_pattern",
    "DUPLICATE": "duplicate",
    "BLOCKLIST": "listed",
    "SANCTIONS": "sanctions",
    "COMPROMISED_PERSONS": "listed",
    "CRIMINAL": "listed",
    "ADVERSE_MEDIA": "listed",
    "PEP": "listed",
}


class SumsubProvider:
    """``secret_key`` signs our calls; ``webhook_secrets``, several while one is rotated, sign theirs.

    ``now`` gives the seconds that a signature is dated with. Applicants of its sandbox are not believed where
    ``allow_sandbox`` is off: the same webhook address serves both.
    """

    name = "sumsub"

    def __init__(
        self,
        *,
        app_token: str,
        secret_key: str,
        webhook_secrets: Sequence[str],
        base: str,
        level: str,
        allow_sandbox: bool = False,
        timeout_s: tuple[float, float] = (5.0, 15.0),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._app_token = app_token
        self._secret_key = secret_key
        self._webhook_secrets = [secret for secret in webhook_secrets if secret]
        self._base = base.rstrip("/")
        self._level = level
        self._allow_sandbox = allow_sandbox
        self._timeout_s = timeout_s
        self._now = now
        self._session = new_session()

    def start(self, person: Person, at: datetime) -> StartedCheck:
        external_id = str(person.player_id)
        known = self._call("GET", f"/resources/applicants/-;externalUserId={external_id}/one")
        if known is None:
            known = self._create(person)
        if known.get("externalUserId") != external_id:
            raise KycUnavailable("it answered with another person's applicant")
        token = self._call(
            "POST",
            "/resources/accessTokens/sdk",
            {"userId": external_id, "levelName": self._level, "ttlInSecs": _TOKEN_SECONDS},
        )
        if token is None:
            raise KycUnavailable("no access token")
        expires_at = at + timedelta(seconds=_TOKEN_SECONDS)
        return StartedCheck(self.name, _text(known, "id"), _text(token, "token"), expires_at)

    def status(self, applicant_id: str) -> Review | None:
        data = self._call("GET", f"/resources/applicants/{quote(applicant_id, safe='')}/status")
        if data is None:
            return None
        review = _review(applicant_id, data)
        if review is None:
            raise KycUnavailable(f"an unknown status: {data.get('reviewStatus')!r:.40}")
        return review

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        algorithm = _ALGORITHMS.get(headers.get(ALGORITHM_HEADER, ""))
        if algorithm is None:
            raise InvalidSignature(f"Sign with one of: {', '.join(sorted(_ALGORITHMS))}.")
        given = headers.get(DIGEST_HEADER, "").lower()
        wanted = [hmac.new(secret.encode(), body, algorithm).hexdigest() for secret in self._webhook_secrets]
        matches = [
            hmac.compare_digest(one.encode(), given.encode()) for one in wanted
        ]  # all, so that time tells nothing
        if not any(matches):
            raise InvalidSignature("The body was not signed with this webhook's secret.")
        try:
            data = json.loads(body)
            if data.get("sandboxMode") and not self._allow_sandbox:
                logger.warning("sumsub's sandbox speaks of %r", data.get("externalUserId"))
                return None
            review = _notice_review(data)
            if review is None:
                return None
            sent_at = datetime.fromisoformat(_text(data, "createdAtMs")).replace(tzinfo=UTC)
            key = hashlib.sha256(body).hexdigest()
            return Notice(key, _text(data, "type")[:60], _text(data, "externalUserId"), sent_at, review)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FieldErrors({"body": [f"This is no webhook as Sumsub sends them: {error!r:.100}."]}) from None

    def _create(self, person: Person) -> dict[str, Any]:
        body = {
            "externalUserId": str(person.player_id),
            "email": person.email,
            "phone": person.phone,
            "fixedInfo": {
                "firstName": person.first_name,
                "lastName": person.last_name,
                "dob": person.birth_date.isoformat() if person.birth_date else None,
                "country": countries.alpha3(person.country),
            },
        }
        made = self._call("POST", f"/resources/applicants?levelName={quote(self._level, safe='')}", body)
        if made is None:  # 409: a parallel call was quicker
            made = self._call("GET", f"/resources/applicants/-;externalUserId={person.player_id}/one")
        if made is None:
            raise KycUnavailable("the applicant is neither made nor there")
        return made

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        """The answer's JSON; None for 404 and 409. Raises: KycUnavailable."""
        raw = b"" if body is None else json.dumps(body).encode()
        moment = str(int(self._now()))
        signed = moment.encode() + method.encode() + path.encode() + raw
        headers = {
            "X-App-Token": self._app_token,
            "X-App-Access-Ts": moment,
            "X-App-Access-Sig": hmac.new(self._secret_key.encode(), signed, hashlib.sha256).hexdigest(),
            "Accept": "application/json",
        }
        if raw:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._session.request(
                method,
                self._base + path,
                data=raw or None,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout_s,
            )
            if answer.status_code in (404, 409):
                return None
            data = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise KycUnavailable(f"{method} {path.partition('?')[0]}: {type(error).__name__}") from None
        if answer.status_code not in (200, 201) or not isinstance(data, dict):
            logger.warning("sumsub answered %s to %s %s", answer.status_code, method, path.partition("?")[0])
            raise KycUnavailable(f"{method}: {answer.status_code}")
        return data


def _notice_review(data: dict[str, Any]) -> Review | None:
    """A webhook's word on an applicant; None for kinds that say nothing of the verification."""
    applicant_id = _text(data, "applicantId")
    kind = _text(data, "type")
    plain = {
        "applicantPending": Answer.PENDING,
        "applicantOnHold": Answer.ON_HOLD,
        "applicantReset": Answer.STARTED,
    }
    if kind in plain:
        return Review(applicant_id, plain[kind])
    return _review(applicant_id, data) if kind in ("applicantReviewed", "applicantWorkflowCompleted") else None


def _review(applicant_id: str, data: dict[str, Any]) -> Review | None:
    """``reviewStatus`` and ``reviewResult`` in our words; None: not a status that the documentation names."""
    status = data.get("reviewStatus")
    states = {
        "init": Answer.STARTED,
        "pending": Answer.PENDING,
        "prechecked": Answer.PENDING,
        "queued": Answer.PENDING,
        "awaitingUser": Answer.STARTED,
        "onHold": Answer.ON_HOLD,
    }
    attempt = int(data.get("attemptCnt") or 0)
    if status in states:
        return Review(applicant_id, states[status], attempt=attempt)
    result = data.get("reviewResult") or {}
    if status != "completed":
        return None
    if result.get("reviewAnswer") == "GREEN":
        return Review(applicant_id, Answer.ACCEPTED, attempt=attempt)
    if result.get("reviewAnswer") != "RED":
        return None  # neither yes nor no: nothing is concluded from it
    labels = tuple(str(label)[:80] for label in result.get("rejectLabels") or [])
    reasons = tuple(dict.fromkeys(_REASONS.get(label, "not_accepted") for label in labels)) or ("not_accepted",)
    # A kind of refusal that we do not know is looked at by a person.
    answers = {"RETRY": Answer.RETRY, "FINAL": Answer.REJECTED}
    answer = answers.get(str(result.get("reviewRejectType")), Answer.ON_HOLD)
    return Review(applicant_id, answer, reasons, labels, attempt)


def _text(data: dict[str, Any], name: str) -> str:
    """Raises: KeyError, TypeError."""
    value = data[name]
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} is no text")
    return value

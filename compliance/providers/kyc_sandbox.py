"""A verification provider that exists only here: for the demo, tests and integrators' trials. Nobody looks at anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.utils.crypto import constant_time_compare, salted_hmac

from compliance.ports_kyc import InvalidSignature, KycUnavailable
from compliance.types_kyc import Answer, Notice, Person, Review, StartedCheck
from kernel.errors import FieldErrors

SIGNATURE_HEADER = "X-Sandbox-Signature"
_TOKEN_LIVES = timedelta(minutes=10)

# By the last name: what becomes of the check. Everybody else is accepted.
SCRIPTS: Mapping[str, tuple[Answer, tuple[str, ...]]] = {
    "Retry": (Answer.RETRY, ("document_unreadable",)),
    "Expired": (Answer.RETRY, ("document_expired",)),
    "Reject": (Answer.REJECTED, ("forged",)),
    "Underage": (Answer.REJECTED, ("underage",)),
    "Pending": (Answer.PENDING, ()),
    "Hold": (Answer.ON_HOLD, ()),
}


class KycSandbox:
    """The last name says what happens (``SCRIPTS``); "Timeout" never answers, "Lost" answers but has no such applicant."""

    name = "sandbox"

    def start(self, person: Person, at: datetime) -> StartedCheck:
        if person.last_name == "Timeout":
            raise KycUnavailable("the sandbox was told not to answer")
        applicant_id = f"sandbox-{person.player_id}"
        cache.set(f"kyc-sandbox:{applicant_id}", person.last_name, 7 * 24 * 3600)
        return StartedCheck(self.name, applicant_id, f"sandbox-token-{person.player_id}", at + _TOKEN_LIVES)

    def status(self, applicant_id: str) -> Review | None:
        last_name = cache.get(f"kyc-sandbox:{applicant_id}", "")
        if last_name == "Lost":
            return None
        answer, reasons = SCRIPTS.get(last_name, (Answer.ACCEPTED, ()))
        return Review(applicant_id, answer, reasons)

    def notice(self, player_id: UUID, answer: Answer, at: datetime, key: str = "") -> tuple[dict[str, str], bytes]:
        """A signed webhook as the sandbox would send it: headers and raw body."""
        body = json.dumps(
            {"key": key or f"{player_id}:{answer}:{at.isoformat()}", "player": str(player_id), "answer": answer,
             "at": at.isoformat()}
        ).encode()  # fmt: skip
        return {SIGNATURE_HEADER: _digest(body)}, body

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        if not constant_time_compare(_digest(body), headers.get(SIGNATURE_HEADER, "")):
            raise InvalidSignature("The body was not signed by the sandbox.")
        try:
            data = json.loads(body)
            review = Review(f"sandbox-{data['player']}", Answer(data["answer"]))
            return Notice(data["key"][:80], "review", data["player"], datetime.fromisoformat(data["at"]), review)
        except (ValueError, KeyError, TypeError) as error:
            raise FieldErrors({"body": [f"This is no notice of the sandbox: {error!r:.100}."]}) from None


def _digest(body: bytes) -> str:
    return salted_hmac("compliance.kyc-sandbox", body, algorithm="sha256").hexdigest()

"""One call from its bytes to its answer: find the integration, verify, answer, write the log."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import parse_qsl
from uuid import UUID

from django.db import DatabaseError, transaction

from kernel.actors import Actor
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.pan import mask_pans
from wallet.adapters import hub88, igsp, swipegames
from wallet.adapters.calls import BLOTTED_TOKEN, Adapter, Answer, Call, Fault, Refused, Trace
from wallet.rules_adapters import allows_ip
from wallet.selectors_adapters import find_live_integration, get_adapter_request, get_game_session
from wallet.services.adapter_requests import record_request
from wallet.types_adapters import AdapterProtocol, AdapterRequestDetails, LiveIntegration

logger = logging.getLogger(__name__)

ADAPTERS = cast(
    dict[AdapterProtocol, Adapter],
    {AdapterProtocol.HUB88: hub88, AdapterProtocol.SWIPEGAMES: swipegames, AdapterProtocol.IGSP: igsp},
)

# How long a changed integration, a new key or a revoked one may go unnoticed.
TRUSTED_SECONDS = 5
KEPT_CHARACTERS = 8_000
KEPT_OF_STRANGERS = 500

_TOKEN_FIELD = re.compile(r'("(?:token|session|sessionID)"\s*:\s*")((?:[^"\\]|\\.)*)')
_TOKEN_PARAMETER = re.compile(r"(\bsessionID=)[^&]*")
_NOT_FOUND = Answer(404, b'{"error":"There is no such integration or endpoint."}')
_live: dict[str, tuple[datetime, LiveIntegration]] = {}


class ReplayRefused(DomainError):
    """This request is not tried again for real."""

    code = "replay_refused"
    title = "Not tried again"
    status = 409


def forget_integrations() -> None:
    """Read every integration anew from now on, in this process."""
    _live.clear()


def dispatch(
    protocol: str,
    code: str,
    endpoint: str,
    *,
    method: str,
    headers: Mapping[str, str],
    query: str,
    body: bytes | None,
    remote_ip: str,
    at: datetime,
) -> Answer:
    """Answer one request of an aggregator and log it. No body at all (None) stands for one that is too large."""
    started = time.perf_counter_ns()
    live = _find(code, at)
    if live is None or live.details.protocol != protocol or endpoint not in ADAPTERS[live.details.protocol].ENDPOINTS:
        return _NOT_FOUND
    call = Call(
        integration=live,
        endpoint=endpoint,
        method=method,
        headers=headers,
        query=_pairs(query),
        body=body or b"",
        at=at,
    )
    signed = False
    answer = _check(call, too_large=body is None, remote_ip=remote_ip)
    if answer is None:
        signed = True
        answer = _carry_out(call)
    details = _details(call, answer, signed, query, remote_ip, started)
    try:
        record_request(details=details)
    except DatabaseError:  # the ledger has what was done; the aggregator shall have its answer
        logger.exception("a request of %s is missing in the log", code)
    return answer


def replay(*, request_id: UUID, for_real: bool, actor: Actor, at: datetime) -> tuple[UUID, Answer]:
    """Dispatch a logged request once more, as if signed: the new row of the log, and the answer.

    Unless ``for_real``, nothing of it stays. For real, a bet is never tried again: whoever sent it has given it up.
    Raises: NotFound, UnknownGameSession, ReplayRefused.
    """
    past = get_adapter_request(request_id)
    endpoint, _, action = past.endpoint.partition(":")
    if not past.signature_ok:
        raise ReplayRefused("It was not signed by a key of the integration.")
    if for_real and "bet" in (action or endpoint):
        raise ReplayRefused("A bet is not placed again: the aggregator has given it up or has its answer.")
    live = find_live_integration(past.integration)
    if live is None:
        raise ReplayRefused("The integration is gone.")
    call = Call(
        integration=live,
        endpoint=endpoint,
        method=past.method,
        headers={},
        query=_pairs(past.query),
        body=past.body.encode(),
        at=at,
        session=get_game_session(past.session_id) if past.session_id else None,
    )
    started = time.perf_counter_ns()
    if for_real:
        answer = _carry_out(call)
    else:
        with transaction.atomic():
            answer = _carry_out(call)
            transaction.set_rollback(True)
    details = _details(call, answer, True, past.query, past.remote_ip, started)
    if not for_real:
        details = replace(details, outcome=f"tried: {details.outcome}")
    return record_request(details=details, replay_of=request_id, actor=actor), answer


def _find(code: str, at: datetime) -> LiveIntegration | None:
    known = _live.get(code)
    if known and timedelta(0) <= at - known[0] < timedelta(seconds=TRUSTED_SECONDS):
        return known[1]
    live = find_live_integration(code)
    if live is None:
        _live.pop(code, None)  # strangers' codes are not remembered: they would fill the memory
    else:
        _live[code] = (at, live)
    return live


def _check(call: Call, *, too_large: bool, remote_ip: str) -> Answer | None:
    """The refusal of a call that does not come from the integration, or None."""
    adapter = ADAPTERS[call.integration.details.protocol]
    refused = None
    if call.method != adapter.ENDPOINTS[call.endpoint]:
        refused = Refused(Fault.WRONG_METHOD, "This address takes another method.")
    elif too_large:
        refused = Refused(Fault.TOO_LARGE, "The body is too large.")
    elif not allows_ip(call.integration.details.allowed_ips, remote_ip):
        refused = Refused(Fault.BAD_SIGNATURE, "This address is not on the integration's list.")
    elif not adapter.verify(call):
        refused = Refused(Fault.BAD_SIGNATURE, "The signature is wrong.")
    if refused is None:
        return None
    call.trace.outcome = refused.fault
    return adapter.refuse(call, refused)


def _carry_out(call: Call) -> Answer:
    adapter = ADAPTERS[call.integration.details.protocol]
    try:
        answer = adapter.answer(call)
    except Refused as refused:
        call.trace.outcome = refused.fault
        return adapter.refuse(call, refused)
    except Exception:
        logger.exception("unhandled error in an adapter")
        call.trace.outcome = Fault.INTERNAL
        return adapter.refuse(call, Refused(Fault.INTERNAL, "Something went wrong here."))
    call.trace.outcome = call.trace.outcome or "answered"
    return answer


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return (("", ""), ("", ""))  # nothing that could ever be signed


def _details(
    call: Call, answer: Answer, signed: bool, query: str, remote_ip: str, started: int
) -> AdapterRequestDetails:
    kept = KEPT_CHARACTERS if signed else KEPT_OF_STRANGERS
    trace = call.trace
    return AdapterRequestDetails(
        id=uuid7(),
        integration=call.integration.details.code,
        endpoint=f"{call.endpoint}:{trace.action}" if trace.action else call.endpoint,
        method=call.method[:10],
        query=_blot(_TOKEN_PARAMETER.sub(rf"\1{BLOTTED_TOKEN}", query), trace)[:kept],
        body=_blot(call.body.decode(errors="replace"), trace)[:kept],
        signature_ok=signed,
        remote_ip=remote_ip,
        player_id=trace.player_id,
        session_id=trace.session_id,
        reference=_storable(trace.reference)[:200],
        status_code=answer.status,
        answer="" if answer.personal else mask_pans(answer.body.decode(), spare=trace.names),
        outcome=trace.outcome,
        duration_us=(time.perf_counter_ns() - started) // 1000,
        received_at=call.at,
    )


def _blot(text: str, trace: Trace) -> str:
    """Without tokens, and without card numbers other than in names: those are looked up, and tried again."""
    text = _TOKEN_FIELD.sub(rf"\1{BLOTTED_TOKEN}", text)
    for token in trace.tokens:
        if token:
            text = text.replace(token, BLOTTED_TOKEN)
    return mask_pans(_storable(text), spare=trace.names)


def _storable(text: str) -> str:
    """PostgreSQL's text takes no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")

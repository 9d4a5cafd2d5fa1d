"""The adapters over HTTP. No framework: the aggregator's own signature is what admits a request."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from kernel import clock
from kernel.context import client_ip
from kernel.rest.bodies import BodyTooLarge, read_body
from wallet.adapters.dispatch import dispatch


@csrf_exempt
def adapter(request: HttpRequest, protocol: str, integration: str, endpoint: str) -> HttpResponse:
    try:
        body: bytes | None = read_body(request)
    except BodyTooLarge:
        body = None
    answer = dispatch(
        protocol,
        integration,
        endpoint,
        method=request.method or "",
        headers=request.headers,
        query=request.META.get("QUERY_STRING", ""),
        body=body,
        remote_ip=client_ip.get(),
        at=clock.now(),
    )
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response

"""Where service clients get their tokens: allauth's endpoint behind ceilings, allow-lists and the switch of a client."""

from __future__ import annotations

import json
from collections.abc import Callable

from allauth.core.internal.httpkit import extract_basic_auth
from allauth.idp.oidc import views
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from kernel.addresses import is_within
from kernel.context import client_ip
from kernel.models_clients import ServiceClient
from kernel.rest.limits import count, seconds_left


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749, section 4.4. Whoever guesses is slowed down before a secret is looked at."""
    return _guarded(request, views.token)


@csrf_exempt
def revoke(request: HttpRequest) -> HttpResponse:
    """RFC 7009."""
    return _guarded(request, views.revoke)


def authorization_server(request: HttpRequest) -> HttpResponse:
    """RFC 8414: what service clients need to know of this server, and nothing of what it does not do."""
    described = json.loads(views.configuration(request).content)
    wanted = ("issuer", "token_endpoint", "revocation_endpoint", "jwks_uri", "scopes_supported")
    return JsonResponse(
        {name: described[name] for name in wanted}
        | {
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": described["token_endpoint_auth_methods_supported"],
            "service_documentation": request.build_absolute_uri("/api/docs/"),
        }
    )


def _guarded(request: HttpRequest, view: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    if request.method != "POST":
        response = JsonResponse({"error": "invalid_request"}, status=405)
        response["Allow"] = "POST"
        return response
    client_id = _client_id(request)
    ceiling = settings.TOKEN_REQUESTS_PER_MINUTE
    # One address may serve several clients, and one client several addresses: both are counted.
    if count(f"tokens-from:{client_ip.get()}") > 4 * ceiling or count(f"tokens-of:{client_id}") > ceiling:
        response = JsonResponse({"error": "temporarily_unavailable"}, status=429)
        response["Retry-After"] = str(int(seconds_left()) + 1)
        return response
    if not _may_ask(client_id):
        return JsonResponse({"error": "invalid_client"}, status=401)  # the answer to a wrong secret
    return view(request)


def _client_id(request: HttpRequest) -> str:
    basic, _ = extract_basic_auth({"Authorization": request.META.get("HTTP_AUTHORIZATION", "")})
    return (basic or request.POST.get("client_id", ""))[:100].replace("\0", "")


def _may_ask(client_id: str) -> bool:
    row = ServiceClient.objects.filter(pk=client_id, disabled_at=None).only("allowed_ips").first()
    return row is not None and (not row.allowed_ips or is_within(client_ip.get(), tuple(row.allowed_ips)))

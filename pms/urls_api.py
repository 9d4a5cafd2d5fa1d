"""The addresses of the process role `api`: what integrators call, without the back office."""

from django.urls import include, path

from kernel.rest import token_endpoint

urlpatterns = [
    path("api/v1/", include("wallet.rest.urls")),  # first: patterns are tried in order, and these are called most
    path("api/v1/", include("players.rest.urls")),
    path("api/v1/", include("compliance.rest.urls")),
    path("api/v1/", include("bonuses.rest.urls")),
    path("api/v1/", include("loyalty.rest.urls")),
    path("adapters/", include("wallet.adapters.urls")),  # aggregators of games, by their own protocols
    path("", include("kernel.rest.urls")),
    path("identity/o/api/token", token_endpoint.token, name="token"),
    path("identity/o/api/revoke", token_endpoint.revoke, name="revoke"),
    path(".well-known/oauth-authorization-server", token_endpoint.authorization_server, name="authorization-server"),
    path("", include("allauth.idp.urls")),  # service clients get their access tokens at /identity/o/api/token
]

handler400 = "kernel.rest.problems.bad_request"
handler404 = "kernel.rest.problems.page_not_found"
handler500 = "kernel.rest.problems.server_error"

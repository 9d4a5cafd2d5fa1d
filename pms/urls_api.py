"""The addresses of the process role `api`: what integrators call, without the back office."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("wallet.rest.urls")),  # first: patterns are tried in order, and these are called most
    path("api/v1/", include("players.rest.urls")),
    path("api/v1/", include("compliance.rest.urls")),
    path("api/v1/", include("loyalty.rest.urls")),
    path("adapters/", include("wallet.adapters.urls")),  # aggregators of games, by their own protocols
    path("", include("kernel.rest.urls")),
    path("", include("allauth.idp.urls")),  # service clients get their access tokens at /identity/o/api/token
]

handler400 = "kernel.rest.problems.bad_request"
handler404 = "kernel.rest.problems.page_not_found"
handler500 = "kernel.rest.problems.server_error"

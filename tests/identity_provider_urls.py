"""Addresses and claims of the tests' identity provider (tests/identity_provider.py)."""

from __future__ import annotations

from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.conf import settings
from django.urls import include, path

urlpatterns = [path("accounts/", include("allauth.account.urls")), path("", include("allauth.idp.urls"))]


class Adapter(DefaultOIDCAdapter):
    """Says which groups somebody is in, and how they were asked."""

    def get_claims(self, purpose: str, user: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        person = settings.PEOPLE[user.get_username()]
        claims = super().get_claims(purpose, user, *args, **kwargs)
        claims["groups"] = person["groups"]
        if purpose == "id_token":
            claims["amr"] = person["amr"]
        return claims

"""Third-party lists of the admin are taken away; the project's own stand in their place."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Client, Token
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin

from pms import admin_clients  # noqa: F401  (registers service clients)

for useless in (EmailAddress, Authenticator, Client, Token, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(useless):
        admin.site.unregister(useless)

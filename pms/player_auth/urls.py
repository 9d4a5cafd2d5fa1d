"""Players' login under allauth's standard paths, for programs (`app`) alone: allauth's own, ours in their places."""

from __future__ import annotations

from allauth.headless.account import urls as account
from allauth.headless.base import urls as base
from allauth.headless.constants import Client
from allauth.headless.mfa import urls as mfa
from allauth.headless.spec import urls as spec
from allauth.headless.tokens import urls as tokens
from django.urls import include, path

from pms.player_auth import views

APP = Client.APP

# In front of allauth's views of the same addresses.
_ours = [
    path("auth/2fa/authenticate", views.AuthenticateView.as_api_view(client=APP)),
    path("auth/2fa/reauthenticate", views.ReauthenticateView.as_api_view(client=APP)),
    path("auth/code/confirm", views.ConfirmSmsView.as_api_view(client=APP)),
    path("auth/phone/verify", views.VerifyPhoneView.as_api_view(client=APP)),
    path("auth/password/request", views.RequestPasswordResetView.as_api_view(client=APP)),
    path("auth/webauthn/authenticate", views.AuthenticateKeyView.as_api_view(client=APP)),
    path("auth/webauthn/reauthenticate", views.ReauthenticateKeyView.as_api_view(client=APP)),
    path("auth/webauthn/login", views.LoginKeyView.as_api_view(client=APP)),
    path("account/password/change", views.ChangePasswordView.as_api_view(client=APP)),
    path("account/authenticators/totp", views.TotpView.as_api_view(client=APP)),
    path("account/authenticators/recovery-codes", views.RecoveryCodesView.as_api_view(client=APP)),
    path("account/authenticators/webauthn", views.KeysView.as_api_view(client=APP)),
]

# Named as in allauth.headless.urls, which would add logins by other providers where staff have those.
_app = [
    *_ours,
    *base.build_urlpatterns(APP),
    path("", include((account.build_urlpatterns(APP), "headless"), namespace="account")),
    path("", include((mfa.build_urlpatterns(APP), "headless"), namespace="mfa")),
    path("", include((tokens.build_urlpatterns(APP), "headless"), namespace="tokens")),
]

app_name = "headless"
urlpatterns = [
    path("app/", include(([path("v1/", include(_app))], "headless"), namespace="app")),
    *spec.urlpatterns,
]

"""Third-party lists of the admin: those that help are put on Unfold, the others taken away."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.idp.oidc.admin import ClientAdmin
from allauth.idp.oidc.models import Client, Token
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.db import models
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from kernel.admin import may

for useless in (EmailAddress, Authenticator, Client, Token, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(useless):
        admin.site.unregister(useless)


@admin.register(Client)
class ApiClientAdmin(ClientAdmin, ModelAdmin):
    """Programs that may call the API. The secret is shown once, when the client is made."""

    list_display = ("name", "id", "type", "created_at")
    list_filter = ("type",)
    fields = ("id", "name", "type", "grant_types", "scopes", "created_at")
    readonly_fields = ("created_at",)
    actions = None
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextareaWidget({"rows": 4})}}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        return {"grant_types": "client_credentials"}

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "allauth_idp_oidc.view_client", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

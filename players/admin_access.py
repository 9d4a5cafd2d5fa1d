"""Staff accounts. Players share the table of users, and are never shown here; roles are given on a page of their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from events.audit import record
from events.audit_display import search_link
from kernel import clock
from kernel.admin import column, may, staff_actor
from kernel.display import chip, when
from kernel.reauthentication import reauthenticate_first
from players.models import User
from players.services.staff_resets import note_reset, tell
from players.services.staff_sessions import end_sessions
from players.types import UserKind
from players.types_staff import EndReason

admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(UserAdmin, ModelAdmin):
    """Staff: who may log in here, and in which roles. Accounts are switched off, never deleted."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "state", "seen")
    list_filter = ("is_active", "groups")
    ordering = ("username",)
    actions = None
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("What they may do", {"fields": ("is_active", "role_links", "trail")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined", "role_links", "trail")
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).filter(kind=UserKind.STAFF).prefetch_related("groups")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "players.view_user", obj) or may(request, "players.change_user", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, "players.add_user") and may(request, "players.change_user")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Whoever could change an account that may do more than they, could log in as it.
        return may(request, "players.change_user", obj) and (
            not isinstance(obj, User) or request.user.is_superuser or not obj.is_superuser
        )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.kind, obj.is_staff = UserKind.STAFF, True
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            self._record(request, "change_staff" if change else "create_staff", obj.pk, form)
            actor, at = staff_actor(request), clock.now()
            if not change:
                note_reset(user_id=obj.pk, what="Your account was made", actor=actor, at=at)
            elif "email" in form.changed_data:
                tell(email=form.initial["email"], what="Your email address was changed", actor=actor, at=at)
        if not obj.is_active:
            self._end_sessions(request, obj.pk, EndReason.SWITCHED_OFF)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """A new password for somebody ends their sessions, is told to them, and asks who sets it."""
        first = reauthenticate_first(request, clock.now(), request.get_full_path())
        if first:
            return first
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            if request.method == "POST" and answer.status_code == 302:
                self._record(request, "change_staff_password", id)
                note_reset(user_id=int(id), what="Your password was set", actor=staff_actor(request), at=clock.now())
                if id != str(request.user.pk):
                    self._end_sessions(request, int(id), EndReason.PASSWORD)
        return answer

    def _record(self, request: HttpRequest, deed: str, user_id: object, form: Any = None) -> None:
        changed = [name for name in ("username", "email", "is_active") if form and name in form.changed_data]
        record(
            action=f"players.{deed}",
            actor=staff_actor(request),
            at=clock.now(),
            object_type="players.user",
            object_id=str(user_id),
            before={name: str(form.initial.get(name, "")) for name in changed},
            after={name: str(form.cleaned_data[name]) for name in changed},
        )

    def _end_sessions(self, request: HttpRequest, user_id: int, reason: EndReason) -> None:
        end_sessions(user_id=user_id, reason=reason, actor=staff_actor(request), at=clock.now())

    @column("Roles")
    def roles(self, row: User) -> str:
        return ", ".join(group.name for group in row.groups.all()) or ("everything" if row.is_superuser else "–")

    @column("Roles")
    def role_links(self, row: User) -> str:
        href = reverse("admin:auth_group_staff", args=[row.pk])
        return format_html('{} &nbsp; <a class="pms-link" href="{}">See and change</a>', self.roles(row), href)

    @column("On the audit trail")
    def trail(self, row: User) -> str:
        return search_link("All that this person did", person=f"staff:{row.pk}")

    @column("State")
    def state(self, row: User) -> str:
        return chip("active" if row.is_active else "switched off")

    @column("Last login")
    def seen(self, row: User) -> str:
        return when(row.last_login)

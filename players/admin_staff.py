"""How staff log in, for administrators: sessions, second factors, IP allow-lists."""

from __future__ import annotations

import contextlib
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, when
from kernel.places import find_place
from kernel.reauthentication import reauthenticate_first
from players.models_staff import StaffDevice, StaffNetwork, StaffSession
from players.rules_staff import Invalid, check_network, describe_device, within
from players.selectors_staff import find_staff, living
from players.services.staff_devices import reset_second_factors
from players.services.staff_sessions import end_session, end_sessions
from players.types_staff import DeviceKind, EndReason, StaffMember

RESET = "players.reset_staffdevice"
END = "players.end_staffsession"


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 3}), help_text="Colleagues read it later."
    )


# --- sessions ---


class LivingFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("living", "Living"), ("over", "Over"), ("break_glass", "Break-glass")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StaffSession]) -> QuerySet[StaffSession]:
        match self.value():
            case "living":
                return living(queryset, clock.now())
            case "over":
                return queryset.exclude(pk__in=living(queryset.all(), clock.now()).values("pk"))
            case "break_glass":
                return queryset.filter(break_glass=True)
        return queryset


@admin.register(StaffSession)
class StaffSessionAdmin(PageAdmin):
    """Who is, and was, in the back office; sessions can be ended one by one, by person, and all at once."""

    list_display = ("who", "state", "device", "address", "by", "started", "seen", "end")
    list_filter = (LivingFilter,)
    list_select_related = ("user",)
    list_display_links = None
    ordering = ("-id",)
    search_fields = ("user__username",)
    search_help_text = "Login"
    sortable_by = ()
    list_before_template = "staff/sessions_top.html"
    page_template = "staff/session.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        count = living(StaffSession.objects.all(), clock.now()).count()
        context = {"living": count, "may_end": may(request, END), **(extra_context or {})}
        return super().changelist_view(request, context)

    @column("Who")
    def who(self, row: StaffSession) -> str:
        href = reverse("admin:players_staffsession_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.user.username)

    @column("State")
    def state(self, row: StaffSession) -> str:
        if row.break_glass and row.ended_at is None:
            return chip("break-glass", "bad")
        return chip(row.end_reason or "open", "" if row.ended_at else "good")

    @column("Device")
    def device(self, row: StaffSession) -> str:
        return describe_device(row.user_agent)

    @column("Address")
    def address(self, row: StaffSession) -> str:
        return format_html("{} {}", row.ip, find_place(row.ip)) if row.ip else NOTHING

    @column("By")
    def by(self, row: StaffSession) -> str:
        return row.method

    @column("Since")
    def started(self, row: StaffSession) -> str:
        return when(row.started_at)

    @column("Last seen")
    def seen(self, row: StaffSession) -> str:
        return when(row.last_seen_at)

    @column("Ended")
    def end(self, row: StaffSession) -> str:
        return when(row.ended_at)

    def page_title(self, obj: StaffSession) -> str:
        return f"Session of {obj.user.username}"

    def page_context(self, request: HttpRequest, obj: StaffSession) -> dict[str, object]:
        lives = living(StaffSession.objects.filter(pk=obj.pk), clock.now()).exists()
        facts = [
            ("Who", obj.user.username),
            ("State", self.state(obj)),
            ("Device", self.device(obj)),
            ("Browser's own name", obj.user_agent),
            ("Address", self.address(obj)),
            ("Logged in by", obj.method),
            ("Reason given", obj.reason),
            ("Since", when(obj.started_at)),
            ("Last seen", when(obj.last_seen_at)),
            ("Ends at the latest", when(obj.absolute_until)),
            ("Ended", when(obj.ended_at)),
            ("Ended by", obj.ended_by),
        ]
        others = living(StaffSession.objects.filter(user_id=obj.user_id), clock.now()).count()
        return {"facts": facts, "lives": lives and may(request, END), "count": others if may(request, END) else 0}

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("end-all/", self.end_all_view, "end_all"),
            self.view_path("<uuid:object_id>/end/", self.end_view, "end"),
            self.view_path("<uuid:object_id>/end-person/", self.end_person_view, "end_person"),
            *super().get_urls(),
        ]

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        end_session(session_id=row.pk, reason=EndReason.KILLED, actor=staff_actor(request), at=clock.now())
        messages.success(request, f"The session of {row.user.username} is over.")
        return HttpResponseRedirect(self.reverse("change", row.pk))

    def end_person_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        return self._end(request, row.user_id, f"of {row.user.username}")

    def end_all_view(self, request: HttpRequest) -> HttpResponse:
        """Everybody's sessions but one's own: whoever does this has to see what happens next."""
        self._may_end(request)
        return reauthenticate_first(request, clock.now(), self.reverse("changelist")) or self._end(request, None, "")

    def _end(self, request: HttpRequest, user_id: int | None, whose: str) -> HttpResponse:
        count = end_sessions(
            user_id=user_id,
            reason=EndReason.KILLED,
            actor=staff_actor(request),
            at=clock.now(),
            but=request.staff_session.id,  # type: ignore[attr-defined]
        )
        messages.success(request, f"{count} sessions {whose} are over. Your own goes on.")
        return HttpResponseRedirect(self.reverse("changelist"))

    def _row(self, request: HttpRequest, object_id: str) -> StaffSession:
        self._may_end(request)
        row: StaffSession = self.get_or_404(request, str(object_id))
        return row

    def _may_end(self, request: HttpRequest) -> None:
        need(request, END)
        if request.method != "POST":
            raise Http404


# --- second factors ---


@admin.register(StaffDevice)
class StaffDeviceAdmin(PageAdmin):
    """Who has which second factor. Secrets are shown to nobody; a person who lost theirs is reset, and enrols anew."""

    list_display = ("who", "kind_", "name", "created", "used")
    list_filter = ("kind",)
    list_select_related = ("user",)
    list_display_links = None
    ordering = ("user__username", "id")
    search_fields = ("user__username",)
    search_help_text = "Login"
    sortable_by = ()
    page_template = "staff/device.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffDevice]:
        return super().get_queryset(request).filter(confirmed=True)

    @column("Who")
    def who(self, row: StaffDevice) -> str:
        href = reverse("admin:players_staffdevice_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.user.username)

    @column("Kind")
    def kind_(self, row: StaffDevice) -> str:
        return KINDS[DeviceKind(row.kind)]

    @column("Since")
    def created(self, row: StaffDevice) -> str:
        return when(row.created_at)

    @column("Last used")
    def used(self, row: StaffDevice) -> str:
        return when(row.last_used_at) if row.last_used_at else NOTHING

    def page_title(self, obj: StaffDevice) -> str:
        return f"Second factor of {obj.user.username}"

    def page_context(self, request: HttpRequest, obj: StaffDevice) -> dict[str, object]:
        facts = [
            ("Who", obj.user.username),
            ("Kind", self.kind_(obj)),
            ("Name", obj.name),
            ("Since", self.created(obj)),
            ("Last used", self.used(obj)),
        ]
        return {"facts": facts, "may_reset": may(request, RESET)}

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("<int:object_id>/reset/", self.reset_view, "reset"), *super().get_urls()]

    def reset_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take all second factors of the person away, with a reason, after proving once more who one is."""
        need(request, RESET)
        row: StaffDevice = self.get_or_404(request, str(object_id))
        at, back = clock.now(), self.reverse("change", row.pk)
        first = reauthenticate_first(request, at, self.reverse("reset", row.pk))
        if first:
            return first
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: reset_second_factors(
                    user_id=row.user_id, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=at
                ),
                done=f"{row.user.username} sets up a second factor at the next login.",
                back=self.reverse("changelist"),
                form=form,
            )
            if done:
                return done
        login = row.user.username
        says = [
            f"All second factors and recovery codes of {login} are taken away.",
            f"All sessions of {login} end now.",
            "At the next login they need their password, and set up a second factor where their role asks for one.",
            "Make sure that it is really they who ask for this: call them back on a number that you know.",
        ]
        context = {"form": form, "says": says, "button": f"Reset {login}", "back": back}
        return self.render(request, "staff/confirm.html", f"Reset second factors of {login}", context, row.pk)


KINDS = {
    DeviceKind.TOTP: "Authenticator app",
    DeviceKind.PASSKEY: "Passkey or hardware key",
    DeviceKind.RECOVERY: "Recovery codes",
    DeviceKind.SSO: "Asserted by single sign-on",
}


# --- configuration ---


class NetworkForm(forms.ModelForm):
    """Asks once more before somebody locks themselves out. ``who`` and ``ip`` are whoever fills it in."""

    who: StaffMember
    ip: str

    lock_me_out = forms.BooleanField(
        required=False, label="Lock me out", help_text="Needed only when your own address is not on the list any more."
    )

    class Meta:
        model = StaffNetwork
        fields = ("role", "network", "note")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        role, network = data.get("role"), data.get("network", "")
        with contextlib.suppress(Invalid):  # the model says so, a little later
            self._ask_twice(role, network, data)
        return data

    def _ask_twice(self, role: Group | None, network: str, data: dict[str, Any]) -> None:
        check_network(network)
        if role and role.name in self.who.roles and not data.get("lock_me_out"):
            others = StaffNetwork.objects.filter(role=role).exclude(pk=self.instance.pk)
            if not within(self.ip, [network, *others.values_list("network", flat=True)]):
                self.add_error(
                    "lock_me_out",
                    f"You are at {self.ip}, which would not be on the list: you would be logged out at once."
                    " Add your own network first, or tick this.",
                )


@admin.register(StaffNetwork)
class StaffNetworkAdmin(ModelAdmin):
    """IP allow-lists by role. A role without an entry may come from everywhere."""

    actions = None
    form = NetworkForm
    fields = ("role", "network", "note", "lock_me_out")
    list_display = ("role", "network", "note")
    list_filter = ("role",)
    list_select_related = ("role",)
    ordering = ("role__name", "network")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "players.view_staffnetwork", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, "players.add_staffnetwork")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "players.change_staffnetwork", obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        first = reauthenticate_first(request, clock.now(), request.get_full_path())
        return first or super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        made.who, made.ip = find_staff(request.user.pk or 0), request.staff_session.ip  # type: ignore[attr-defined]
        return made

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "players.delete_staffnetwork", obj) and not (
            isinstance(obj, StaffNetwork) and self._lets_me_in(request, obj)
        )

    def _lets_me_in(self, request: HttpRequest, obj: StaffNetwork) -> bool:
        """Whether this entry is the only one that lets the person who looks at it in, while others stand."""
        me, ip = find_staff(request.user.pk or 0), request.staff_session.ip  # type: ignore[attr-defined]
        others = list(StaffNetwork.objects.filter(role=obj.role).exclude(pk=obj.pk).values_list("network", flat=True))
        return bool(me and obj.role.name in me.roles and others and not within(ip, others))

"""Players in the back office: the list with its search, and the page that other apps plug their panels into."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django_countries import countries
from unfold.contrib.filters.admin import DropdownFilter

from kernel import clock
from kernel.access import prefetch
from kernel.admin import PageAdmin, column, may, need, staff_actor
from kernel.display import chip, copyable, human, when
from players import (
    admin_access,  # noqa: F401  (registers staff and roles)
    admin_actions,
    admin_identity,
    admin_portfolios,
    admin_providers,  # noqa: F401  (registers single sign-on)
    admin_reveals,
    admin_staff,  # noqa: F401  (registers how staff log in)
)
from players.admin_masking import mask_email, mask_name, sees_personal_data
from players.models import Label, Player, Restriction
from players.ports import PanelRequest, list_panels
from players.selectors import UnknownPlayer, get_player, list_restrictions
from players.services.reveals import note_view
from players.services.searches import search_players
from players.types import RestrictionKind


def standing_restrictions() -> Q:
    """Restrictions in force now."""
    at = clock.now()
    return Q(lifted_at=None, active_from__lte=at) & (Q(active_until=None) | Q(active_until__gt=at))


class CountryFilter(DropdownFilter):
    title = "country"
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, f"{name} ({code})") for code, name in countries]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Player]) -> QuerySet[Player]:
        return queryset.filter(country=self.value()) if self.value() else queryset


class RestrictedFilter(admin.SimpleListFilter):
    title = "restriction in force"
    parameter_name = "restricted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "Any"), *((kind.value, human(kind)) for kind in RestrictionKind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Player]) -> QuerySet[Player]:
        if not self.value():
            return queryset
        found = Restriction.objects.filter(standing_restrictions())
        if self.value() != "any":
            found = found.filter(kind=self.value())
        return queryset.filter(id__in=found.values("player_id"))


@admin.register(Player)
class PlayerAdmin(PageAdmin):
    list_display = ("country", "state", "verified", "risk", "level", "registered")
    list_display_links = None
    list_filter = ("status", "confirm_status", "risk_level", RestrictedFilter, CountryFilter)
    list_filter_submit = True
    list_select_related = ("user", "profile")
    ordering = ("-registered_at", "-id")
    search_fields = ("id",)  # shows the box; get_search_results decides
    search_help_text = "Id, login, email, phone, name or national number"
    sortable_by = ()
    player_path = "id"

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What each row may show is asked row by row: the facts for it come in one query."""
        listed = super().get_changelist_instance(request)
        prefetch(row.pk for row in listed.result_list)
        return listed

    def get_queryset(self, request: HttpRequest) -> QuerySet[Player]:
        level = Label.objects.filter(player=OuterRef("pk"), namespace="loyalty", key="level").values("value")
        held = Restriction.objects.filter(standing_restrictions(), player=OuterRef("pk"))
        return super().get_queryset(request).annotate(level_label=Subquery(level[:1]), is_restricted=Exists(held))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Player], search_term: str
    ) -> tuple[QuerySet[Player], bool]:
        return (
            queryset.filter(id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now()))
            if search_term.strip()
            else queryset
        ), False

    # --- the list's columns ---

    def get_list_display(self, request: HttpRequest) -> Any:
        """Who it is comes first; how much of it depends on who looks, so these columns are made per request."""
        actor = staff_actor(request)

        @column("Player")
        def who(row: Player) -> str:
            first, last, personal = row.profile.first_name, row.profile.last_name, sees_personal_data(actor, row.pk)
            shown = f"{first} {last}" if personal else f"{mask_name(first)} {mask_name(last)}"
            return format_html(
                '<a class="pms-strong" href="{}">{}</a><br><span class="pms-subtle">{}</span>',
                reverse("admin:players_player_change", args=[row.pk]),
                row.user.username,
                shown.strip() or "–",
            )

        @column("Email and id")
        def contact(row: Player) -> str:
            email = row.user.email if sees_personal_data(actor, row.pk) else mask_email(row.user.email)
            return format_html("{}<br>{}", email, copyable(row.pk))

        return [who, contact, *self.list_display]

    @column("Status")
    def state(self, row: Any) -> str:
        held = format_html("<br>{}", chip("restricted")) if row.is_restricted else ""
        return format_html("{}{}", chip(row.status), held)

    @column("Verification")
    def verified(self, row: Player) -> str:
        return chip(row.confirm_status)

    @column("Risk")
    def risk(self, row: Player) -> str:
        return chip(row.risk_level)

    @column("Level")
    def level(self, row: Any) -> str:
        return chip(row.level_label, "accent") if row.level_label else chip("")

    @column("Registered")
    def registered(self, row: Player) -> str:
        return when(row.registered_at)

    # --- the page ---

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("portfolios/", self.portfolios_view, "portfolios"),
            self.view_path("<uuid:player_id>/release/<int:staff_id>/", self.release_view, "release"),
            self.view_path("<uuid:player_id>/tab/<slug:key>/", self.tab_view, "tab"),
            self.view_path("<uuid:player_id>/impose/", self.impose_view, "impose"),
            self.view_path("<uuid:player_id>/lift/<uuid:restriction_id>/", self.lift_view, "lift"),
            self.view_path("<uuid:player_id>/reveal/<slug:section>/", self.reveal_view, "reveal"),
            self.view_path("<uuid:player_id>/status/", self.status_view, "status"),
            self.view_path("<uuid:player_id>/sessions/end/", self.end_sessions_view, "end_sessions"),
            self.view_path("<uuid:player_id>/sessions/<uuid:session_id>/end/", self.end_sessions_view, "end_session"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            player_id = UUID(object_id)
        except ValueError:
            raise Http404 from None
        return self.tab_view(request, player_id, "overview")

    def tab_view(self, request: HttpRequest, player_id: UUID, key: str) -> HttpResponse:
        """One tab of the player page."""
        frame = self.frame(request, player_id)
        panel = next((panel for panel in list_panels() if panel.key == key), None)
        if panel is None:
            raise Http404(f"The player page has no tab {key}.")
        if panel not in frame["panels"]:
            raise PermissionDenied
        return self.render(
            request,
            "players/page.html",
            frame["player"].login,
            {**frame, "panel": panel, **panel.context(frame["ask"])},
            player_id,
        )

    def frame(self, request: HttpRequest, player_id: UUID) -> dict[str, Any]:
        """What every page about one player shows. Raises: PermissionDenied, Http404."""
        need(request, self.view_permission, player_id)
        try:
            player = get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None
        actor, at = staff_actor(request), clock.now()
        if sees_personal_data(actor, player_id):
            note_view(player_id=player_id, what="the player page", actor=actor, at=at)
        ask = PanelRequest(player, actor, at, request.GET.dict())
        panels = [panel for panel in list_panels() if may(request, panel.permission, player)]
        sees = may(request, "players.view_restriction", player)
        return {
            "ask": ask,
            "player": player,
            "display_name": admin_actions.display_name(player, actor),
            "country_name": countries.name(player.country),
            "panels": panels,
            "figures": [figure for panel in panels for figure in panel.figures(ask)],
            "restrictions": list_restrictions(player_id, standing_at=at) if sees else [],
            "may_change_status": may(request, "players.change_player_status", player),
            "may_impose": may(request, "players.impose_restriction", player),
        }

    def portfolios_view(self, request: HttpRequest) -> HttpResponse:
        return admin_portfolios.portfolios(self, request)

    def release_view(self, request: HttpRequest, player_id: UUID, staff_id: int) -> HttpResponse:
        return admin_portfolios.release(self, request, player_id, staff_id)

    def impose_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        return admin_actions.impose(self, request, player_id)

    def lift_view(self, request: HttpRequest, player_id: UUID, restriction_id: UUID) -> HttpResponse:
        return admin_actions.lift(self, request, player_id, restriction_id)

    def reveal_view(self, request: HttpRequest, player_id: UUID, section: str) -> HttpResponse:
        return admin_reveals.reveal_view(self, request, player_id, section)

    def status_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        return admin_actions.status(self, request, player_id)

    def end_sessions_view(self, request: HttpRequest, player_id: UUID, session_id: UUID | None = None) -> HttpResponse:
        return admin_identity.end_sessions(self, request, player_id, session_id)


@admin.register(Restriction)
class RestrictionAdmin(PageAdmin):
    """All restrictions, newest first; each opens its player's page."""

    list_display = ("kind_", "player_", "standing", "source", "from_", "until", "imposed_by")
    list_display_links = None
    list_filter = ("kind", ("lifted_at", admin.EmptyFieldListFilter))
    list_select_related = ("player__user",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Restriction], search_term: str
    ) -> tuple[QuerySet[Restriction], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404  # restrictions are read and lifted on the player's page

    @column("Restriction")
    def kind_(self, row: Restriction) -> str:
        return chip(row.kind, "bad" if row.lifted_at is None else "")

    @column("Player")
    def player_(self, row: Restriction) -> str:
        href = reverse("admin:players_player_tab", args=[row.player_id, "restrictions"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("State")
    def standing(self, row: Restriction) -> str:
        if row.lifted_at is not None:
            return chip("lifted")
        return chip("ended" if row.active_until and row.active_until <= clock.now() else "in force")

    @column("From")
    def from_(self, row: Restriction) -> str:
        return when(row.active_from)

    @column("Until")
    def until(self, row: Restriction) -> str:
        return when(row.lifted_at or row.active_until)

"""Loyalty in the back office: programmes with their levels, and where players stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock
from kernel.admin import PageAdmin, column, staff_actor
from kernel.display import chip, human, when
from loyalty.admin_levels import LevelPages
from loyalty.admin_points import CorrectionPages
from loyalty.models import Programme, Standing
from loyalty.selectors import count_players_by_level
from loyalty.selectors_programme import UnknownProgramme, get_rule, level_details
from loyalty.types_programme import ProgrammeRule
from players.services.searches import search_players


@admin.register(Programme)
class ProgrammeAdmin(PageAdmin):
    list_display = ("name_", "markets_", "levels_", "earns_")
    list_display_links = None
    ordering = ("code",)
    sortable_by = ()
    page_template = "loyalty/programme.html"

    @column("Programme")
    def name_(self, row: Programme) -> str:
        href = reverse("admin:loyalty_programme_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.name)

    @column("For players in")
    def markets_(self, row: Programme) -> str:
        rule = _rule(row)
        return ", ".join(rule.markets) or "all other places" if rule else "–"

    @column("Levels")
    def levels_(self, row: Programme) -> str:
        rule = _rule(row)
        return ", ".join(level.name for level in rule.levels) if rule else "nothing is in force yet"

    @column("Points per EUR")
    def earns_(self, row: Programme) -> str:
        rule = _rule(row)
        return f"{rule.points_per_eur.normalize():f}" if rule else "–"

    def page_context(self, request: HttpRequest, obj: Programme) -> dict[str, object]:
        rule = _rule(obj)
        if rule is None:
            return {"rule": None}
        counts = count_players_by_level(clock.now(), obj.code)
        levels = level_details(rule.levels)
        return {"rule": rule, "levels": [(level, counts[level.code]) for level in levels], "programme": obj}


def _rule(row: Programme) -> ProgrammeRule | None:
    try:
        return get_rule(row.code, clock.now())
    except UnknownProgramme:
        return None


@admin.register(Standing)
class StandingAdmin(LevelPages, CorrectionPages, PageAdmin):
    """Where players stand, newest player first; each opens its player's page."""

    list_display = ("player_", "programme", "level_", "turnover", "since", "held_", "last_bet")
    list_display_links = None
    list_filter = ("programme", "level", "held")
    list_select_related = ("player__user",)
    ordering = ("-player_id",)
    search_fields = ("player_id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Standing], search_term: str
    ) -> tuple[QuerySet[Standing], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404  # a standing is read on the player's page

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("<uuid:player_id>/level/", self.order_view, "level"),
            self.view_path("<uuid:player_id>/points/", self.correct_view, "points"),
            *super().get_urls(),
        ]

    @column("Player")
    def player_(self, row: Standing) -> str:
        href = reverse("admin:players_player_tab", args=[UUID(str(row.player_id)), "loyalty"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("Level")
    def level_(self, row: Standing) -> str:
        return chip(human(row.level), "accent")

    @column("Turnover")
    def turnover(self, row: Standing) -> str:
        return f"{row.turnover_eur:,.2f} EUR"

    @column("On this level since")
    def since(self, row: Standing) -> str:
        return when(row.level_since)

    @column("Held")
    def held_(self, row: Standing) -> str:
        return chip(human(row.held), "warning") if row.held else "–"

    @column("Last bet")
    def last_bet(self, row: Standing) -> str:
        return when(row.last_bet_at)

"""Loyalty in the back office: levels and where players stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from kernel import clock
from kernel.admin import PageAdmin, column, staff_actor
from kernel.display import chip, human, when
from loyalty.models import Coefficient, Level, Programme, Standing
from loyalty.selectors import count_players_by_level
from players.services.searches import search_players


@admin.register(Level)
class LevelAdmin(PageAdmin):
    list_display = ("name_", "threshold", "multiplier_", "cashback_", "privileges_")
    list_display_links = None
    ordering = ("order",)
    sortable_by = ()

    @column("Level")
    def name_(self, row: Level) -> str:
        href = reverse("admin:loyalty_level_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.name)

    @column("Entered at a turnover of")
    def threshold(self, row: Level) -> str:
        return f"{row.threshold_eur:,.2f} EUR"

    @column("Points multiplier")
    def multiplier_(self, row: Level) -> str:
        return f"× {row.multiplier.normalize():f}"

    @column("Cashback")
    def cashback_(self, row: Level) -> str:
        return f"{(row.cashback * 100).normalize():f} %"

    @column("Privileges")
    def privileges_(self, row: Level) -> str:
        return ", ".join(human(name) for name in row.privileges) or "–"

    def page_context(self, request: HttpRequest, obj: Level) -> dict[str, object]:
        programme = Programme.objects.first()
        return {
            "facts": [
                ("Name", obj.name),
                ("Code", obj.code),
                ("Entered at a turnover of", self.threshold(obj)),
                ("Points multiplier", self.multiplier_(obj)),
                ("Cashback", self.cashback_(obj)),
                ("Privileges", self.privileges_(obj)),
                ("Players on it (who have bet)", f"{count_players_by_level().get(obj.code, 0):,}"),
                ("Points per EUR, before all else", f"{programme.points_per_eur.normalize():f}" if programme else ""),
                ("Coefficients by game category", self._coefficients()),
            ]
        }

    def _coefficients(self) -> str:
        rows = Coefficient.objects.order_by("category")
        return ", ".join(f"{row.category} × {row.coefficient.normalize():f}" for row in rows)


@admin.register(Standing)
class StandingAdmin(PageAdmin):
    """Where players stand, newest player first; each opens its player's page."""

    list_display = ("player_", "level_", "points_", "turnover", "since", "last_bet")
    list_display_links = None
    list_filter = ("level",)
    list_select_related = ("player__user", "level")
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

    @column("Player")
    def player_(self, row: Standing) -> str:
        href = reverse("admin:players_player_tab", args=[UUID(str(row.player_id)), "loyalty"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("Level")
    def level_(self, row: Standing) -> str:
        return chip(row.level.name, "accent")

    @column("Points")
    def points_(self, row: Standing) -> str:
        return f"{row.points:,}"

    @column("Turnover")
    def turnover(self, row: Standing) -> str:
        return f"{row.turnover_eur:,.2f} EUR"

    @column("On this level since")
    def since(self, row: Standing) -> str:
        return when(row.level_since)

    @column("Last bet")
    def last_bet(self, row: Standing) -> str:
        return when(row.last_bet_at)

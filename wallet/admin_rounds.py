"""Rounds in the back office: a player's rounds, and one round from its first bet to the last entry."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel.admin import PageAdmin, need
from kernel.display import NOTHING
from kernel.money import Money
from players.selectors import UnknownPlayer, get_player
from wallet.models import Entry
from wallet.selectors_history import find_round, list_history, list_rounds
from wallet.types import HistoryFilter

PAGE = 50
MOST_MOVEMENTS = 200


def round_link(player_id: UUID, game: str, round_: str, source: str) -> str:
    """One round of a player, shortened; nothing where a movement belongs to none."""
    if not round_:
        return NOTHING
    address = reverse("admin:wallet_transfer_round", args=[player_id])
    href = f"{address}?{urlencode({'game': game, 'round': round_, 'source': source})}"
    return format_html('<a class="pms-link pms-clip--round" href="{}" title="{}">{}</a>', href, round_, round_)


class RoundPages(PageAdmin):
    """Two pages below the list of transfers."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("rounds/<uuid:player_id>/", self.rounds_view, "rounds"),
            self.view_path("rounds/<uuid:player_id>/one/", self.round_view, "round"),
            *super().get_urls(),
        ]

    def rounds_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        player = self._player(request, player_id)
        game, before = request.GET.get("game", ""), _uuid(request.GET.get("before", ""))
        found = list_rounds(player_id, wanted=HistoryFilter(game=game), before=before, limit=PAGE)
        context = {
            "player": player,
            "game": game,
            "first_page": before is None,
            "older": found.next,
            "rounds": [
                {"row": row, "link": round_link(player_id, row.game, row.round, row.source)} for row in found.items
            ],
        }
        return self.render(request, "wallet/rounds.html", f"Rounds of {player.login}", context)

    def round_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        player = self._player(request, player_id)
        asked = {name: request.GET.get(name, "") for name in ("game", "source")}
        whole = find_round(player_id, round_id=request.GET.get("round", ""), **asked)
        if whole is None:
            raise Http404("This player has no such round.")
        wanted = HistoryFilter(game=whole.game, round=whole.round, source=whole.source)
        found = list_history(player_id, wanted=wanted, limit=MOST_MOVEMENTS).items[::-1]
        entries: dict[UUID, list[Entry]] = {movement.id: [] for movement in found}
        # An entry's id is never smaller than its transfer's: older partitions are left alone.
        rows = Entry.objects.filter(transfer_id__in=entries, id__gte=found[0].id).select_related("account")
        for entry in rows.order_by("id"):
            entries[entry.transfer_id].append(entry)
        currency = player.currency
        context: dict[str, Any] = {
            "player": player,
            "round": whole,
            "shown": len(found),
            "movements": [
                {
                    "row": movement,
                    "entries": [
                        (entry, Money(entry.amount_minor, currency), _after(entry, currency))
                        for entry in entries[movement.id]
                    ],
                }
                for movement in found
            ],
        }
        return self.render(request, "wallet/round.html", f"Round of {player.login}", context)

    def _player(self, request: HttpRequest, player_id: UUID) -> Any:
        need(request, "wallet.view_transfer")
        try:
            return get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None


def _after(entry: Entry, currency: str) -> Money | None:
    return None if entry.balance_after_minor is None else Money(entry.balance_after_minor, currency)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""Game sessions and the log of aggregators' requests in the back office."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import DropdownFilter

from kernel import clock
from kernel.admin import LatestAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, pretty_json, when
from kernel.errors import DomainError
from players.services.searches import search_players
from wallet import admin_integrations  # noqa: F401  (registers integrations)
from wallet.adapters.dispatch import replay
from wallet.admin_integrations import integration_link
from wallet.models_adapters import AdapterRequest, GameSession, Integration
from wallet.services.game_sessions import revoke_session

REPLAY = "wallet.replay_adapterrequest"
REVOKE = "wallet.change_gamesession"
GOOD = ("applied", "replayed", "answered", "tombstoned")


def player_id_link(player_id: object) -> str:
    if not player_id:
        return NOTHING
    return copyable(player_id, reverse("admin:players_player_tab", args=[player_id, "wallet"]))


def request_link(request_id: object) -> str:
    return copyable(request_id, reverse("admin:wallet_adapterrequest_change", args=[request_id])) if request_id else ""


def outcome_chip(outcome: str) -> str:
    word = outcome.removeprefix("tried: ")
    return chip(outcome, "good" if word in GOOD else "warn")


class IntegrationFilter(DropdownFilter):
    title = "integration"
    parameter_name = "integration"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Integration.objects.order_by("code").values_list("code", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(integration=self.value()) if self.value() else queryset


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at = clock.now()
        return {
            "open": queryset.filter(revoked_at=None, expires_at__gt=at),
            "expired": queryset.filter(revoked_at=None, expires_at__lte=at),
            "revoked": queryset.filter(revoked_at__isnull=False),
        }.get(self.value() or "", queryset)


class OutcomeFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("good", "Done"), ("refused", "Refused"), ("unsigned", "Wrong signature"), ("failed", "Failed here")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return {
            "good": queryset.filter(outcome__in=GOOD),
            "refused": queryset.filter(signature_ok=True).exclude(outcome__in=GOOD),
            "unsigned": queryset.filter(signature_ok=False),
            "failed": queryset.filter(outcome="internal"),
        }.get(self.value() or "", queryset)


@admin.register(GameSession)
class GameSessionAdmin(LatestAdmin):
    list_display = ("id_", "player_", "integration_", "game_", "state", "issued", "expires")
    list_display_links = None
    list_filter = (IntegrationFilter, StateFilter)
    search_fields = ("id",)
    search_help_text = "Id, or the player's id, login, email, phone or name"
    sortable_by = ()
    page_template = "wallet/game_session.html"

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(player_id__in=search_players(text=text, actor=staff_actor(request), at=clock.now()))

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("<uuid:session_id>/revoke/", self.revoke_view, "revoke"), *super().get_urls()]

    def revoke_view(self, request: HttpRequest, session_id: UUID) -> HttpResponse:
        need(request, REVOKE)
        need(request, REVOKE, self.get_or_404(request, str(session_id)))
        back = self.reverse("change", session_id)
        if request.method == "POST":
            act(
                request,
                lambda: revoke_session(session_id=session_id, actor=staff_actor(request), at=clock.now()),
                done="The session takes no more bets.",
                back=back,
            )
        return HttpResponseRedirect(back)

    @column("Session")
    def id_(self, row: GameSession) -> str:
        return copyable(row.pk, reverse("admin:wallet_gamesession_change", args=[row.pk]))

    @column("Player")
    def player_(self, row: GameSession) -> str:
        return player_id_link(row.player_id)

    @column("Integration")
    def integration_(self, row: GameSession) -> str:
        return integration_link(row.integration_id)

    @column("Game")
    def game_(self, row: GameSession) -> str:
        return row.game_id

    @column("State")
    def state(self, row: GameSession) -> str:
        if row.revoked_at:
            return chip("revoked", "bad")
        return chip("open", "good") if row.expires_at > clock.now() else chip("expired", "")

    @column("Issued")
    def issued(self, row: GameSession) -> str:
        return when(row.issued_at)

    @column("Expires")
    def expires(self, row: GameSession) -> str:
        return when(row.expires_at)

    def page_title(self, obj: GameSession) -> str:
        return f"Game session: {obj.game_id}"

    def page_context(self, request: HttpRequest, obj: GameSession) -> dict[str, object]:
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", self.player_(obj)),
                ("Integration", self.integration_(obj)),
                ("Launched game", obj.game_id),
                ("Currency", obj.currency),
                ("State", self.state(obj)),
                ("Issued", when(obj.issued_at)),
                ("By", obj.issued_by),
                ("Expires", when(obj.expires_at)),
                ("Revoked", when(obj.revoked_at)),
                ("Revoked by", obj.revoked_by),
            ],
            "may_revoke": obj.revoked_at is None and obj.expires_at > clock.now() and may(request, REVOKE, obj),
        }


@admin.register(AdapterRequest)
class AdapterRequestAdmin(LatestAdmin):
    list_display = ("received", "integration_", "endpoint_", "outcome_", "player_", "reference_", "took")
    list_display_links = None
    list_filter = (IntegrationFilter, OutcomeFilter)
    search_fields = ("id",)
    search_help_text = "Id, the aggregator's transaction, or the player's id, login, email, phone"
    sortable_by = ()
    page_template = "wallet/adapter_request.html"

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        found = queryset.filter(reference=text)
        return (
            found
            if found.exists()
            else queryset.filter(player_id__in=search_players(text=text, actor=staff_actor(request), at=clock.now()))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An aggregator's transaction may look like one of our ids."""
        found = queryset.filter(reference=search_term.strip())
        if search_term.strip() and found.exists():
            return found, False
        return super().get_search_results(request, queryset, search_term)

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("<uuid:request_id>/replay/", self.replay_view, "replay"), *super().get_urls()]

    def replay_view(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        """Dispatch the request again, then show the new row beside the old one."""
        need(request, REPLAY)
        need(request, REPLAY, self.get_or_404(request, str(request_id)))
        back = self.reverse("change", request_id)
        if request.method != "POST":
            return HttpResponseRedirect(back)
        for_real = "for_real" in request.POST
        try:
            replayed, _ = replay(request_id=request_id, for_real=for_real, actor=staff_actor(request), at=clock.now())
        except DomainError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(back)
        messages.success(request, "Dispatched again." if for_real else "Tried; nothing of it stays.")
        return HttpResponseRedirect(self.reverse("change", replayed))

    @column("Integration")
    def integration_(self, row: AdapterRequest) -> str:
        return integration_link(row.integration)

    @column("Endpoint")
    def endpoint_(self, row: AdapterRequest) -> str:
        if row.replay_of is None:
            return row.endpoint
        return format_html('{}<br><span class="pms-subtle">by staff</span>', row.endpoint)

    @column("Outcome")
    def outcome_(self, row: AdapterRequest) -> str:
        return outcome_chip(row.outcome)

    @column("Player")
    def player_(self, row: AdapterRequest) -> str:
        return player_id_link(row.player_id)

    @column("Its transaction")
    def reference_(self, row: AdapterRequest) -> str:
        return copyable(row.reference)

    @column("Took")
    def took(self, row: AdapterRequest) -> str:
        return f"{row.duration_us / 1000:.1f}\N{NO-BREAK SPACE}ms"

    @column("Received")
    def received(self, row: AdapterRequest) -> str:
        address = reverse("admin:wallet_adapterrequest_change", args=[row.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', address, when(row.received_at))

    def page_title(self, obj: AdapterRequest) -> str:
        return f"{obj.endpoint} from {obj.integration}"

    def page_context(self, request: HttpRequest, obj: AdapterRequest) -> dict[str, object]:
        original = AdapterRequest.objects.filter(pk=obj.replay_of).first() if obj.replay_of else None
        replays = AdapterRequest.objects.filter(replay_of=obj.pk).order_by("-id")[:20]
        session = reverse("admin:wallet_gamesession_change", args=[obj.session_id]) if obj.session_id else ""
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Integration", self.integration_(obj)),
                ("Endpoint", f"{obj.method} {obj.endpoint}"),
                ("Signature", chip("verified", "good") if obj.signature_ok else chip("wrong", "bad")),
                ("From", obj.remote_ip),
                ("Player", self.player_(obj)),
                ("Session", copyable(obj.session_id, session)),
                ("Its transaction", self.reference_(obj)),
                ("Outcome", self.outcome_(obj)),
                ("HTTP status", obj.status_code),
                ("Took", self.took(obj)),
                ("Received", when(obj.received_at)),
                *([("Tried again by", obj.replayed_by)] if obj.replay_of else []),
            ],
            "query": obj.query,
            "body": readable(obj.body),
            "answer": readable(obj.answer) or "kept nowhere: it holds personal data",
            "first": original,
            "first_link": request_link(obj.replay_of),
            "first_answer": readable(original.answer) if original else "",
            "same": bool(original) and original.answer == obj.answer,  # type: ignore[union-attr]
            "replays": [
                (request_link(row.pk), outcome_chip(row.outcome), row.replayed_by, row.received_at) for row in replays
            ],
            "may_replay": obj.signature_ok and not obj.replay_of and may(request, REPLAY, obj),
            "may_be_real": "bet" not in obj.endpoint and obj.method == "POST",
        }


def readable(text: str) -> str:
    """JSON set out in lines; anything else as it is."""
    try:
        return pretty_json(json.loads(text))
    except (ValueError, RecursionError):
        return text

"""The player page's tab of devices and sessions, ending sessions, consents, and the sandbox's text messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from kernel import clock
from kernel.access import allowed
from kernel.admin import LatestAdmin, act, column, need, staff_actor
from kernel.display import when
from players.admin_masking import DOTS, mask_phone, sees_personal_data
from players.models import SandboxMessage
from players.ports import Figure, PanelRequest
from players.selectors_identity import (
    get_security,
    list_attempts,
    list_consents,
    list_devices,
    list_factors,
    list_sessions,
)
from players.services.sessions import kill
from players.types_identity import AttemptDetails, EndReason, SessionDetails

if TYPE_CHECKING:
    from players.admin import PlayerAdmin

KILL = "players.end_session"


class SessionsPanel:
    key, title, order, permission = "sessions", "Devices and sessions", 50, "players.view_session"
    template = "players/panel_sessions.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        rows = list_sessions(request.player.id)
        personal = sees_personal_data(request.actor, request.player.id)
        shown = rows if personal else [replace(row, ip=mask_ip(row.ip), user_agent="") for row in rows]
        attempts = list_attempts(request.player.id, limit=20)
        return {
            "open": [row for row in shown if _is_open(row, request)],
            "past": [row for row in shown if not _is_open(row, request)],
            "attempts": attempts if personal else [_masked(row) for row in attempts],
            "devices": list_devices(request.player.id),
            "security": get_security(request.player.id),
            "factors": list_factors(request.player.id),
            "at": request.at,
            "may_end": allowed(request.actor, KILL, request.player),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


class ConsentsPanel:
    key, title, order, permission = "consents", "Consents", 55, "players.view_consent"
    template = "players/panel_consents.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        return {"consents": list_consents(request.player.id)}

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


def end_sessions(page: PlayerAdmin, request: HttpRequest, player_id: UUID, session_id: UUID | None) -> HttpResponse:
    """Say what will happen, then end one session or all."""
    need(request, KILL, player_id)
    frame = page.frame(request, player_id)
    back = page.reverse("tab", player_id, SessionsPanel.key)
    if request.method == "POST":
        done = act(
            request,
            lambda: kill(
                player_id=player_id,
                session_id=session_id,
                actor=staff_actor(request),
                reason=EndReason.KILLED_BY_STAFF,
                at=clock.now(),
            ),
            done="Ended. Whoever used it is logged out.",
            back=back,
        )
        if done:
            return done
    rows = list_sessions(player_id, open_at=clock.now())
    ending = [row for row in rows if session_id in (None, row.id)]
    context = {**frame, "back": back, "ending": ending, "all": session_id is None}
    return page.render(
        request, "players/end_sessions.html", f"End sessions of {frame['player'].login}", context, player_id
    )


def mask_ip(ip: str) -> str:
    """The network that an address lies in, without the last part."""
    head, separator, _ = ip.rpartition(":" if ":" in ip else ".")
    return f"{head}{separator}{DOTS}" if head else ip


def _masked(row: AttemptDetails) -> AttemptDetails:
    return replace(row, ip=mask_ip(row.ip), user_agent="")


def _is_open(row: SessionDetails, request: PanelRequest) -> bool:
    return row.ended_at is None and row.expires_at > request.at


@admin.register(SandboxMessage)
class SandboxMessageAdmin(LatestAdmin):
    """Text messages that the sandbox kept instead of sending them: the demo's codes are read here."""

    list_display = ("sent",)
    list_display_links = None
    search_fields = ("id",)
    search_help_text = "Phone number with its country code"
    sortable_by = ()
    owner = "id"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404  # the list says all there is

    def get_list_display(self, request: HttpRequest) -> tuple[object, ...]:
        personal = sees_personal_data(staff_actor(request))

        @column("To")
        def to(row: SandboxMessage) -> str:
            return row.phone if personal else mask_phone(row.phone)

        @column("Text")
        def text(row: SandboxMessage) -> str:
            return row.text if personal else DOTS

        return (to, text, "sent")

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(phone=text.replace(" ", ""))

    @column("Sent")
    def sent(self, row: SandboxMessage) -> str:
        return when(row.sent_at)

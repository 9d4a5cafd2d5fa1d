"""Answers of national registers in the back office."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from compliance.models_exclusions import RegisterCheck
from kernel.admin import LatestAdmin, column
from kernel.display import NOTHING, chip, copyable, human, when


@admin.register(RegisterCheck)
class RegisterCheckAdmin(LatestAdmin):
    """What national registers answered, newest first."""

    list_display = ("asked", "register", "moment_", "outcome_", "player_", "reply", "milliseconds")
    list_display_links = None
    list_select_related = ("registration",)
    list_filter = ("register", "moment", "outcome")
    search_fields = ("id",)
    search_help_text = "Player's id"
    sortable_by = ()

    @column("Asked")
    def asked(self, row: RegisterCheck) -> str:
        href = reverse("admin:compliance_registercheck_change", args=[row.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, when(row.asked_at))

    @column("When")
    def moment_(self, row: RegisterCheck) -> str:
        return human(row.moment)

    @column("Answer")
    def outcome_(self, row: RegisterCheck) -> str:
        return chip(row.outcome, {"clear": "good", "listed": "bad", "error": "warn"}[row.outcome])

    @column("Player")
    def player_(self, row: RegisterCheck) -> str:
        opened = getattr(row, "registration", None)
        player_id = opened.player_id if opened else row.player_id
        if player_id is None:
            return "no account was opened"
        return copyable(player_id, reverse("admin:players_player_tab", args=[player_id, "exclusions"]))

    @column("Reply id")
    def reply(self, row: RegisterCheck) -> str:
        return copyable(row.reply_id) if row.reply_id else NOTHING

    def page_title(self, obj: RegisterCheck) -> str:
        return f"Answer of {obj.register}"

    def page_context(self, request: HttpRequest, obj: RegisterCheck) -> dict[str, object]:
        return {
            "facts": [
                ("Register", obj.register),
                ("Asked", when(obj.asked_at)),
                ("When", self.moment_(obj)),
                ("Player", self.player_(obj)),
                ("Answer", self.outcome_(obj)),
                ("Reply id", self.reply(obj)),
                ("Listed until", when(obj.listed_until) if obj.listed_until else ""),
                ("Error", obj.error),
                ("Took", f"{obj.milliseconds} ms"),
            ]
        }

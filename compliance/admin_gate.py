"""Why something was refused: the list of the gate's decisions, and the player page's tab."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from compliance.models_gate import GateDecision
from compliance.rules_gate import LimitUse
from compliance.selectors_gate import find_state, list_decisions, list_limit_uses, read_decision
from compliance.types_gate import DecisionDetails, GateAction, Reason, Verdict
from compliance.types_limits import LimitKind
from kernel.access import allowed
from kernel.actors import Actor
from kernel.admin import LatestAdmin, column, staff_actor
from kernel.display import NOTHING, chip, copyable, human, money, when
from kernel.money import Money
from players.ports import Figure, PanelRequest

AML_REASON = "players.view_aml_reason"
PAGE = 30
_TONES = {Verdict.DENY: "bad", Verdict.REVIEW: "warn"}


class ActionFilter(admin.SimpleListFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action.value, human(action)) for action in GateAction]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action=self.value()) if self.value() in set(GateAction) else queryset


@admin.register(GateDecision)
class GateDecisionAdmin(LatestAdmin):
    """Denials and reviews, newest first. What is allowed is not kept."""

    list_display = ("decided", "action_", "verdict_", "reasons_", "player_", "packs")
    list_display_links = None
    list_filter = (ActionFilter,)
    search_fields = ("id",)
    search_help_text = "Id of a decision or of a player"
    sortable_by = ()

    def page_title(self, obj: GateDecision) -> str:
        return f"{human(obj.action)}: {human(obj.verdict)}"

    def page_context(self, request: HttpRequest, obj: GateDecision) -> dict[str, object]:
        found = read_decision(obj)
        return {
            "facts": [
                ("Decided", when(found.decided_at)),
                ("Wanted", human(found.action)),
                ("Answer", self.verdict_(obj)),
                ("Because", lines_of(shown_reasons(found.reasons, staff_actor(request)))),
                *((human(name), show(value)) for name, value in found.inputs.items()),
                ("Rules in force", found.packs or NOTHING),
                ("Player", self.player_(obj)),
                ("Asked by", found.actor),
                ("Id", copyable(found.id)),
            ]
        }

    @column("Decided")
    def decided(self, row: GateDecision) -> str:
        href = reverse("admin:compliance_gatedecision_change", args=[row.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, when(row.decided_at))

    @column("Wanted")
    def action_(self, row: GateDecision) -> str:
        return human(row.action)

    @column("Answer")
    def verdict_(self, row: GateDecision) -> str:
        return chip(row.verdict, _TONES.get(Verdict(row.verdict), ""))

    @column("Because")
    def reasons_(self, row: GateDecision) -> str:
        return ", ".join(human(reason.public_code) for reason in read_decision(row).reasons)

    @column("Player")
    def player_(self, row: GateDecision) -> str:
        if row.player_id is None:
            return NOTHING
        return copyable(row.player_id, reverse("admin:players_player_change", args=[row.player_id]))


class RefusalsPanel:
    """What was refused to the player and why, and what their next bet will be judged by."""

    key, title, order, permission = "refusals", "Refusals", 45, "compliance.view_gatedecision"
    template = "compliance/panel_refusals.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        before = _uuid(request.query.get("before", ""))
        rows = list_decisions(player_id=request.player.id, after=before, limit=PAGE)
        state = find_state(request.player, request.at)
        return {
            "rows": [_line(row, request.actor) for row in rows],
            "older": rows[-1].id if len(rows) == PAGE else None,
            "first_page": before is None,
            "gate": state.compiled if state else None,
            "session_started_at": state.session_started_at if state and state.resumed(request.at) else None,
            "uses": [
                _use(use, request.player.currency)
                for use in (list_limit_uses(request.player.id, state.compiled.time_zone, request.at) if state else ())
            ],
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


def _use(use: LimitUse, currency: str) -> dict[str, object]:
    about = {"kind": use.kind, "period": use.period, "resets_at": use.resets_at}
    if use.amount_minor is None:
        return about | {"used": f"{use.played_ms // 60_000} min", "limit": f"{use.minutes} min"}
    used = use.lost_minor if use.kind is LimitKind.LOSS else use.staked_minor
    return about | {"used": money(Money(max(used, 0), currency)), "limit": money(Money(use.amount_minor, currency))}


def _line(row: DecisionDetails, actor: Actor) -> dict[str, object]:
    return {
        "id": row.id,
        "decided_at": row.decided_at,
        "action": row.action,
        "verdict": chip(row.verdict, _TONES.get(row.verdict, "")),
        "because": lines_of(shown_reasons(row.reasons, actor)),
        "asked": format_html_join(", ", "{} {}", ((human(k).lower(), show(v)) for k, v in row.inputs.items() if v)),
        "packs": row.packs,
    }


def shown_reasons(reasons: Iterable[Reason], actor: Actor) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Code, sentence and details; what support must not know has its neutral name for them."""
    sees_all = allowed(actor, AML_REASON)
    return [
        (reason.code, reason.text, reason.data) if sees_all else (reason.public_code, reason.public_text, reason.data)
        for reason in reasons
    ]


def lines_of(reasons: Iterable[tuple[str, str, Mapping[str, Any]]]) -> SafeString:
    """A line for each reason."""
    return format_html_join(
        "",
        '<div><strong>{}</strong> {} <span class="pms-subtle">{}</span></div>',
        (
            (human(code), text, ", ".join(f"{human(name).lower()} {value}" for name, value in data.items() if value))
            for code, text, data in reasons
        ),
    )


def show(value: Any) -> str:
    """A fact that was judged, as a person reads it."""
    match value:
        case {"amount": amount, "currency": currency}:
            return NOTHING if amount is None else f"{amount} {currency}"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(str(part) for part in value) or NOTHING
        case dict():
            return ", ".join(f"{human(name).lower()}: {show(part)}" for name, part in value.items()) or NOTHING
        case None | "":
            return NOTHING
    return str(value)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""Limits in the back office: the tab of the player page, the queue of raises that wait, and the forms of staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.models_limit_changes import LimitChange
from compliance.selectors_limits import (
    change_details,
    get_terms,
    list_allowances,
    list_changes,
    list_limits,
    list_missing,
    list_uses,
    prompt_due,
)
from compliance.services.limit_allowances import request_relief
from compliance.services.limit_changes import DECIDE, decide_contact
from compliance.services.limits import SET, set_limit
from compliance.types_limits import ChangeState, LimitKind, LimitPeriod, SetBy, Wanted
from kernel import clock
from kernel.access import allowed
from kernel.actors import Actor
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, human, when
from kernel.money import InvalidAmount, Money
from players.ports import Figure, PanelRequest
from players.selectors import get_player
from players.services.searches import search_players
from players.types import PlayerDetails

RELIEVE = "compliance.request_allowance"
VIEW = "compliance.view_limit"


def in_words(kind: str, period: str) -> str:
    """ "Deposits per month", "One bet"."""
    what = {
        "deposit": "Deposits",
        "net_deposit": "Deposits less payouts",
        "loss": "Losses",
        "stake": "Stakes" if period else "One bet",
        "wagering": "Stakes",
        "balance": "Balance after a deposit",
        "session_time": "Time of play",
        "login_time": "Time logged in",
    }[kind]
    over = {
        "": "",
        "session": "per session",
        "24h": "in 24 hours",
        "7d": "in 7 days",
        "30d": "in 30 days",
        "day": "per day",
        "week": "per week",
        "4w": "per four weeks",
        "month": "per month",
    }[period]
    return f"{what} {over}".strip()


class LimitsPanel:
    key, title, order, permission = "limits", "Limits", 42, VIEW
    template = "compliance/panel_limits.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player, at = request.player, request.at
        terms = get_terms(player, at)
        return {
            "uses": [
                {
                    "name": in_words(use.limit.kind, use.limit.period),
                    "use": use,
                    "used": _shown(use.used, use.limit.amount),
                    "left": _shown(use.remaining, use.limit.amount),
                    "percent": min(100, use.used * 100 // use.limit.measure) if use.used and use.limit.measure else 0,
                }
                for use in list_uses(player, at, terms)
            ],
            "limits": [(in_words(one.kind, one.period), one) for one in list_limits(player.id, at)],
            "changes": [(in_words(one.kind, one.period), one) for one in list_changes(player.id, limit=20)],
            "allowances": [(in_words(one.kind, one.period), one) for one in list_allowances(player.id, at)],
            "missing": [in_words(kind, period or kind.periods[-1]) for kind, period in list_missing(player, at, terms)],
            "prompt_due": prompt_due(player, terms, at),
            "terms": terms,
            "delay_hours": int(terms.raise_delay.total_seconds() // 3600),
            "may_set": allowed(request.actor, SET, player),
            "may_relieve": allowed(request.actor, RELIEVE, player),
            "may_open": allowed(request.actor, "compliance.view_limitchange", player),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


class LimitsAsOf:
    """The limits of a player, and what waited, as of a moment."""

    title, order, permission = "Limits", 20, VIEW

    def rows(self, player: PlayerDetails, at: datetime, actor: Actor) -> Sequence[tuple[str, Money | str]]:
        rows: list[tuple[str, Money | str]] = []
        for use in list_uses(player, at):
            limit = use.limit
            used = f", used {_shown(use.used, limit.amount)}" if use.used is not None else ""
            rows.append((in_words(limit.kind, limit.period), f"{limit.text} (by {limit.set_by}){used}"))
        for change in list_changes(player.id, at=at):
            name = f"Wanted: {in_words(change.kind, change.period)}"
            rows.append((name, f"{change.text}, from {change.eligible_at:%Y-%m-%d %H:%M} UTC at the earliest"))
        return rows


class SetForm(forms.Form):
    kind = forms.ChoiceField(choices=[(kind.value, human(kind.value)) for kind in LimitKind])
    period = forms.ChoiceField(
        required=False, choices=[(period.value, human(period.value) or "none") for period in LimitPeriod]
    )
    amount = forms.CharField(
        max_length=24, required=False, help_text="In the player's currency, such as 100.00; for limits of money."
    )
    minutes = forms.IntegerField(required=False, min_value=1, help_text="For limits of time.")
    set_by = forms.ChoiceField(
        label="Whose limit", choices=[("staff", "the casino's"), ("regulator", "a regulator's order")]
    )
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the limit and on the audit trail.",
    )

    def __init__(self, currency: str, data: Any = None) -> None:
        super().__init__(data)
        self.currency = currency

    def wanted(self) -> Wanted:
        data = self.cleaned_data
        return Wanted(LimitKind(data["kind"]), LimitPeriod(data["period"]), data["amount"], data["minutes"])

    def clean_amount(self) -> Money | None:
        text = self.cleaned_data["amount"].strip()
        try:
            return Money.parse(text, self.currency) if text else None
        except InvalidAmount as error:
            raise forms.ValidationError(str(error)) from None


class SetLimitForm(SetForm):
    def clean(self) -> None:
        if not self.errors and self.wanted().measure is None:
            raise forms.ValidationError("Give an amount, or minutes.")


class ReliefForm(SetForm):
    set_by = forms.ChoiceField(
        label="Out of",
        choices=[
            ("pack", "the jurisdiction's cap"),
            ("staff", "the casino's limit"),
            ("regulator", "a regulator's limit"),
        ],
    )
    until = forms.DateField(
        required=False,
        label="Until the end of (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="For caps only; empty: until further notice.",
    )

    def clean_until(self) -> datetime | None:
        day = self.cleaned_data["until"]
        return datetime.combine(day, time.max, UTC) if day else None


class ContactForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the player said, and why you decide so. Kept with the decision.",
    )


@admin.register(LimitChange)
class LimitChangeAdmin(PageAdmin):
    """Raises that wait, and what became of those before, newest first."""

    list_display = ("what", "player_", "wanted", "state_", "asked", "eligible", "ends")
    list_display_links = None
    list_filter = ("state", "kind")
    list_select_related = ("player__user",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()
    page_template = "compliance/limit_change.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("player/<uuid:player_id>/set/", self.set_view, "set"),
            self.view_path("player/<uuid:player_id>/relief/", self.relief_view, "relief"),
            self.view_path("<uuid:change_id>/decide/<str:answer>/", self.decide_view, "decide"),
            *super().get_urls(),
        ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    # --- forms ---

    def set_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        player = get_player(player_id)
        need(request, SET, player)
        form = SetLimitForm(player.currency, request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: set_limit(
                    player_id=player_id,
                    wanted=form.wanted(),
                    set_by=SetBy(data["set_by"]),
                    reason=data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The limit is in force.",
                back=_tab(player_id),
                form=form,
            )
            if done:
                return done
        says = [
            "It is in force at once, beside the player's own limits; the lowest holds.",
            "Raising or lifting it later needs a second person's approval.",
        ]
        return self._form(request, "Set a limit", player_id, form, says, "Set the limit")

    def relief_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        player = get_player(player_id)
        need(request, RELIEVE, player)
        form = ReliefForm(player.currency, request.POST or None)
        key = request.POST.get("key") or str(uuid4())
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: request_relief(
                    player_id=player_id,
                    wanted=form.wanted(),
                    of=SetBy(data["set_by"]),
                    reason=data["reason"],
                    until=data["until"],
                    idempotency_key=key,
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="Asked for: nothing changes until a second person approves it.",
                back=_tab(player_id),
                form=form,
            )
            if done:
                return done
        says = [
            "Nothing changes before a second person approves it.",
            "The player's own limits stay as they are: only the player raises those.",
            "Without amount and minutes, a limit of the casino or of a regulator is lifted.",
        ]
        return self._form(request, "Ask for more room", player_id, form, says, "Ask for approval", key=key)

    def decide_view(self, request: HttpRequest, change_id: UUID, answer: str) -> HttpResponse:
        change = self.get_or_404(request, str(change_id))
        need(request, DECIDE, change.player_id)
        allow = answer == "allow"
        form = ContactForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: decide_contact(
                    change_id=change_id,
                    allow=allow,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The raise goes on." if allow else "Refused: the limit stays as it is.",
                back=self.reverse("change", change_id),
                form=form,
            )
            if done:
                return done
        says = [
            "After the delay that the rules ask for, and the player's confirmation, the limit holds."
            if allow
            else "The player's limit stays as it is. They may ask again."
        ]
        title = "Let the limit through" if allow else "Refuse the limit"
        return self._form(request, title, change.player_id, form, says, title)

    def _form(
        self,
        request: HttpRequest,
        title: str,
        player_id: UUID,
        form: forms.Form,
        says: list[str],
        button: str,
        key: str = "",
    ) -> HttpResponse:
        says = [f"For the player {get_player(player_id).login}.", *says]
        context = {"form": form, "says": says, "back": _tab(player_id), "button": button, "key": key}
        return self.render(request, "compliance/limit_form.html", title, context)

    # --- the page ---

    def page_title(self, obj: LimitChange) -> str:
        return in_words(obj.kind, obj.period)

    def page_context(self, request: HttpRequest, obj: LimitChange) -> dict[str, object]:
        change = change_details(obj, get_player(obj.player_id).currency)
        return {
            "facts": [
                ("Player", self.player_(obj)),
                ("Wanted", change.text),
                ("State", self.state_(obj)),
                ("Asked", when(obj.requested_at)),
                ("By", obj.requested_by),
                ("Holds at the earliest from", when(obj.eligible_at)),
                ("Needs the player's confirmation", "yes" if obj.needs_confirmation else "no"),
                ("Gone when not confirmed by", when(obj.expires_at)),
                ("Decided", when(obj.decided_at) if obj.decided_at else NOTHING),
                ("Decided by", obj.decided_by or NOTHING),
                ("Because", obj.reason or NOTHING),
            ],
            "may_decide": obj.state == ChangeState.CONTACT and may(request, DECIDE, obj.player_id),
        }

    # --- the list's columns ---

    @column("Limit")
    def what(self, row: LimitChange) -> str:
        href = reverse("admin:compliance_limitchange_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, in_words(row.kind, row.period))

    @column("Player")
    def player_(self, row: LimitChange) -> str:
        href = reverse("admin:players_player_tab", args=[row.player_id, "limits"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("Wanted")
    def wanted(self, row: LimitChange) -> str:
        return change_details(row, row.player.currency).text

    @column("State")
    def state_(self, row: LimitChange) -> str:
        tones = {ChangeState.WAITING: "warn", ChangeState.CONTACT: "bad", ChangeState.APPLIED: "good"}
        return chip(row.state, tones.get(ChangeState(row.state), ""))

    @column("Asked")
    def asked(self, row: LimitChange) -> str:
        return when(row.requested_at)

    @column("Earliest")
    def eligible(self, row: LimitChange) -> str:
        return when(row.eligible_at)

    @column("Decided or gone")
    def ends(self, row: LimitChange) -> str:
        return when(row.decided_at or row.expires_at)


def _tab(player_id: UUID) -> str:
    return reverse("admin:players_player_tab", args=[player_id, "limits"])


def _shown(value: int | None, like: Money | None) -> str:
    if value is None:
        return "–"
    return f"{Money(value, like.currency)} {like.currency}" if like else f"{value} min"

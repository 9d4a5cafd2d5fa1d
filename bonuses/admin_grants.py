"""Players' bonuses in the back office: the list, one of them with its wagering, giving and taking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from bonuses.models import Grant, Offer
from bonuses.rules_terms import describe
from bonuses.selectors import get_grant, grant_details, list_entries
from bonuses.services import eligibility, grants
from bonuses.types import GrantDetails, GrantState, OfferState, Wagering
from kernel import clock
from kernel.admin import LatestAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, money, when
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import UnknownPlayer, get_player, list_matching_ids

TONES = {
    GrantState.OFFERED: "accent",
    GrantState.QUEUED: "warn",
    GrantState.ACTIVE: "good",
    GrantState.REDEEMED: "good",
    GrantState.FORFEITED: "bad",
    GrantState.EXPIRED: "bad",
}


def state_chip(state: str) -> str:
    return chip(state, TONES[GrantState(state)])


def bar(wagering: Wagering | None) -> str:
    """How far it is wagered, as a bar with figures."""
    if wagering is None:
        return NOTHING
    text = '<div class="pms-bar"><progress max="100" value="{}" aria-label="{} % wagered"></progress></div>{} / {} {}'
    return format_html(
        text, wagering.percent, wagering.percent, wagering.wagered, wagering.required, wagering.required.currency
    )


def worth(found: GrantDetails) -> str:
    """What was given: money, or spins."""
    return f"{found.spins} spins" if found.spins else money(found.amount)


class GiveForm(forms.Form):
    offer = forms.ChoiceField(label="Offer")
    base = forms.CharField(
        required=False,
        label="Deposit or net loss",
        help_text="Where the bonus is a part of one; in the player's currency.",
    )
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, offers: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].choices = offers  # type: ignore[attr-defined]


class ForfeitForm(forms.Form):
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}), label="Why")


@admin.register(Grant)
class GrantAdmin(LatestAdmin):
    """What players were given, newest first."""

    list_display = ("offer_", "player_", "state_", "worth_", "wagering_", "given", "until")
    list_display_links = None
    list_filter = ("state", "offer")
    list_select_related = ("offer", "version", "player__user")
    search_fields = ("id",)
    search_help_text = "Bonus or player: id, login, email, phone or name"
    sortable_by = ()
    page_template = "bonuses/grant.html"

    def search_by_text(self, request: HttpRequest, queryset: Any, text: str) -> Any:
        return queryset.filter(player_id__in=list_matching_ids(text))

    @column("Bonus")
    def offer_(self, row: Grant) -> str:
        href = reverse("admin:bonuses_grant_change", args=[row.pk])
        text = '<a class="pms-strong" href="{}">{}</a><div class="pms-subtle">{}</div>'
        return format_html(text, href, row.offer.name, row.occasion)

    @column("Player")
    def player_(self, row: Grant) -> str:
        href = reverse("admin:players_player_tab", args=[row.player_id, "bonuses"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("State")
    def state_(self, row: Grant) -> str:
        return state_chip(row.state)

    @column("Given")
    def worth_(self, row: Grant) -> str:
        return f"{row.spins} spins" if row.spins else money(Money(row.amount_minor, row.currency))

    @column("Wagered")
    def wagering_(self, row: Grant) -> str:
        return bar(grant_details([row])[0].wagering) if row.state == GrantState.ACTIVE else NOTHING

    @column("Since")
    def given(self, row: Grant) -> str:
        return when(row.granted_at)

    @column("Until")
    def until(self, row: Grant) -> str:
        return when(row.claim_until if row.state == GrantState.OFFERED else row.expires_at)

    def page_title(self, obj: Grant) -> str:
        return f"{obj.offer.name} of {obj.player.user.username}"

    def page_context(self, request: HttpRequest, obj: Grant) -> dict[str, object]:
        found = get_grant(obj.pk)
        before = request.GET.get("before", "")
        entries = list_entries(found.id, before=UUID(before) if _is_id(before) else None)
        by = f" by {human(found.ended_by).lower()}" if found.ended_by else ""
        return {
            "found": found,
            "bar": bar(found.wagering),
            "terms": describe(found.rule, "en", found.amount.currency),
            "entries": [
                (row, Money(int(row.stake), obj.currency), Money(int(row.counted), obj.currency)) for row in entries
            ],
            "older": entries[-1].id if len(entries) == 50 else None,
            "may_forfeit": obj.open and may(request, grants.FORFEIT, obj.player_id),
            "facts": [
                ("Player", self.player_(obj)),
                ("State", format_html("{}{}", state_chip(obj.state), by)),
                ("Offer", _offer_link(found, obj)),
                ("Occasion", found.occasion),
                ("Given", worth(found)),
                ("Became real money", money(found.outcome) if found.outcome is not None else NOTHING),
                ("Breaches", str(found.wagering.breaches) if found.wagering else NOTHING),
                ("Granted", when(found.granted_at)),
                ("To be taken until", when(found.claim_until)),
                ("To be wagered until", when(found.expires_at)),
                ("Ended", when(found.ended_at)),
                ("Purse", _purse_link(found.purse_id)),
                ("Spins", _purse_link(found.spins_purse_id)),
                ("Granted by", obj.granted_by),
                ("Id", copyable(obj.pk)),
            ],
        }  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("give/<uuid:player_id>/", self.give_view, "give"),
            self.view_path("<uuid:pk>/forfeit/", self.forfeit_view, "forfeit"),
            *super().get_urls(),
        ]

    def give_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        """Choose an offer, see what it gives or what stands against it, then give it."""
        need(request, grants.GRANT, player_id)
        try:
            player = get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None
        live = Offer.objects.filter(state=OfferState.LIVE).order_by("code")
        form = GiveForm([(row.code, row.name) for row in live], request.POST or None, initial={"key": str(uuid7())})
        back = reverse("admin:players_player_tab", args=[player_id, "bonuses"])
        valid = request.method == "POST" and form.is_valid()
        base = None
        if valid and form.cleaned_data["base"].strip():
            try:
                base = Money.parse(form.cleaned_data["base"].strip(), player.currency)
            except ValueError as error:
                form.add_error("base", str(error))
                valid = False
        context: dict[str, Any] = {"form": form, "player": player, "back": back, "preview": valid}
        if valid:
            data = form.cleaned_data
            if "confirmed" in request.POST:
                done = act(
                    request,
                    lambda: grants.grant(
                        offer=data["offer"],
                        player_id=player_id,
                        occasion=f"{staff_actor(request)}:{data['key']}",
                        base=base,
                        actor=staff_actor(request),
                        at=clock.now(),
                    ),
                    done="Given: see below.",
                    back=back,
                    form=form,
                )
                if done:
                    return done
            context |= eligibility.preview(offer=data["offer"], player_id=player_id, base=base, at=clock.now())
        return self.render(request, "bonuses/give.html", f"Give {player.login} a bonus", context)

    def forfeit_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Take a bonus, with a reason."""
        try:
            found = get_grant(pk)
        except NotFound as error:
            need(request, grants.FORFEIT)
            raise Http404(error.detail) from None
        need(request, grants.FORFEIT, found.player_id)
        back = reverse("admin:bonuses_grant_change", args=[pk])
        form = ForfeitForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: grants.forfeit(
                    grant_id=pk, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=clock.now()
                ),
                done="Taken: what was in it is the house's.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {"form": form, "found": found, "back": back}
        return self.render(request, "bonuses/forfeit.html", f"Take {found.offer_name}", context, pk)


def _offer_link(found: GrantDetails, row: Grant) -> str:
    href = reverse("admin:bonuses_offer_change", args=[row.offer_id])
    text = '<a class="pms-link" href="{}?version={}">{}, version {}</a>'
    return format_html(text, href, found.version, found.offer_name, found.version)


def _purse_link(purse_id: UUID | None) -> str:
    return copyable(purse_id, reverse("admin:wallet_account_change", args=[purse_id])) if purse_id else NOTHING


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

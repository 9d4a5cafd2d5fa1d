"""Who cares for which player, and which player accounts are staff's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock
from kernel.access import allowed, prefetch
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import chip, when
from players.models_access import OwnAccount
from players.selectors import list_matching_ids
from players.selectors_access import CARE, list_namesakes, list_portfolios, list_staff
from players.services.own_accounts import END, RECORD, declare_own_account, end_own_account
from players.services.portfolios import ASSIGN, put_into_portfolio, take_from_portfolio

VIEW = "players.view_portfolios"

if TYPE_CHECKING:
    from players.admin import PlayerAdmin


class PlayerField(forms.CharField):
    """One player, named as in any search."""

    def clean(self, value: Any) -> UUID | None:
        text = super().clean(value)
        if not text:
            return None
        found = list_matching_ids(text)
        if len(found) != 1:
            raise forms.ValidationError("No player is named so." if not found else "Several are; use the id.")
        return found[0]


class CareForm(forms.Form):
    player = PlayerField(max_length=254, help_text="Id, login, email or phone.")
    manager = forms.ChoiceField(label="VIP manager")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        managers = list_staff(role="vip_manager")
        self.fields["manager"].choices = [(str(person.id), person.login) for person in managers]  # type: ignore[attr-defined]


def portfolios(page: PlayerAdmin, request: HttpRequest) -> HttpResponse:
    """Everybody's portfolio for those who assign; one's own for the others."""
    may_assign = may(request, ASSIGN)
    need(request, VIEW)
    form = CareForm(request.POST or None)
    if request.method == "POST":
        need(request, ASSIGN)
        if form.is_valid():
            player_id, manager = form.cleaned_data["player"], int(form.cleaned_data["manager"])
            done = act(
                request,
                lambda: put_into_portfolio(
                    player_id=player_id, staff_id=manager, actor=staff_actor(request), at=clock.now()
                ),
                done="The player is in the portfolio.",
                back=reverse("admin:players_player_portfolios"),
                form=form,
            )
            if done:
                return done
    actor = staff_actor(request)
    found = list_portfolios(staff_id=None if may_assign else int(actor.id))
    prefetch(care.player_id for care in found)
    context = {
        "cares": [care for care in found if allowed(actor, "players.view_player", care.player_id)],
        "may_assign": may_assign,
        "form": form,
        "care": CARE,
    }
    return page.render(request, "players/portfolios.html", "Portfolios", context)


def release(page: PlayerAdmin, request: HttpRequest, player_id: UUID, staff_id: int) -> HttpResponse:
    """Take a player out of somebody's portfolio."""
    need(request, ASSIGN, player_id)
    if request.method != "POST":
        raise Http404
    back = reverse("admin:players_player_portfolios")
    done = act(
        request,
        lambda: take_from_portfolio(player_id=player_id, staff_id=staff_id, actor=staff_actor(request), at=clock.now()),
        done="The player is in this portfolio no more.",
        back=back,
    )
    return done or HttpResponseRedirect(back)


class OwnAccountForm(forms.Form):
    staff = forms.ChoiceField(label="Member of staff")
    player = PlayerField(max_length=254, label="Player account", help_text="Id, login, email or phone.")
    reason = forms.CharField(max_length=500, label="How this is known", widget=forms.Textarea(attrs={"rows": 2}))


@admin.register(OwnAccount)
class OwnAccountAdmin(PageAdmin):
    """Player accounts of staff. A person may declare their own; who may note those of others sees all of them."""

    list_display = ("staff", "player_", "state", "reason", "declared", "by")
    list_display_links = None
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user", "player__user")
    list_before_template = "players/own_accounts_top.html"
    ordering = ("-id",)
    sortable_by = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_record": may(request, RECORD), **(extra_context or {})})

    @column("Member of staff")
    def staff(self, row: OwnAccount) -> str:
        href = reverse("admin:players_ownaccount_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.user.username)

    @column("Player account")
    def player_(self, row: OwnAccount) -> str:
        href = reverse("admin:players_player_change", args=[row.player_id])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("State")
    def state(self, row: OwnAccount) -> str:
        return chip("ended") if row.ended_at else chip("in force", "warn")

    @column("Noted")
    def declared(self, row: OwnAccount) -> str:
        return when(row.declared_at)

    @column("By")
    def by(self, row: OwnAccount) -> str:
        return row.declared_by

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("declare/", self.declare_view, "declare"),
            self.view_path("<uuid:own_account_id>/end/", self.end_view, "end"),
            *super().get_urls(),
        ]

    def page_title(self, obj: OwnAccount) -> str:
        return f"{obj.user.username} plays as {obj.player.user.username}"

    page_template = "players/own_account.html"

    def page_context(self, request: HttpRequest, obj: OwnAccount) -> dict[str, object]:
        return {
            "facts": [
                ("Member of staff", obj.user.username),
                ("Player account", self.player_(obj)),
                ("How this is known", obj.reason),
                ("Noted", when(obj.declared_at)),
                ("By", obj.declared_by),
                ("Ended", when(obj.ended_at)),
                ("Ended by", obj.ended_by),
            ],
            "namesakes": list_namesakes(obj.user_id) if may(request, RECORD) else [],
            "may_end": obj.ended_at is None and may(request, END),
        }

    def declare_view(self, request: HttpRequest) -> HttpResponse:
        """Open to everybody of staff for themselves."""
        actor = staff_actor(request)
        others = may(request, RECORD)
        form = OwnAccountForm(request.POST or None, initial={"staff": actor.id})
        people = list_staff() if others else [person for person in list_staff() if str(person.id) == actor.id]
        form.fields["staff"].choices = [(str(person.id), person.login) for person in people]  # type: ignore[attr-defined]
        back = self.reverse("changelist") if others else reverse("admin:index")
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: declare_own_account(
                    staff_id=int(data["staff"]),
                    player_id=data["player"],
                    reason=data["reason"],
                    actor=actor,
                    at=clock.now(),
                ),
                done="Noted: this account is closed to that person's hands.",
                back=back,
                form=form,
            )
            if done:
                return done
        says = [
            "From then on the person can neither see nor touch this account here.",
            "Only somebody else can end it.",
        ]
        context = {"form": form, "back": back, "button": "Note it", "says": says}
        return self.render(request, "back_office/form.html", "A player account of staff", context)

    def end_view(self, request: HttpRequest, own_account_id: UUID) -> HttpResponse:
        need(request, END)
        self.get_or_404(request, str(own_account_id))
        if request.method != "POST":
            raise Http404
        back = self.reverse("changelist")
        done = act(
            request,
            lambda: end_own_account(own_account_id=own_account_id, actor=staff_actor(request), at=clock.now()),
            done="Ended.",
            back=back,
        )
        return done or HttpResponseRedirect(back)

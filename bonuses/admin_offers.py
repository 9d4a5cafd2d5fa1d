"""Offers in the back office: what is given, its versions, the builder, and the switch that stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django import forms
from django.contrib import admin
from django.db.models import BigIntegerField, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from bonuses import rules_terms
from bonuses.admin_costs import costs
from bonuses.admin_rule_form import RuleForm, initial_of
from bonuses.models import Offer, OfferVersion, Spend
from bonuses.selectors import get_version, list_versions, read_rule
from bonuses.selectors_reach import MOST, count_reach
from bonuses.services import offers
from bonuses.types import OfferState, VersionDetails, VersionState
from bonuses.types_offer import OfferRule
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, money
from kernel.errors import DomainError, FieldErrors
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import list_staff_names

TONES = {OfferState.LIVE: "good", OfferState.PAUSED: "warn", OfferState.STOPPED: "bad", OfferState.DRAFT: ""}
_MOVES: dict[str, tuple[str, Callable[..., object]]] = {
    "pause": ("Paused: nothing of it is given from now on.", offers.pause_offer),
    "resume": ("Resumed: it is given again.", offers.resume_offer),
    "stop": ("Stopped for good. What was given goes on.", offers.stop_offer),
}


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}), label="Why")


class ReleaseForm(forms.Form):
    comment = forms.CharField(
        max_length=300, widget=forms.Textarea(attrs={"rows": 3}), label="For the second person: why this version"
    )
    key = forms.CharField(widget=forms.HiddenInput)


def euros(minor: int | None) -> str:
    return money(Money(minor or 0, "EUR"))


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """The logins behind "staff:7"; others as they are. One question for all."""
    all_ = set(actors)
    logins = list_staff_names(int(actor.removeprefix("staff:")) for actor in all_ if actor.startswith("staff:"))
    return {actor: actor for actor in all_} | {f"staff:{pk}": login for pk, login in logins.items()}


def who(actor: str) -> str:
    """The login behind one of them."""
    return names_of([actor])[actor]


def differences(before: OfferRule | None, after: OfferRule) -> list[tuple[str, object, object]]:
    """What changed, by path: (path, before, after)."""
    old = dict(offers.flatten(msgspec.to_builtins(before))) if before else {}
    new = dict(offers.flatten(msgspec.to_builtins(after)))
    return [(path, old.get(path), new.get(path)) for path in sorted({*old, *new}) if old.get(path) != new.get(path)]


@admin.register(Offer)
class OfferAdmin(PageAdmin):
    """Every offer: what it gives, when, and what it has cost."""

    ordering = ("code",)
    list_display = ("name_", "state_", "gives", "version", "today", "cost_today", "cost", "budget")
    list_display_links = None
    list_filter = ("state",)
    list_select_related = ("live",)
    search_fields = ("code", "name")
    search_help_text = "Code or name"
    sortable_by = ()
    list_before_template = "bonuses/offers_top.html"
    page_template = "bonuses/offer.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        spend = Spend.objects.filter(offer=OuterRef("pk")).order_by().values("offer")
        now = spend.filter(day=clock.now().date())
        return (
            super()
            .get_queryset(request)
            .annotate(
                spent=Coalesce(
                    Subquery(spend.annotate(x=Sum("cost_eur_minor")).values("x")), 0, output_field=BigIntegerField()
                ),
                spent_today=Coalesce(Subquery(now.values("cost_eur_minor")[:1]), 0, output_field=BigIntegerField()),
                given_today=Coalesce(Subquery(now.values("grants")[:1]), 0, output_field=IntegerField()),
            )
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_write": may(request, offers.WRITE), **(extra_context or {})})

    @column("Offer")
    def name_(self, row: Offer) -> str:
        href = reverse("admin:bonuses_offer_change", args=[row.pk])
        text = '<a class="pms-strong" href="{}">{}</a><div class="pms-subtle">{}</div>'
        return format_html(text, href, row.name, row.code)

    @column("State")
    def state_(self, row: Offer) -> str:
        return chip(row.state, TONES[OfferState(row.state)])

    @column("Gives")
    def gives(self, row: Offer) -> str:
        if row.live is None:
            return NOTHING
        what, occasion = rules_terms.short(read_rule(row.live))
        return format_html('<div class="pms-wrap">{}</div><div class="pms-subtle">{}</div>', what, occasion)

    @column("Version")
    def version(self, row: Offer) -> str:
        return str(row.live.number) if row.live else NOTHING

    @column("Given today")
    def today(self, row: Any) -> str:
        return f"{row.given_today:,}"

    @column("Cost today")
    def cost_today(self, row: Any) -> str:
        return euros(row.spent_today)

    @column("Cost in all")
    def cost(self, row: Any) -> str:
        return euros(row.spent)

    @column("Of a budget of")
    def budget(self, row: Offer) -> str:
        total = read_rule(row.live).budget.total_eur if row.live else None
        return NOTHING if total is None else money(Money.parse(f"{total:f}", "EUR"))

    # --- the page ---

    def page_title(self, obj: Offer) -> str:
        return obj.name

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, object]:
        versions = list_versions(obj.code)
        names = names_of(version.created_by for version in versions)
        shown = _chosen(versions, request.GET.get("version", "")) or next(
            (version for version in versions if obj.live_id == version.id), versions[0] if versions else None
        )
        against = _chosen(versions, request.GET.get("against", ""))
        if against is None and shown and shown.id != obj.live_id:
            against = next((version for version in versions if version.id == obj.live_id), None)
        budget = shown.rule.budget if shown else None
        writes = may(request, offers.WRITE) and obj.state != OfferState.STOPPED
        return {
            "state": chip(obj.state, TONES[OfferState(obj.state)]),
            "versions": [(row, names[row.created_by], row.id == obj.live_id) for row in versions],
            "shown": shown,
            "summary": rules_terms.summary(shown.rule) if shown else "",
            "terms": _terms(shown.rule) if shown else [],
            "against": against,
            "changes": differences(against.rule if against else None, shown.rule) if shown and against else [],
            "objections": offers.list_objections_everywhere(rule=shown.rule, at=clock.now()) if shown else [],
            "reach": count_reach(shown.rule) if shown else 0,
            "reach_most": MOST,
            "figures": [
                ("Given today", f"{obj.given_today:,}"),
                ("Cost today", euros(obj.spent_today)),
                ("Budget of the day", _of(budget.per_day_eur if budget else None)),
                ("Cost in all", euros(obj.spent)),
                ("Budget in all", _of(budget.total_eur if budget else None)),
                ("Most in an hour", f"{budget.grants_per_hour:,}" if budget and budget.grants_per_hour else NOTHING),
            ],
            "may_write": writes,
            "may_release": writes and bool(shown) and shown.state is VersionState.DRAFT,  # type: ignore[union-attr]
            "waits": bool(shown) and shown.state is VersionState.WAITING,  # type: ignore[union-attr]
            "approval_id": OfferVersion.objects.values_list("approval_id", flat=True).get(id=shown.id) if shown else None,
            "moves": _moves(obj) if may(request, offers.STOP) else [],
        }  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("new/", self.new_view, "new"),
            self.view_path("costs/", self.costs_view, "costs"),
            self.view_path("<uuid:pk>/edit/", self.edit_view, "edit"),
            self.view_path("<uuid:pk>/release/<uuid:version_id>/", self.release_view, "release"),
            *(self.view_path(f"<uuid:pk>/{name}/", self._mover(name), name) for name in _MOVES),
            *super().get_urls(),
        ]

    def costs_view(self, request: HttpRequest) -> HttpResponseBase:
        """What offers cost in a period."""
        need(request, self.view_permission)
        context, file = costs(request)
        return file or self.render(request, "bonuses/costs.html", "What bonuses cost", context)

    # --- the builder ---

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """An offer that is not there yet."""
        return self._build(request, None)

    def edit_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """A new version of an offer, begun from its newest."""
        return self._build(request, self.get_or_404(request, str(pk)))

    def _build(self, request: HttpRequest, offer: Offer | None) -> HttpResponse:
        need(request, offers.WRITE)
        newest = next(iter(list_versions(offer.code)), None) if offer else None
        initial = {"name": offer.name if offer else "", "newest": newest.number if newest else 0}
        if newest:
            initial |= initial_of(newest.rule)
        form = RuleForm(request.POST or None, initial=initial, fixed_code=offer.code if offer else "")
        ready = request.method == "POST" and form.is_valid() and form.rule is not None
        stale = ready and newest is not None and form.cleaned_data["newest"] != newest.number
        taken = ready and offer is None and Offer.objects.filter(code=form.cleaned_data["code"]).exists()
        if taken:
            form.add_error("code", "There is an offer of this code: open it to write a new version.")
            ready = False
        if ready and form.rule and "save" in request.POST and not stale:
            try:
                version = offers.write_version(
                    code=form.cleaned_data["code"],
                    name=form.cleaned_data["name"],
                    rule=form.rule,
                    note=form.cleaned_data["note"],
                    after=form.cleaned_data["newest"],
                    actor=staff_actor(request),
                    at=clock.now(),
                )
            except FieldErrors as error:
                form.take(error)
            except offers.OfferMoved:
                return self._build(request, offer)  # says what the other one has written
            except DomainError as error:
                form.add_error(None, error.detail)
            else:
                offer_id = Offer.objects.values_list("id", flat=True).get(code=version.offer)
                href = reverse("admin:bonuses_offer_change", args=[offer_id])
                return HttpResponseRedirect(f"{href}?version={version.number}")
        if stale and newest:
            form.data = {**form.data.dict(), "newest": str(newest.number)}  # type: ignore[attr-defined]
        live = read_rule(offer.live) if offer and offer.live else None
        context: dict[str, Any] = {
            "form": form,
            "offer": offer,
            "back": reverse("admin:bonuses_offer_change", args=[offer.pk]) if offer else self.reverse("changelist"),
            "stale": newest if stale else None,
            "stale_by": who(newest.created_by) if newest else "",
            "stale_changes": differences(newest.rule, form.rule) if stale and newest and form.rule else [],
        }
        if ready and form.rule and not form.errors:
            context |= {
                "preview": True,
                "summary": rules_terms.summary(form.rule),
                "terms": rules_terms.describe(form.rule, "en"),
                "changes": differences(live, form.rule) if live else [],
                "objections": offers.list_objections_everywhere(rule=form.rule, at=clock.now()),
                "reach": count_reach(form.rule),
                "reach_most": MOST,
            }
        title = f"New version of {offer.name}" if offer else "New offer"
        return self.render(request, "bonuses/builder.html", title, context, offer.pk if offer else None)

    # --- deeds ---

    def release_view(self, request: HttpRequest, pk: UUID, version_id: UUID) -> HttpResponse:
        """Ask the second person, with all that they will see."""
        need(request, offers.WRITE)
        offer = self.get_or_404(request, str(pk))
        version = get_version(version_id) if offer.versions.filter(id=version_id).exists() else None
        if version is None:
            raise Http404("There is no such version.")
        form = ReleaseForm(request.POST or None, initial={"key": str(uuid7())})
        back = reverse("admin:bonuses_offer_change", args=[pk])
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: offers.ask_for_release(
                    version_id=version_id,
                    comment=form.cleaned_data["comment"],
                    idempotency_key=form.cleaned_data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="It waits for a second person, and comes into force when they say yes.",
                back=f"{back}?version={version.number}",
                form=form,
            )
            if done:
                return done
        live = read_rule(offer.live) if offer.live else None
        context = {
            "form": form,
            "version": version,
            "back": f"{back}?version={version.number}",
            "summary": rules_terms.summary(version.rule),
            "changes": differences(live, version.rule) if live else [],
            "live": offer.live,
            "objections": offers.list_objections_everywhere(rule=version.rule, at=clock.now()),
        }
        title = f"Release version {version.number} of {offer.name}"
        return self.render(request, "bonuses/release.html", title, context, offer.pk)

    def _mover(self, name: str) -> Callable[..., HttpResponse]:
        said, move = _MOVES[name]

        def view(request: HttpRequest, pk: UUID) -> HttpResponse:
            need(request, offers.STOP)
            offer = self.get_or_404(request, str(pk))
            back = reverse("admin:bonuses_offer_change", args=[pk])
            form = ReasonForm(request.POST or None)
            if request.method == "POST" and form.is_valid():
                done = act(
                    request,
                    lambda: move(
                        code=offer.code, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=clock.now()
                    ),
                    done=said,
                    back=back,
                    form=form,
                )
                if done:
                    return done
            context = {"form": form, "offer": offer, "move": name, "back": back}
            return self.render(request, "bonuses/move.html", f"{name.capitalize()} {offer.name}", context, offer.pk)

        return view


def _terms(rule: OfferRule) -> list[tuple[str, str, list[str]]]:
    languages = rules_terms.LANGUAGES
    return [(code, rules_terms.title_of(rule, code), rules_terms.describe(rule, code)) for code in languages]


def _of(amount: Decimal | None) -> str:
    return NOTHING if amount is None else money(Money.parse(f"{amount:f}", "EUR"))


def _chosen(versions: list[VersionDetails], number: str) -> VersionDetails | None:
    return next((version for version in versions if str(version.number) == number), None)


def _moves(offer: Offer) -> list[str]:
    match offer.state:
        case OfferState.LIVE:
            return ["pause", "stop"]
        case OfferState.PAUSED:
            return ["resume", "stop"]
        case OfferState.DRAFT:
            return ["stop"]
    return []

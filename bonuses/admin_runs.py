"""Simulations and dry runs in the back office: asked for by a form, watched while they are worked on, read."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from kombu.exceptions import OperationalError

from bonuses.admin_offers import who
from bonuses.models_runs import OfferRun
from bonuses.selectors import get_version
from bonuses.services import simulation
from bonuses.services.offers import WRITE
from bonuses.types_simulation import DryRunWanted, RunKind, RunState, SimulationWanted
from kernel import clock
from kernel.admin import PageAdmin, act, column, need, staff_actor
from kernel.display import chip, human, when
from kernel.errors import NotFound

TONES = {RunState.DONE: "good", RunState.FAILED: "bad"}


class SimulationForm(forms.Form):
    """What made-up players do. The defaults are a casino's usual slots."""

    players = forms.IntegerField(initial=100_000, help_text="From 1,000 to 1,000,000.")
    currency = forms.ChoiceField()
    category = forms.ChoiceField(label="They play", choices=[(name, human(name)) for name in simulation.CATEGORIES])
    rtp = forms.DecimalField(initial="0.96", label="What the game returns", help_text="RTP: 0.96 is 96 %.")
    volatility = forms.DecimalField(
        initial="5", help_text="Standard deviation of what a bet pays, in stakes: table games 1, slots 3 to 10."
    )
    stake_percent = forms.DecimalField(initial="2", label="Stake, in % of what they begin with")
    bets_per_day = forms.IntegerField(initial=200)
    seed = forms.IntegerField(initial=1, help_text="The same seed gives the same figures.")

    def __init__(self, currencies: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].choices = [(code, code) for code in currencies]  # type: ignore[attr-defined]

    def read(self) -> SimulationWanted:
        return SimulationWanted(**self.cleaned_data)


class DryRunForm(forms.Form):
    """Days are UTC, both included."""

    since = forms.DateField(label="First day (UTC)", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(
        label="Last day (UTC), included", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def read(self) -> DryRunWanted:
        since, last = (datetime.combine(self.cleaned_data[name], time(), UTC) for name in ("since", "until"))
        return DryRunWanted(since=since, until=last + timedelta(days=1))


@admin.register(OfferRun)
class OfferRunAdmin(PageAdmin):
    """What offers would cost, by simulation and by what happened."""

    ordering = ("-id",)
    list_display = ("offer", "kind_", "state_", "asked", "asked_by")
    list_display_links = None
    list_filter = ("kind", "state")
    list_select_related = ("version__offer",)
    sortable_by = ()
    page_template = "bonuses/run.html"

    @column("Offer")
    def offer(self, row: OfferRun) -> str:
        href = reverse("admin:bonuses_offerrun_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, self.page_title(row))

    @column("What")
    def kind_(self, row: OfferRun) -> str:
        return human(row.kind)

    @column("State")
    def state_(self, row: OfferRun) -> str:
        return chip(row.state, TONES.get(RunState(row.state), ""))

    @column("Asked for")
    def asked(self, row: OfferRun) -> str:
        return when(row.requested_at)

    @column("By")
    def asked_by(self, row: OfferRun) -> str:
        return who(row.requested_by)

    def page_title(self, obj: OfferRun) -> str:
        return f"{obj.version.offer.name}, version {obj.version.number}"

    def page_context(self, request: HttpRequest, obj: OfferRun) -> dict[str, object]:
        return {
            "state": self.state_(obj),
            "kind": human(obj.kind),
            "working": obj.state in (RunState.WAITING, RunState.WORKING),
            "simulation": obj.result if obj.kind == RunKind.SIMULATION else None,
            "dry_run": obj.result if obj.kind == RunKind.DRY_RUN else None,
            "back": reverse("admin:bonuses_offer_change", args=[obj.version.offer_id])
            + f"?version={obj.version.number}",
            "asked": self.asked(obj),
            "asked_by": self.asked_by(obj),
        }

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("new/<uuid:version_id>/", self.new_view, "new"), *super().get_urls()]

    def new_view(self, request: HttpRequest, version_id: UUID) -> HttpResponse:
        """Two forms on one page: made-up players, or a time that is over."""
        need(request, WRITE)
        try:
            version = get_version(version_id)
        except NotFound:
            raise Http404 from None
        today = clock.now().date()
        days = {"since": today - timedelta(days=30), "until": today - timedelta(days=1)}
        dry = "dry_run" in request.POST
        sent = request.POST if request.method == "POST" else None
        currencies = sorted(version.rule.currencies, key=lambda code: (code != "EUR", code))
        simulation_form = SimulationForm(currencies, None if dry else sent, auto_id="simulation_%s")
        dry_form = DryRunForm(sent if dry else None, initial=days, auto_id="dry_%s")
        form: SimulationForm | DryRunForm = dry_form if dry else simulation_form
        if request.method == "POST" and form.is_valid():
            found: list[UUID] = []
            done = act(
                request,
                lambda: found.append(
                    simulation.request_run(
                        version_id=version_id, wanted=form.read(), actor=staff_actor(request), at=clock.now()
                    )
                ),
                done="It is being worked on.",
                back=self.reverse("changelist"),
                form=form,
            )
            if found:
                with suppress(OperationalError):  # a nudge only: the schedule finds what waits, should it be lost
                    current_app.send_task("bonuses.tasks.work_runs", ignore_result=True)
                return HttpResponseRedirect(self.reverse("change", found[0]))
            if done:
                return done
        context = {"simulation_form": simulation_form, "dry_form": dry_form, "version": version}
        title = f"What would {version.offer}, version {version.number}, cost?"
        return self.render(request, "bonuses/new_run.html", title, context)

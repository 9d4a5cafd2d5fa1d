"""The event log and its machinery in the back office: log, consumers, dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import DropdownFilter

from events.catalogue.base import CATALOGUE, InvalidPayload
from events.models import Amendment, ConsumerCursor, DeadLetter, Event
from events.ports import UnknownConsumer, get_consumer, list_consumers
from events.selectors import get_event, get_lag, list_lags
from events.services import dead_letters
from events.types import DeadLetterState
from kernel import clock
from kernel.admin import LatestAdmin, PageAdmin, act, column, may, need, recorded_at, staff_actor
from kernel.display import NOTHING, chip, copyable, pretty_json, when
from kernel.errors import FieldErrors

PAUSE = "events.pause_consumer"
SETTLE = "events.settle_dead_letter"
# A consumer that gave no sign for so long is not running.
STALE = timedelta(seconds=30)
AML_REASON = "players.view_aml_reason"


def player_link(player_id: object) -> str:
    if player_id is None:
        return NOTHING
    try:
        return copyable(player_id, reverse("admin:players_player_change", args=[player_id]))
    except NoReverseMatch:
        return copyable(player_id)


def event_link(event_id: object) -> str:
    return copyable(event_id, reverse("admin:events_event_change", args=[event_id]))


def hides(request: HttpRequest, payload: dict[str, Any], subject: object) -> bool:
    """Why a money-laundering hold stands is for compliance alone."""
    return payload.get("kind") == "aml_hold" and "reason" in payload and not may(request, AML_REASON, subject)


def shown(request: HttpRequest, payload: dict[str, Any], subject: object) -> str:
    return pretty_json({**payload, "reason": "hidden"} if hides(request, payload, subject) else payload)


class TypeFilter(DropdownFilter):
    """From the catalogue: asking the log which types it holds would read all of it."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(CATALOGUE)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class ConsumerFilter(DropdownFilter):
    title = "consumer"
    parameter_name = "consumer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(consumer.name, consumer.name) for consumer in list_consumers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(consumer=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(LatestAdmin):
    list_display = ("id_", "type_", "player_", "occurred", "recorded")
    list_display_links = None
    list_filter = (TypeFilter,)
    list_filter_submit = False
    search_fields = ("id",)
    search_help_text = "Id of an event or of a player"
    sortable_by = ()
    page_template = "events/event.html"

    @column("Event")
    def id_(self, row: Event) -> str:
        return event_link(row.pk)

    @column("Type")
    def type_(self, row: Event) -> str:
        return format_html('<span class="pms-strong">{}</span>', row.type)

    @column("Player")
    def player_(self, row: Event) -> str:
        return player_link(row.player_id)

    @column("Happened")
    def occurred(self, row: Event) -> str:
        return when(row.occurred_at)

    @column("Recorded")
    def recorded(self, row: Event) -> str:
        return when(recorded_at(row))

    def page_title(self, obj: Event) -> str:
        return obj.type

    def page_context(self, request: HttpRequest, obj: Event) -> dict[str, object]:
        meaning = CATALOGUE.get(obj.type)
        amendments = Amendment.objects.filter(event_id=obj.pk).order_by("-id")
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Type", obj.type),
                ("Means", (meaning.__doc__ or "").split("\n\n")[0].replace("``", "") if meaning else ""),
                ("Player", player_link(obj.player_id)),
                ("Happened", when(obj.occurred_at)),
                ("Recorded", when(recorded_at(obj))),
                ("Request", copyable(obj.request_id)),
                ("Place in the log", f"epoch {obj.epoch}, transaction {obj.xid}, position {obj.position}"),
            ],
            "payload": shown(request, obj.payload, obj),
            "amendments": [(row, shown(request, row.payload, obj)) for row in amendments],
            "letters": DeadLetter.objects.filter(event_id=obj.pk).order_by("consumer"),
        }


class PauseForm(forms.Form):
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(ConsumerCursor)
class ConsumerAdmin(PageAdmin):
    """How the consumers fare. They are few and known by code, so this is a page rather than a list."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("<str:name>/pause/", self.pause_view, "pause"),
            self.view_path("<str:name>/resume/", self.resume_view, "resume"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        need(request, "events.view_consumercursor")
        at = clock.now()
        context = {"lags": list_lags(at), "at": at, "stale": at - STALE, "may_pause": may(request, PAUSE)}
        return self.render(request, "events/consumers.html", "Consumers", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self.changelist_view(request)

    def pause_view(self, request: HttpRequest, name: str) -> HttpResponse:
        need(request, PAUSE)
        back = self.reverse("changelist")
        form = PauseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: dead_letters.pause_consumer(
                    name=name, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=clock.now()
                ),
                done=f"{name} is paused.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {"lag": self._lag(name), "form": form, "back": back}
        return self.render(request, "events/pause.html", f"Pause {name}", context)

    def resume_view(self, request: HttpRequest, name: str) -> HttpResponse:
        need(request, PAUSE)
        back = self.reverse("changelist")
        lag = self._lag(name)
        if request.method == "POST":
            done = act(
                request,
                lambda: dead_letters.resume_consumer(name=name, actor=staff_actor(request), at=clock.now()),
                done=f"{name} goes on.",
                back=back,
            )
            assert done is not None  # noqa: S101  (without a form, act always answers)
            return done
        return self.render(request, "events/resume.html", f"Resume {name}", {"lag": lag, "back": back})

    def _lag(self, name: str) -> Any:
        try:
            return get_lag(name, clock.now())
        except UnknownConsumer as error:
            raise Http404(str(error)) from None


class AmendForm(forms.Form):
    payload = forms.CharField(widget=forms.Textarea(attrs={"rows": 14, "class": "pms-code", "spellcheck": "false"}))
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_payload(self) -> dict[str, Any]:
        try:
            payload = json.loads(self.cleaned_data["payload"])
        except json.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: {error.msg} in line {error.lineno}.") from None
        if not isinstance(payload, dict):
            raise forms.ValidationError("The payload must be a JSON object: { … }.")
        return payload


class DiscardForm(forms.Form):
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


@admin.register(DeadLetter)
class DeadLetterAdmin(LatestAdmin):
    list_display = ("id_", "consumer_", "player_", "cause_", "error_", "state_", "parked")
    list_display_links = None
    list_filter = ("state", ConsumerFilter, "cause")
    search_fields = ("id",)
    search_help_text = "Id of a letter or of a player"
    sortable_by = ()
    page_template = "events/dead_letter.html"

    @column("Letter")
    def id_(self, row: DeadLetter) -> str:
        return copyable(row.pk, reverse("admin:events_deadletter_change", args=[row.pk]))

    @column("Consumer and event")
    def consumer_(self, row: DeadLetter) -> str:
        return format_html(
            '<span class="pms-strong">{}</span><br><span class="pms-subtle">{}</span>', row.consumer, row.event_type
        )

    @column("Player")
    def player_(self, row: DeadLetter) -> str:
        return player_link(row.player_id)

    @column("Cause")
    def cause_(self, row: DeadLetter) -> str:
        return chip(row.cause)

    @column("Error")
    def error_(self, row: DeadLetter) -> str:
        return format_html('<div class="pms-clip" title="{}">{}</div>', row.error, row.error or "–")

    @column("State")
    def state_(self, row: DeadLetter) -> str:
        return chip(row.state)

    @column("Parked")
    def parked(self, row: DeadLetter) -> str:
        return when(row.parked_at)

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("<path:object_id>/amend/", self.amend_view, "amend"),
            self.view_path("<path:object_id>/replay/", self.replay_view, "replay"),
            self.view_path("<path:object_id>/discard/", self.discard_view, "discard"),
            *super().get_urls(),
        ]

    def page_title(self, obj: DeadLetter) -> str:
        return f"Dead letter of {obj.consumer}"

    def page_context(self, request: HttpRequest, obj: DeadLetter) -> dict[str, object]:
        event = get_event(obj.event_id)
        original = Event.objects.values_list("payload", flat=True).get(id=obj.event_id)
        behind = DeadLetter.objects.filter(
            consumer=obj.consumer, player_id=obj.player_id, state=DeadLetterState.PARKED
        ).exclude(id=obj.pk)
        hidden = hides(request, event.payload, obj)
        return {
            "event_link": event_link(obj.event_id),
            "player_link": player_link(obj.player_id),
            "payload": shown(request, original, obj),
            "amended": shown(request, event.payload, obj) if event.payload != original else "",
            # Behind a player's letter others wait; one of no player stands alone.
            "behind": behind.count() if obj.player_id else 0,
            "parked": obj.state == DeadLetterState.PARKED,
            "may_settle": may(request, SETTLE, obj),
            "may_amend": may(request, SETTLE, obj) and not hidden,
            "amend_form": AmendForm(initial={"payload": pretty_json(event.payload)}),
            "discard_form": DiscardForm(prefix="discard"),
        }

    def amend_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        letter = self._settle_able(request, object_id)
        if hides(request, get_event(letter.event_id).payload, letter):
            raise Http404
        form = AmendForm(request.POST)
        if form.is_valid():
            done = act(
                request,
                lambda: self._amend(letter, form.cleaned_data, request),
                done="The repaired payload is stored. Replay the player now.",
                back=self.reverse("change", letter.pk),
                form=form,
            )
            if done:
                return done
        return self._again(request, letter, {"amend_form": form})

    def _amend(self, letter: DeadLetter, data: dict[str, Any], request: HttpRequest) -> None:
        try:
            dead_letters.amend_event(
                event_id=letter.event_id,
                payload=data["payload"],
                reason=data["reason"],
                actor=staff_actor(request),
                at=clock.now(),
            )
        except InvalidPayload as error:
            raise FieldErrors({"payload": [str(error)]}) from None

    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        letter = self._settle_able(request, object_id)

        def replay() -> None:
            get_consumer(letter.consumer)
            dead_letters.replay(
                consumer=letter.consumer,
                player_id=letter.player_id,
                event_id=letter.event_id,
                actor=staff_actor(request),
                at=clock.now(),
            )

        return self._answer(request, replay, letter, "Replayed, in the log's order, as far as it went: see the state.")

    def discard_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        letter = self._settle_able(request, object_id)
        form = DiscardForm(request.POST, prefix="discard")
        if not form.is_valid():
            return self._again(request, letter, {"discard_form": form})
        return self._answer(
            request,
            lambda: dead_letters.discard(
                letter_id=letter.pk, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=clock.now()
            ),
            letter,
            "Discarded. What waits behind it can be replayed now.",
        )

    def _answer(self, request: HttpRequest, do: Callable[[], object], letter: DeadLetter, done: str) -> HttpResponse:
        answer = act(request, do, done=done, back=self.reverse("change", letter.pk))
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def _settle_able(self, request: HttpRequest, object_id: str) -> DeadLetter:
        need(request, SETTLE)
        if request.method != "POST":
            raise Http404
        letter: DeadLetter = self.get_or_404(request, object_id)
        need(request, SETTLE, letter)
        return letter

    def _again(self, request: HttpRequest, letter: DeadLetter, forms: dict[str, object]) -> HttpResponse:
        context = {"object": letter, **self.page_context(request, letter), **forms}
        return self.render(request, self.page_template, self.page_title(letter), context, letter.pk)


from events import admin_audit  # noqa: E402, F401  (registers the audit trail)

"""Exclusions in the back office: who is excluded until when, the queue of people who want to come back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.admin import staff_names
from compliance.models_exclusions import EndRequest, Exclusion
from compliance.rules_exclusion import effect_of_request, terms_of
from compliance.selectors_cases import get_case
from compliance.selectors_exclusions import exclusion_details, list_end_requests, standing_exclusions
from compliance.selectors_packs import get_pack_of
from compliance.services.entry import settle_match
from compliance.services.exclusion_ends import decide_end, request_end
from compliance.services.exclusions import BY_OTHERS, exclude, list_offers
from compliance.services.registers import check_player
from compliance.types_exclusion import EndRequestState, ExclusionKind, Offer, RegisterMoment, RegisterOutcome
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, when
from kernel.errors import NotFound
from kernel.ids import uuid7
from players.selectors import get_player
from players.services.searches import search_players

EXCLUDE, DECIDE, CHECK = "compliance.exclude_player", "compliance.decide_end_request", "compliance.check_register"
RESOLVE_CASE = "compliance.resolve_reviewcase"

WORDS = {
    ExclusionKind.PANIC: "Panic button",
    ExclusionKind.COOLING_OFF: "Break",
    ExclusionKind.SELF: "Self-exclusion",
    ExclusionKind.THIRD_PARTY: "Exclusion asked for by others",
    ExclusionKind.OPERATOR: "Exclusion by the operator",
    ExclusionKind.REGISTER: "Listed in a register",
}


def _text(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class ExcludeForm(forms.Form):
    """Kind and length in one list, as the player's rules offer them; another length where they allow any."""

    choice = forms.ChoiceField(label="What, for how long")
    other = forms.CharField(
        label="Another length",
        required=False,
        max_length=12,
        help_text='Such as "45d", "7mo" or "2y", where the rules only name the shortest.',
    )
    reason = forms.CharField(
        max_length=500,
        required=False,
        widget=_text(),
        help_text="Who asked, and how. For others' wishes it must be said.",
    )
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, offers: list[Offer], data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["choice"].choices = [  # type: ignore[attr-defined]
            (
                WORDS[offer.kind],
                [(f"{offer.kind}:{term}", f"{WORDS[offer.kind]}, {in_words(term)}") for term in offer.terms],
            )
            for offer in offers
        ]

    def picked(self) -> tuple[ExclusionKind, str]:
        kind, _, term = self.cleaned_data["choice"].partition(":")
        return ExclusionKind(kind), self.cleaned_data["other"].strip() or term


class EndForm(forms.Form):
    reason = forms.CharField(
        max_length=1000,
        required=False,
        widget=_text(),
        help_text="The player's own reason. Some jurisdictions ask for it.",
    )


class DecideForm(forms.Form):
    accept = forms.ChoiceField(label="Decision", choices=[("", "–"), ("yes", "Let it end"), ("no", "It stays")])
    comment = forms.CharField(
        max_length=1000, widget=_text(), help_text="Kept with the decision; a regulator may read it."
    )


class MatchForm(forms.Form):
    same = forms.ChoiceField(
        label="Is it the same person?",
        choices=[("", "–"), ("yes", "Yes: exclude this account"), ("no", "No: set it free")],
    )
    comment = forms.CharField(max_length=500, widget=_text(), help_text="What it was seen from. Kept with the case.")


def in_words(term: str) -> str:
    """ "6mo" as "6 months"."""
    units = {"mo": "month", "h": "hour", "d": "day", "w": "week", "y": "year"}
    for unit, word in units.items():
        number = term.removesuffix(unit)
        if number.isdigit() and term.endswith(unit):
            return f"{number} {word}{'' if number == '1' else 's'}"
    return term


class StandingFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("standing", "in force"), ("closing", "account to be closed"), ("over", "over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Exclusion]) -> QuerySet[Exclusion]:
        standing = standing_exclusions(clock.now()).values("id")
        match self.value():
            case "standing":
                return queryset.filter(id__in=standing)
            case "closing":
                return queryset.filter(close_due_at__isnull=False, closed_at=None, ended_at=None)
            case "over":
                return queryset.exclude(id__in=standing)
        return queryset


class _OfPlayers(PageAdmin):
    """Rows of players, found by their player."""

    list_display_links = None
    list_select_related: tuple[str, ...] = ("player__user",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    @column("Player")
    def player_(self, row: Any) -> str:
        href = reverse("admin:players_player_tab", args=[row.player_id, "exclusions"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)


@admin.register(Exclusion)
class ExclusionAdmin(_OfPlayers):
    """Exclusions, newest first."""

    list_display = ("what", "player_", "state", "began", "ends", "closing", "pack")
    list_filter = (StandingFilter, "kind")
    page_template = "compliance/exclusion.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("exclude/<uuid:player_id>/", self.exclude_view, "exclude"),
            self.view_path("check/<uuid:player_id>/", self.check_view, "check"),
            self.view_path("match/<uuid:case_id>/", self.match_view, "match"),
            self.view_path("<uuid:exclusion_id>/end/", self.end_view, "end"),
            *super().get_urls(),
        ]

    # --- the list and the page ---

    @column("Exclusion")
    def what(self, row: Exclusion) -> str:
        href = reverse("admin:compliance_exclusion_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, title_of(row))

    @column("State")
    def state(self, row: Exclusion) -> str:
        return chip("in force", "bad") if exclusion_details(row).stands(clock.now()) else chip("over")

    @column("Began")
    def began(self, row: Exclusion) -> str:
        return when(row.active_from)

    @column("Ends")
    def ends(self, row: Exclusion) -> str:
        if row.ended_at:
            return when(row.ended_at)
        return when(row.active_until) if row.active_until else "on request"

    @column("Account to be closed")
    def closing(self, row: Exclusion) -> str:
        if row.close_due_at is None:
            return NOTHING
        if row.closed_at:
            return format_html("{} {}", chip("closed"), when(row.closed_at))
        late = clock.now() > row.close_due_at
        return format_html("{} {}", chip("late" if late else "by", "bad" if late else "warn"), when(row.close_due_at))

    def page_title(self, obj: Exclusion) -> str:
        return title_of(obj)

    def page_context(self, request: HttpRequest, obj: Exclusion) -> dict[str, object]:
        found = exclusion_details(obj)
        stands = found.stands(clock.now())
        names = staff_names(obj.imposed_by, obj.ended_by)
        return {
            "facts": [
                ("Player", self.player_(obj)),
                ("State", self.state(obj)),
                ("Began", when(obj.active_from)),
                ("Ends", self.ends(obj)),
                ("Its end is heard from", when(obj.minimum_until) if obj.minimum_until else ""),
                ("Rules", obj.pack),
                ("Because", obj.reason),
                ("Group", human(obj.ground) if obj.ground else ""),
                ("Imposed by", names[obj.imposed_by]),
                ("Register", obj.register),
                ("Register's reply", copyable(obj.reply_id) if obj.reply_id else ""),
                ("Account to be closed", self.closing(obj)),
                ("Ended by", names[obj.ended_by] if obj.ended_by else ""),
                ("Ended because", obj.end_reason),
            ],
            "stands": stands,
            "requests": list_end_requests(exclusion_ids=[obj.pk]),
            "may_ask": stands and obj.kind != ExclusionKind.REGISTER and may(request, EXCLUDE, obj),
            "may_decide": may(request, DECIDE, obj),
        }

    # --- what staff do ---

    def exclude_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        need(request, EXCLUDE, player_id)
        player, at = get_player(player_id), clock.now()
        pack = get_pack_of(player_id, at)
        offers = list_offers(player_id, at)
        form = ExcludeForm(offers, request.POST or None, initial={"key": str(uuid7())})
        back = reverse("admin:players_player_tab", args=[player_id, "exclusions"])
        preview = request.method == "POST" and form.is_valid()
        if preview and "confirmed" in request.POST:
            kind, term = form.picked()
            done = act(
                request,
                lambda: exclude(
                    player_id=player_id,
                    kind=kind,
                    term=term,
                    reason=form.cleaned_data["reason"],
                    idempotency_key=form.cleaned_data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done=f"{player.login} is excluded: {WORDS[kind].lower()}, {in_words(term)}.",
                back=back,
                form=form,
            )
            if done:
                return done
            preview = False
        says: list[str] = []
        if preview:
            kind, term = form.picked()
            says = _effects(player_id, kind, term)
        context = {"form": form, "back": back, "says": says, "preview": preview, "pack": pack.label, "player": player}
        return self.render(request, "compliance/exclude.html", f"Exclude {player.login}", context)

    def check_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        need(request, CHECK, player_id)
        back = reverse("admin:players_player_tab", args=[player_id, "exclusions"])
        player, at = get_player(player_id), clock.now()
        pack = get_pack_of(player_id, at)
        register = pack.text("registers.exclusion_name")
        if not register:
            raise Http404("The rules where this player lives name no register.")
        form = forms.Form(request.POST or None)
        if request.method == "POST":
            said = check_player(player_id=player_id, moment=RegisterMoment.STAFF, actor=staff_actor(request), at=at)
            outcome = said.outcome if said else RegisterOutcome.CLEAR
            text = {
                RegisterOutcome.CLEAR: f"{register} does not list {player.login}.",
                RegisterOutcome.LISTED: f"{register} lists {player.login}: excluded.",
                RegisterOutcome.ERROR: f"{register} did not answer; nothing has changed.",
            }[outcome]
            return act(request, lambda: None, done=text, back=back)  # type: ignore[return-value]
        says = [
            f"{register} is asked whether it lists {player.login}; the answer is kept with its id.",
            "If it does, the player is excluded at once and logged out. If it does no more, its exclusion ends.",
        ]
        context = {"form": form, "back": back, "says": says, "button": f"Ask {register}"}
        return self.render(request, "compliance/exclusion_form.html", f"Ask {register}", context)

    def end_view(self, request: HttpRequest, exclusion_id: UUID) -> HttpResponse:
        obj = self.get_or_404(request, str(exclusion_id))
        need(request, EXCLUDE, obj)
        form = EndForm(request.POST or None)
        back = self.reverse("change", exclusion_id)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: request_end(
                    exclusion_id=exclusion_id,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="Asked: what comes of it stands below.",
                back=back,
                form=form,
            )
            if done:
                return done
        terms = terms_of(get_pack_of(obj.player_id, clock.now()))
        decides = terms.reviewed or obj.kind in BY_OTHERS
        says = [
            "The player's wish to end the exclusion is noted." + (" A colleague decides on it." if decides else ""),
            "Nothing ends at once: until it takes effect, the player stays excluded.",
        ]
        context = {"form": form, "back": back, "says": says, "button": "Note the wish"}
        return self.render(request, "compliance/exclusion_form.html", "Ask to end an exclusion", context, exclusion_id)

    def match_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        need(request, RESOLVE_CASE)
        try:
            case = get_case(case_id)
        except NotFound:
            raise Http404("There is no such match.") from None
        need(request, RESOLVE_CASE, case)
        form = MatchForm(request.POST or None)
        back = reverse("admin:players_player_tab", args=[case.player_id, "exclusions"])
        if request.method == "POST" and form.is_valid():
            same = form.cleaned_data["same"] == "yes"
            done = act(
                request,
                lambda: settle_match(
                    case_id=case_id,
                    same_person=same,
                    comment=form.cleaned_data["comment"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The account is excluded." if same else "The account is free again.",
                back=back,
                form=form,
            )
            if done:
                return done
        other = reverse("admin:players_player_change", args=[case.facts["other"]])
        link = format_html('<a class="pms-link" href="{}">the excluded one</a>', other)
        says = [
            format_html(
                "Compare this account with {}: they share {}.", link, ", ".join(map(human, case.facts["signs"]))
            ),
            "Yes: this account is excluded without an end. No: play and deposits are free again.",
        ]
        context = {"form": form, "back": back, "says": says, "button": "Decide"}
        return self.render(request, "compliance/exclusion_form.html", "Is an excluded person back?", context)


@admin.register(EndRequest)
class EndRequestAdmin(_OfPlayers):
    """The queue: who wants an exclusion to end, the soonest to be answered first."""

    list_display = ("what", "player_", "state_", "asked", "due", "effect")
    list_filter = ("state",)
    list_select_related = ("player__user", "exclusion")
    page_template = "compliance/end_request.html"

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("<uuid:request_id>/decide/", self.decide_view, "decide"), *super().get_urls()]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [F("decided_at").desc(nulls_first=True), "due_at", "-id"]

    @column("Exclusion")
    def what(self, row: EndRequest) -> str:
        href = reverse("admin:compliance_endrequest_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, title_of(row.exclusion))

    @column("State")
    def state_(self, row: EndRequest) -> str:
        return chip(row.state, {"open": "warn", "accepted": "good"}.get(row.state, ""))

    @column("Asked")
    def asked(self, row: EndRequest) -> str:
        return when(row.requested_at)

    @column("To be answered by")
    def due(self, row: EndRequest) -> str:
        if row.state != EndRequestState.OPEN or row.due_at is None:
            return NOTHING
        return format_html("{} {}", chip("late", "bad") if clock.now() > row.due_at else "", when(row.due_at))

    @column("Ends")
    def effect(self, row: EndRequest) -> str:
        return when(row.takes_effect_at) if row.takes_effect_at else NOTHING

    def page_title(self, obj: EndRequest) -> str:
        return f"Wish to end: {title_of(obj.exclusion)}"

    def page_context(self, request: HttpRequest, obj: EndRequest) -> dict[str, object]:
        names = staff_names(obj.requested_by, obj.decided_by)
        href = reverse("admin:compliance_exclusion_change", args=[obj.exclusion_id])
        return {
            "facts": [
                ("Player", self.player_(obj)),
                ("Exclusion", format_html('<a class="pms-link" href="{}">{}</a>', href, title_of(obj.exclusion))),
                ("Excluded since", when(obj.exclusion.active_from)),
                ("State", self.state_(obj)),
                ("The player's reason", obj.reason),
                ("Asked", when(obj.requested_at)),
                ("By", names[obj.requested_by]),
                ("To be answered by", self.due(obj)),
                ("Decided", when(obj.decided_at) if obj.decided_at else ""),
                ("Decided by", names[obj.decided_by] if obj.decided_by else ""),
                ("Comment", obj.comment),
                ("Takes effect", self.effect(obj)),
            ],
            "may_decide": obj.state == EndRequestState.OPEN and may(request, DECIDE, obj),
        }

    def decide_view(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        obj = self.get_or_404(request, str(request_id))
        need(request, DECIDE, obj)
        form = DecideForm(request.POST or None)
        back = self.reverse("change", request_id)
        if request.method == "POST" and form.is_valid():
            accept = form.cleaned_data["accept"] == "yes"
            done = act(
                request,
                lambda: decide_end(
                    request_id=request_id,
                    accept=accept,
                    comment=form.cleaned_data["comment"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="It will end when it takes effect." if accept else "The exclusion stays.",
                back=back,
                form=form,
            )
            if done:
                return done
        terms = terms_of(get_pack_of(obj.player_id, clock.now()))
        effect = effect_of_request(terms, indefinite=obj.exclusion.term == "indefinite", accepted_at=clock.now())
        says = [
            format_html("Let it end: the player stays excluded until {} and may play from then on.", when(effect)),
            "It stays: the player may ask again.",
        ]
        context = {"form": form, "back": back, "says": says, "button": "Decide"}
        return self.render(request, "compliance/exclusion_form.html", "Decide on the wish", context, request_id)


def title_of(row: Exclusion) -> str:
    """ "Self-exclusion, 6 months"."""
    words = WORDS[ExclusionKind(row.kind)]
    return f"{words}, {in_words(row.term)}" if row.term else f"{words}: {row.register}"


def _effects(player_id: UUID, kind: ExclusionKind, term: str) -> list[str]:
    """What excluding will do, as sentences."""
    terms = terms_of(get_pack_of(player_id, clock.now()))
    short = kind in (ExclusionKind.PANIC, ExclusionKind.COOLING_OFF)
    says = [
        f"{WORDS[kind]}, {in_words(term)}, from now on. It can't be shortened, by nobody.",
        "Every session ends at once. No bet, deposit, bonus or marketing until it is over; withdrawing stays possible.",
    ]
    if not short:
        says.append("The player can't log in meanwhile; consents to marketing are taken back.")
    if terms.refunds_open_bets:
        says.append("Reserved bets on events that have not begun are given back.")
    if not short and (terms.close_hours or (terms.closes_permanent and term == "indefinite")):
        says.append(f"The account is paid out and closed within {terms.close_hours or 24} hours.")
    return says

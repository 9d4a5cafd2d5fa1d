"""A player's level in the hands of staff: forced, frozen, let go. A page of the standings' list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from kernel import clock
from kernel.admin import act, need, staff_actor
from loyalty.selectors import find_level_order, get_standing, list_levels
from loyalty.services import levels
from loyalty.types import LevelDetails
from players.selectors import UnknownPlayer, get_player


class EndForm(forms.Form):
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}), label="Why")


class OrderForm(EndForm):
    what = forms.ChoiceField(label="What", help_text="A forced level stays whatever is played; a frozen one may rise.")
    active_until = forms.DateTimeField(
        label="Until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Leave it empty for a level that is held until somebody lets it go.",
    )

    field_order = ("what", "active_until", "reason")

    def __init__(self, known: list[LevelDetails], current: str, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        forced = [(f"force:{level.code}", f"Set to {level.name}") for level in known]
        name = next(level.name for level in known if level.code == current)
        self.fields["what"].choices = [("freeze", f"Freeze at {name}"), *forced]  # type: ignore[attr-defined]

    def clean_active_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["active_until"]
        return until.replace(tzinfo=UTC) if until else None


class LevelPages:
    """Mixed into the list of standings."""

    def order_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        """Force or freeze the level; or, where it is held, let it go."""
        need(request, levels.ORDER, player_id)
        try:
            player = get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None
        at = clock.now()
        standing, order = get_standing(player_id, at), find_level_order(player_id)
        back = reverse("admin:players_player_tab", args=[player_id, "loyalty"])
        sent = request.POST if request.method == "POST" else None
        form: forms.Form = (
            EndForm(sent) if order else OrderForm(list_levels(at, standing.programme), standing.level.code, sent)
        )
        if sent and form.is_valid():
            said = form.cleaned_data | {"player_id": player_id, "actor": staff_actor(request), "at": at}
            done = act(
                request,
                lambda: _end(**said) if order else _order(**said),
                done="Let go: after a whole grace the level moves by itself."
                if order
                else "Ordered: the level stands in a moment.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {"form": form, "standing": standing, "order": order, "back": back, "player": player}
        title = f"Level of {player.login}"
        response: HttpResponse = self.render(request, "loyalty/order.html", title, context)  # type: ignore[attr-defined]
        return response


def _order(*, what: str, **said: Any) -> None:
    kind, _, level = what.partition(":")
    if kind == "force":
        levels.force_level(level=level, **said)
    else:
        levels.freeze_level(**said)


def _end(**said: Any) -> None:
    levels.end_hold(**said)

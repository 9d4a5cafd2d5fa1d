"""What staff do to an account: impose and lift restrictions, change its status. Each says first what will happen."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse

from kernel import clock
from kernel.actors import Actor
from kernel.admin import act, may, need, staff_actor
from kernel.display import human
from players.admin_forms import ImposeForm, ReasonForm, StatusForm, new_key
from players.admin_masking import masked
from players.admin_panels import AML_REASON, in_words
from players.selectors import list_restrictions
from players.services.accounts import change_status
from players.services.restrictions import impose as impose_restriction
from players.services.restrictions import lift as lift_restriction
from players.types import PlayerDetails, RestrictionKind, Status

if TYPE_CHECKING:
    from players.admin import PlayerAdmin


def display_name(player: PlayerDetails, actor: Actor) -> str:
    shown = masked(player, actor)
    return f"{shown.first_name} {shown.last_name}".strip()


def impose(page: PlayerAdmin, request: HttpRequest, player_id: UUID) -> HttpResponse:
    """Form, then what it will do, then the deed."""
    need(request, "players.impose_restriction", player_id)
    frame = page.frame(request, player_id)
    form = ImposeForm(request.POST or None, initial={"key": new_key()})
    if request.method == "POST" and form.is_valid() and "confirmed" in request.POST:
        data = form.cleaned_data
        done = act(
            request,
            lambda: impose_restriction(
                player_id=player_id,
                kind=RestrictionKind(data["kind"]),
                reason=data["reason"],
                source="staff",
                active_until=data["active_until"],
                idempotency_key=data["key"],
                actor=staff_actor(request),
                at=clock.now(),
            ),
            done=f"{human(data['kind'])} is in force for {frame['player'].login}.",
            back=page.reverse("tab", player_id, "restrictions"),
            form=form,
        )
        if done:
            return done
    preview = request.method == "POST" and form.is_valid()
    context = {**frame, "form": form, "back": page.reverse("tab", player_id, "restrictions")}
    if preview:
        kind, until = RestrictionKind(form.cleaned_data["kind"]), form.cleaned_data["active_until"]
        context |= {"preview": True, "kind": kind, "until": until, "stops": in_words(kind)}
    return page.render(request, "players/impose.html", f"Restrict {frame['player'].login}", context, player_id)


def lift(page: PlayerAdmin, request: HttpRequest, player_id: UUID, restriction_id: UUID) -> HttpResponse:
    need(request, "players.lift_restriction", player_id)
    frame = page.frame(request, player_id)
    back = page.reverse("tab", player_id, "restrictions")
    restriction = next((row for row in list_restrictions(player_id) if row.id == restriction_id), None)
    if restriction is None:
        raise Http404("This player has no such restriction.")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = act(
            request,
            lambda: lift_restriction(
                restriction_id=restriction_id,
                reason=form.cleaned_data["reason"],
                actor=staff_actor(request),
                at=clock.now(),
            ),
            done=f"{human(restriction.kind)} is lifted.",
            back=back,
            form=form,
        )
        if done:
            return done
    others = {action for row in frame["restrictions"] if row.id != restriction_id for action in row.blocks}
    hidden = restriction.kind is RestrictionKind.AML_HOLD and not may(request, AML_REASON, player_id)
    context = {
        **frame,
        "form": form,
        "back": back,
        "restriction": restriction,
        "stops": in_words(restriction.kind),
        "still_stopped": sorted(set(restriction.blocks) & others),
        "hidden": hidden,
    }
    return page.render(request, "players/lift.html", f"Lift {human(restriction.kind)}", context, player_id)


def status(page: PlayerAdmin, request: HttpRequest, player_id: UUID) -> HttpResponse:
    need(request, "players.change_player_status", player_id)
    frame = page.frame(request, player_id)
    player = frame["player"]
    back = page.reverse("change", player_id)
    form = StatusForm(player.status, request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = act(
            request,
            lambda: change_status(
                player_id=player_id,
                to=Status(form.cleaned_data["to"]),
                reason=form.cleaned_data["reason"],
                actor=staff_actor(request),
                at=clock.now(),
            ),
            done=f"{player.login} is {form.cleaned_data['to']} now.",
            back=back,
            form=form,
        )
        if done:
            return done
    context = {**frame, "form": form, "back": back}
    return page.render(request, "players/status.html", f"Change the status of {player.login}", context, player_id)

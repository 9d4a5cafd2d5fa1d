"""Personal data on the player page: shown, masked, or revealed with a reason for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from kernel import clock
from kernel.actors import Actor
from kernel.admin import note_refusal, staff_actor
from kernel.errors import DomainError, FieldErrors
from players.admin_forms import ReasonForm
from players.admin_masking import DOTS, masked, sees_personal_data
from players.selectors_reveals import list_standing_reveals
from players.selectors_sealed import read_sealed
from players.services.reveals import may_reveal, reveal
from players.types import PersonalSection, PlayerDetails, RevealDetails, SealedField

if TYPE_CHECKING:
    from players.admin import PlayerAdmin


@dataclass(frozen=True, slots=True)
class ShownSection:
    """One section as this person sees it. ``masked`` says that something is hidden; ``until`` that it was revealed."""

    key: str
    title: str
    rows: tuple[tuple[str, str], ...]
    masked: bool
    until: datetime | None


def sections_of(player: PlayerDetails, actor: Actor, at: datetime) -> list[ShownSection]:
    """All personal data of a player as the actor may see it at this moment."""
    revealed = list_standing_reveals(player.id, actor, at)
    shown = masked(player, actor, revealed)
    sealed = read_sealed(player.id)

    def under_key(field: SealedField, section: PersonalSection) -> str:
        if field not in sealed:
            return ""
        return sealed[field] if section in revealed else DOTS

    born = shown.birth_date.isoformat() if shown.birth_date else (DOTS if player.birth_date else "")
    rows: dict[PersonalSection, tuple[tuple[str, str], ...]] = {
        PersonalSection.NAME: (
            ("Name", f"{shown.first_name} {shown.last_name}".strip()),
            ("Born", " · ".join(part for part in (born, shown.birth_place) if part)),
            *((("Name at birth", shown.birth_name),) if player.birth_name else ()),
        ),
        PersonalSection.CONTACT: (("Email", shown.email), ("Phone", shown.phone)),
        PersonalSection.ADDRESS: (
            ("Street", under_key(SealedField.STREET, PersonalSection.ADDRESS)),
            ("Place", f"{shown.postcode} {shown.city}".strip()),
        ),
        PersonalSection.DOCUMENTS: (
            ("National identity number", under_key(SealedField.NATIONAL_ID, PersonalSection.DOCUMENTS)),
            *(
                (("Occupation", under_key(SealedField.OCCUPATION, PersonalSection.DOCUMENTS)),)
                if SealedField.OCCUPATION in sealed
                else ()
            ),
        ),
    }
    return [
        ShownSection(section.value, section.label, lines, _hides(section, lines, revealed), _until(section, revealed))
        for section, lines in rows.items()
    ]


def _hides(
    section: PersonalSection,
    rows: tuple[tuple[str, str], ...],
    revealed: dict[PersonalSection, RevealDetails],
) -> bool:
    return section not in revealed and any(DOTS in value for _, value in rows)


def _until(section: PersonalSection, revealed: dict[PersonalSection, RevealDetails]) -> datetime | None:
    return revealed[section].until if section in revealed else None


def personal_context(player: PlayerDetails, actor: Actor, at: datetime) -> dict[str, object]:
    """What the card of personal data needs."""
    return {
        "sections": sections_of(player, actor, at),
        "personal": sees_personal_data(actor, player.id),
        "may_reveal": may_reveal(actor, player.id),
    }


def reveal_view(page: PlayerAdmin, request: HttpRequest, player_id: UUID, section: str) -> HttpResponse:
    """Ask for the reason, then show the section. With htmx in place on the page, else by pages of their own."""
    try:
        wanted = PersonalSection(section)
    except ValueError:
        raise Http404("There is no such section.") from None
    frame = page.frame(request, player_id)
    player, actor, back = frame["player"], staff_actor(request), page.reverse("change", player_id)
    form = ReasonForm(request.POST or None)
    form.fields["reason"].help_text = "Why you need to see it. Whoever looked, and why, is kept."
    in_place = "HX-Request" in request.headers
    if request.method == "POST" and form.is_valid():
        reason, at = form.cleaned_data["reason"], clock.now()
        try:
            reveal(player_id=player_id, section=wanted, reason=reason, actor=actor, at=at)
        except FieldErrors as error:
            form.add_error("reason", error.errors["reason"])
        except DomainError as error:
            if error.status == 403:
                note_refusal(request, error.detail)
            form.add_error(None, error.detail)
        else:
            if not in_place:
                return HttpResponseRedirect(back)
            context = {"player": player, **personal_context(player, actor, clock.now())}
            return render(request, "players/personal.html", context)
    context = {**frame, "form": form, "section": wanted, "back": back}
    if in_place:
        answer = render(request, "players/reveal_form.html", context)
        answer["HX-Retarget"], answer["HX-Reswap"] = f"#personal-{wanted.value}", "innerHTML"
        return answer
    return page.render(request, "players/reveal.html", f"Reveal: {wanted.label.lower()}", context, player_id)

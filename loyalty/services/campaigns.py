"""Campaigns: points are multiplied for a time. Begun, nothing of one changes, but that it may end earlier.

What begins or ends does so ``LEAD`` after it was said, so that it is known before the first bet that it counts for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from events.audit import record
from events.catalogue.loyalty import CampaignChanged
from events.services.log import publish
from kernel.access import require
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.pan import refuse_pans
from loyalty.models import Campaign, Programme
from loyalty.selectors_programme import campaign_details
from loyalty.services.programmes import LEAD
from loyalty.types import CampaignDetails
from wallet.types import GameCategory

WRITE = "loyalty.write_campaigns"


class UnknownCampaign(NotFound):
    """There is no such campaign."""


class CampaignExists(DomainError):
    """Another campaign has this code: give a new one a code of its own."""

    code = "campaign_exists"
    title = "There is another campaign of this code"
    status = 409


class CampaignOver(DomainError):
    """The campaign ends by itself before it could be ended."""

    code = "campaign_over"
    title = "The campaign is over"
    status = 409


def make_campaign(
    *,
    code: str,
    name: str,
    factor: Decimal,
    stacks: bool = False,
    programmes: Sequence[str] = (),
    categories: Sequence[str] = (),
    games: Sequence[str] = (),
    labels: Mapping[str, Sequence[str]] | None = None,
    active_from: datetime,
    active_until: datetime,
    actor: Actor,
    at: datetime,
) -> CampaignDetails:
    """Multiply points of bets from ``active_from`` up to ``active_until``; the same again gives the same campaign.

    Publishes CampaignChanged. Raises: AccessDenied, FieldErrors, CampaignExists.
    """
    _need(actor, at)
    refuse_pans(code=code, name=name)
    said = Campaign(
        code=code,
        name=name.strip(),
        factor=factor,
        stacks=stacks,
        programmes=sorted(programmes),
        categories=sorted(categories),
        games=sorted(games),
        labels={label: sorted(values) for label, values in sorted((labels or {}).items())},
        active_from=active_from,
        active_until=active_until,
        created_by=str(actor),
        created_at=at,
    )
    if errors := _errors_of(said):
        raise FieldErrors(errors)
    with transaction.atomic():
        known = Campaign.objects.filter(code=code).first()
        if known:
            if _content(known) != _content(said):
                raise CampaignExists(f"There is another campaign {code}. Give the new one a code of its own.")
            return campaign_details(known)
        if active_from < at + LEAD:
            raise FieldErrors({"active_from": [f"The earliest moment is {at + LEAD:%Y-%m-%d %H:%M:%S} UTC."]})
        _, made = Campaign.objects.get_or_create(code=code, defaults={"id": said.id} | _content(said) | _made(said))
        if not made:
            raise CampaignExists(f"Somebody made the campaign {code} in this moment. Look at it first.")
        _tell("made", said, actor, at, "")
    return campaign_details(said)


def end_campaign(
    *, code: str, active_until: datetime | None = None, reason: str, actor: Actor, at: datetime
) -> CampaignDetails:
    """Let a campaign end earlier, at ``active_until`` or as soon as it can; one to come does not begin then.

    Ended then already: stays so. Publishes CampaignChanged.
    Raises: AccessDenied, UnknownCampaign, FieldErrors, CampaignOver.
    """
    _need(actor, at)
    if not reason.strip() or len(reason) > 300:
        raise FieldErrors({"reason": ["Say why, in at most 300 characters."]})
    refuse_pans(reason=reason)
    with transaction.atomic():
        row = Campaign.objects.select_for_update().filter(code=code).first()
        if row is None:
            raise UnknownCampaign(f"There is no campaign {code}.")
        if active_until == row.active_until:
            return campaign_details(row)
        earliest = max(at + LEAD, row.active_from)
        until = earliest if active_until is None else active_until
        if earliest >= row.active_until:
            raise CampaignOver(f"It ends at {row.active_until:%Y-%m-%d %H:%M:%S} UTC; sooner is not possible.")
        if not earliest <= until < row.active_until:
            text = f"Give a moment from {earliest:%Y-%m-%d %H:%M:%S} UTC on, before the campaign's end."
            raise FieldErrors({"active_until": [text]})
        before, row.active_until = row.active_until, until
        row.save(update_fields=["active_until"])
        _tell("ended", row, actor, at, reason, {"active_until": before.isoformat()})
    return campaign_details(row)


def _errors_of(row: Campaign) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not 0 < len(row.code) <= 60 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in row.code):
        errors["code"] = ["Use 1 to 60 letters, digits, hyphens and underscores."]
    if not row.name or len(row.name) > 120:
        errors["name"] = ["Give the campaign a name of at most 120 characters."]
    if not 0 < row.factor <= 100 or row.factor != row.factor.quantize(Decimal("0.001")):
        errors["factor"] = ["Give a number above 0, at most 100, with up to three decimals."]
    if row.active_until <= row.active_from:
        errors["active_until"] = ["Let it end after it begins."]
    known = set(Programme.objects.values_list("code", flat=True))
    if unknown := sorted(set(row.programmes) - known):
        errors["programmes"] = [f"There is no programme {unknown[0]}."]
    if unknown := sorted(set(row.categories) - {category.value for category in GameCategory}):
        errors["categories"] = [f"There is no category {unknown[0]}. There are: {', '.join(GameCategory)}."]
    if any(not 0 < len(game) <= 120 for game in row.games):
        errors["games"] = ["Name games by their codes of at most 120 characters."]
    if any(not values or label.count(".") != 1 for label, values in row.labels.items()):
        errors["labels"] = ['Give each label as "namespace.key" one or more values.']
    return errors


def _content(row: Campaign) -> dict[str, object]:
    """What of a campaign never changes."""
    names = ("name", "factor", "stacks", "programmes", "categories", "games", "labels", "active_from")
    return {name: getattr(row, name) for name in names}


def _made(row: Campaign) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("active_until", "created_by", "created_at")}


def _need(actor: Actor, at: datetime) -> None:
    if actor.kind is not ActorKind.CLIENT:  # a client's scope was asked for at the border
        require(actor, WRITE, None, at)


def _tell(
    change: str, row: Campaign, actor: Actor, at: datetime, reason: str, before: dict[str, str] | None = None
) -> None:
    record(
        action="loyalty.make_campaign" if change == "made" else "loyalty.end_campaign",
        actor=actor,
        at=at,
        object_type="loyalty.campaign",
        object_id=row.code,
        reason=reason.strip(),
        before=before,
        after={
            "factor": f"{row.factor.normalize():f}",
            "active_from": row.active_from.isoformat(),
            "active_until": row.active_until.isoformat(),
        },
    )
    publish(
        CampaignChanged(
            player_id=None,
            occurred_at=at,
            campaign=row.code,
            change=change,
            factor=row.factor,
            active_from=row.active_from,
            active_until=row.active_until,
            actor=str(actor),
        )
    )

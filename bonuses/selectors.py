"""What others may read of bonuses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_FLOOR
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from bonuses.models import Grant, Offer, OfferVersion, Progress, WageringEntry
from bonuses.types import (
    GrantDetails,
    GrantState,
    OfferDetails,
    OfferState,
    VersionDetails,
    VersionState,
    Wagering,
)
from bonuses.types_offer import OfferRule
from kernel.errors import NotFound
from kernel.money import Money


class UnknownOffer(NotFound):
    """There is no offer of that code."""


class UnknownGrant(NotFound):
    """There is no such bonus."""


class UnknownVersion(NotFound):
    """There is no such version."""


def read_rule(version: OfferVersion) -> OfferRule:
    """The rule of a version."""
    return msgspec.convert(version.rule, OfferRule, strict=False)


def get_offer(code: str) -> OfferDetails:
    """Raises: UnknownOffer."""
    row = Offer.objects.select_related("live").filter(code=code).first()
    if row is None:
        raise UnknownOffer(f"There is no offer {code!r:.80}.")
    return _offer(row)


def list_offers(*, state: OfferState | None = None) -> list[OfferDetails]:
    """All offers by code."""
    rows = Offer.objects.select_related("live").order_by("code")
    return [_offer(row) for row in (rows.filter(state=state) if state else rows)]


def list_live(trigger: str, at: datetime) -> list[OfferDetails]:
    """Live offers with this kind of trigger, that were so when something happened ``at`` a moment."""
    rows = Offer.objects.select_related("live").filter(
        state=OfferState.LIVE, live__rule__trigger__kind=trigger, live_since__lte=at
    )
    return [_offer(row) for row in rows.order_by("code")]


def get_version(version_id: UUID) -> VersionDetails:
    """Raises: UnknownVersion."""
    row = OfferVersion.objects.select_related("offer").filter(id=version_id).first()
    if row is None:
        raise UnknownVersion("There is no such version of an offer.")
    return version_details(row, row.offer.code)


def list_versions(code: str) -> list[VersionDetails]:
    """Newest first. Raises: UnknownOffer."""
    offer = get_offer(code)
    return [version_details(row, code) for row in OfferVersion.objects.filter(offer_id=offer.id).order_by("-number")]


def get_grant(grant_id: UUID) -> GrantDetails:
    """Raises: UnknownGrant."""
    row = _grants().filter(id=grant_id).first()
    if row is None:
        raise UnknownGrant("There is no such bonus.")
    return grant_details([row])[0]


def list_grants(
    player_id: UUID, *, open_only: bool = False, before: UUID | None = None, limit: int = 50
) -> list[GrantDetails]:
    """A player's bonuses, newest first."""
    rows = _grants().filter(player_id=player_id)
    if open_only:
        rows = rows.filter(state__in=[GrantState.OFFERED, GrantState.QUEUED, GrantState.ACTIVE])
    if before:
        rows = rows.filter(id__lt=before)
    return grant_details(list(rows.order_by("-id")[:limit]))


def list_entries(grant_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[WageringEntry]:
    """What bets counted for a bonus, newest first."""
    rows = WageringEntry.objects.filter(grant_id=grant_id)
    if before:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[:limit])


def _grants() -> QuerySet[Grant]:
    return Grant.objects.select_related("offer", "version")


def grant_details(rows: Iterable[Grant]) -> list[GrantDetails]:
    """With how far they are wagered, read in one query."""
    rows = list(rows)
    progress = Progress.objects.in_bulk([row.id for row in rows if row.wagers])
    return [_grant(row, progress.get(row.id)) for row in rows]


def _grant(row: Grant, progress: Progress | None) -> GrantDetails:
    def money(minor: int) -> Money:
        return Money(minor, row.currency)

    wagering = None
    if row.wagers:
        wagering = Wagering(
            money(row.to_wager_minor if progress is None else int(progress.required.to_integral_value(ROUND_FLOOR))),
            money(0 if progress is None else int(progress.wagered.to_integral_value(ROUND_FLOOR))),
            0 if progress is None else progress.breaches,
        )
    return GrantDetails(
        id=row.id,
        player_id=row.player_id,
        offer=row.offer.code,
        offer_name=row.offer.name,
        version=row.version.number,
        state=GrantState(row.state),
        occasion=row.occasion,
        kind=row.kind,
        amount=money(row.amount_minor),
        spins=row.spins,
        purse_id=row.purse_id,
        spins_purse_id=row.spins_purse_id,
        wagering=wagering,
        granted_at=row.granted_at,
        claim_until=row.claim_until,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        outcome=None if row.outcome_minor is None else money(row.outcome_minor),
        rule=read_rule(row.version),
    )


def _offer(row: Offer) -> OfferDetails:
    return OfferDetails(
        id=row.id,
        code=row.code,
        name=row.name,
        state=OfferState(row.state),
        live=version_details(row.live, row.code) if row.live else None,
    )


def version_details(row: OfferVersion, offer: str) -> VersionDetails:
    return VersionDetails(
        id=row.id,
        offer=offer,
        number=row.number,
        state=VersionState(row.state),
        rule=read_rule(row),
        digest=bytes(row.digest).hex(),
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
        released_at=row.released_at,
        simulation=row.simulation,
    )

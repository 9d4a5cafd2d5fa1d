"""Which pack holds for whom, and when."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from compliance.models_packs import PackActivation
from compliance.pack_files import load_packs
from compliance.pack_schema import SCHEMA
from compliance.rules_packs import Book
from compliance.types_packs import DEFAULT, ActivationDetails, EffectivePack
from kernel.packs import from_json
from players.selectors import get_residence


def get_pack(*, country: str, region: str = "", at: datetime) -> EffectivePack:
    """What holds for people who live in ``country`` (ISO 3166-1) and ``region`` (the part after the dash of ISO 3166-2).

    One small query looks whether anything was activated since; the rest is in memory.
    """
    return get_book().get(country, region, at)


def get_pack_of(player_id: UUID, at: datetime) -> EffectivePack:
    """Raises: UnknownPlayer."""
    country, region = get_residence(player_id)
    return get_pack(country=country, region=region, at=at)


def get_book() -> Book:
    """Everything that was activated."""
    return _book(frozenset(PackActivation.objects.values_list("id", flat=True)))


@lru_cache(maxsize=4)
def _book(activations: frozenset[UUID]) -> Book:
    """Rows never change, so their ids tell what they say."""
    rows = PackActivation.objects.filter(id__in=activations).order_by("id")
    entries = [(row.in_force_from, from_json(row.content, SCHEMA)) for row in rows]
    return Book(entries, load_packs().get(DEFAULT, ()))


def list_activations(pack_id: str = "") -> list[ActivationDetails]:
    """Newest first."""
    rows = PackActivation.objects.order_by("-id")
    return [details(row) for row in (rows.filter(pack=pack_id) if pack_id else rows)]


def details(row: PackActivation) -> ActivationDetails:
    return ActivationDetails(
        id=row.id,
        pack_id=row.pack,
        version=row.version,
        digest=row.digest,
        signed_off=row.signed_off,
        in_force_from=row.in_force_from,
        activated_at=row.activated_at,
        activated_by=row.activated_by,
        requested_by=row.requested_by,
    )

"""Offers as files: exported, compared, promoted to another system, rolled back. An offer's ``code`` is its stable name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from bonuses.selectors import UnknownOffer, get_offer, list_offers, list_versions
from bonuses.services.offers import ask_for_release, flatten, parse_rule, write_version
from bonuses.types import OfferState, VersionDetails
from bonuses.types_offer import OfferRule
from kernel.actors import Actor
from kernel.errors import FieldErrors, NotFound

MAX_FILE_BYTES = 200_000


class UnknownVersionNumber(NotFound):
    """The offer has no version of this number."""


@dataclass(frozen=True, slots=True)
class OfferFile:
    """What a file says: an offer's code, name and whole rule."""

    code: str
    name: str
    rule: OfferRule


@dataclass(frozen=True, slots=True)
class Change:
    """One value of an offer that a file would change: from what is in force here ("" where there is none)."""

    code: str
    path: str
    before: str
    after: str


def export_offers(*, folder: Path) -> list[Path]:
    """Write each offer with a version in force to ``<code>.json``; which files. The same offer gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for offer in list_offers():
        if offer.live and offer.state is not OfferState.STOPPED:
            path = folder / f"{offer.code}.json"
            path.write_text(encode_file(OfferFile(offer.code, offer.name, offer.rule)))
            written.append(path)
    return written


def encode_file(offer: OfferFile) -> str:
    """As a file has it, for people and their version control."""
    content = {"code": offer.code, "name": offer.name, "rule": msgspec.to_builtins(offer.rule)}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_file(*, path: Path) -> OfferFile:
    """Raises: FieldErrors naming the file and the field."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FieldErrors({path.name: [f"A file of an offer has at most {MAX_FILE_BYTES:,} bytes."]})
        content: Any = json.loads(path.read_bytes())
        if not isinstance(content, dict) or content.keys() != {"code", "name", "rule"}:
            raise FieldErrors({path.name: ["Write one JSON object with code, name and rule."]})
        if not isinstance(content["code"], str) or not isinstance(content["name"], str):
            raise FieldErrors({path.name: ["code and name are texts."]})
        return OfferFile(content["code"], content["name"], parse_rule(json.dumps(content["rule"])))
    except (ValueError, RecursionError, OSError) as error:
        raise FieldErrors({path.name: [f"The file cannot be read: {error}."]}) from None
    except FieldErrors as error:
        raise error if path.name in error.errors else error.within(path.name) from None


def diff_files(*, files: list[OfferFile]) -> list[Change]:
    """What the files would change of what is in force here."""
    changes = []
    for file in files:
        try:
            offer = get_offer(file.code)
            here = dict(flatten(msgspec.to_builtins(offer.rule))) if offer.live else {}
            here["name"] = offer.name
        except UnknownOffer:
            here = {}
        there = dict(flatten(msgspec.to_builtins(file.rule))) | {"name": file.name}
        for path in sorted({*here, *there}):
            before, after = str(here.get(path, "")), str(there.get(path, ""))
            if before != after:
                changes.append(Change(file.code, path, before, after))
    return changes


def apply_files(*, files: list[OfferFile], comment: str, actor: Actor, at: datetime) -> list[VersionDetails]:
    """Write what differs as new versions, and ask for their release: a second person lets them out. Which versions.

    Raises: AccessDenied, FieldErrors, OfferStopped.
    """
    written = []
    for file in files:
        if diff_files(files=[file]):
            version = write_version(code=file.code, name=file.name, rule=file.rule, note=comment, actor=actor, at=at)
            ask_for_release(
                version_id=version.id,
                comment=comment,
                idempotency_key=f"file:{version.digest}:{at.isoformat()}",
                actor=actor,
                at=at,
            )
            written.append(version)
    return written


def roll_back(*, code: str, number: int, comment: str, actor: Actor, at: datetime) -> VersionDetails:
    """Write the rule of an older version as the newest, and ask for its release.

    Raises: AccessDenied, UnknownOffer, UnknownVersionNumber, FieldErrors, OfferStopped, NotReleasable.
    """
    offer = get_offer(code)
    older = next((version for version in list_versions(code) if version.number == number), None)
    if older is None:
        raise UnknownVersionNumber(f"{code} has no version {number}.")
    return apply_files(files=[OfferFile(code, offer.name, older.rule)], comment=comment, actor=actor, at=at)[0]

"""Offers: written as versions, released by two people, paused and stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Max

from bonuses import rules, rules_terms
from bonuses.models import Offer, OfferVersion
from bonuses.selectors import get_offer, get_version, read_rule, version_details
from bonuses.services.eligibility import facts_of
from bonuses.services.rights import need
from bonuses.types import OfferDetails, OfferState, VersionDetails, VersionState
from bonuses.types_offer import OfferRule, decode_rule, encode_rule
from compliance.selectors_gate import list_objections
from compliance.selectors_packs import list_versions as list_packs
from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from events.audit import record
from events.catalogue.bonuses import OfferChanged
from events.services.log import publish
from kernel.actors import Actor, system
from kernel.errors import DomainError, FieldErrors
from kernel.pan import refuse_pans

WRITE, RELEASE, STOP = "bonuses.write_offers", "bonuses.release_offers", "bonuses.stop_offers"
RELEASE_KIND = "bonuses.release"


class OfferStopped(DomainError):
    """The offer was stopped for good: make another one."""

    code = "offer_stopped"
    title = "The offer was stopped"
    status = 409


class OfferMoved(DomainError):
    """Somebody else has written a version meanwhile: look at it first."""

    code = "offer_moved"
    title = "There is a newer version"
    status = 409


class NotReleasable(DomainError):
    """The version is released already, waits for the second person, or another one was released meanwhile."""

    code = "not_releasable"
    title = "This version cannot be released"
    status = 409


def parse_rule(content: bytes | str) -> OfferRule:
    """A rule from JSON, checked. Raises: FieldErrors naming each wrong field."""
    try:
        rule = decode_rule(content)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `")
        raise FieldErrors({path.rstrip("`").removeprefix("$").strip(".") or "rule": [f"{text}."]}) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise FieldErrors({"rule": ["Write the rule as one JSON object in UTF-8."]}) from None
    if errors := rules.errors_of(rule):
        raise FieldErrors(errors)
    return rule


def write_version(
    *, code: str, name: str, rule: OfferRule, note: str = "", after: int | None = None, actor: Actor, at: datetime
) -> VersionDetails:
    """Keep a rule as the newest version of the offer ``code``, which is made when there is none; not in force yet.

    ``after`` is the newest version that its writer has seen (0: none): another one is not written over unseen. The same
    rule as the newest version's gives that version again. Raises: AccessDenied, FieldErrors, OfferStopped, OfferMoved.
    """
    need(actor, WRITE, None, at)
    refuse_pans(name=name, note=note)
    if errors := rules.errors_of(rule):
        raise FieldErrors(errors)
    if forbidden := list_objections_to(rule=rule, residences=rule.eligibility.jurisdictions, at=at):
        raise FieldErrors({"eligibility.jurisdictions": [f"{place}: {text}" for place, text in forbidden]})
    if not name.strip() or len(name) > 120:
        raise FieldErrors({"name": ["Give the offer a name of at most 120 characters."]})
    if not code or len(code) > 60 or not all(char.isascii() and (char.isalnum() or char in "-_") for char in code):
        raise FieldErrors({"code": ["Use 1 to 60 letters, digits, hyphens and underscores."]})
    content = encode_rule(rule)
    digest = hashlib.sha256(content).digest()
    with transaction.atomic():
        Offer.objects.get_or_create(code=code, defaults={"name": name.strip(), "created_at": at})
        offer = Offer.objects.select_for_update().get(code=code)
        if offer.state == OfferState.STOPPED:
            raise OfferStopped("It was stopped for good. Make a new offer with another code.")
        newest = offer.versions.order_by("-number").first()
        if after is not None and after != (newest.number if newest else 0):
            raise OfferMoved("Somebody else has written a version meanwhile: look at it first.")
        if offer.name != name.strip():
            offer.name = name.strip()
            offer.save(update_fields=["name"])
        if newest and bytes(newest.digest) == digest:
            return version_details(newest, offer.code)
        number = (offer.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        row = OfferVersion.objects.create(
            offer=offer,
            number=number,
            rule=msgspec.to_builtins(rule, str_keys=True),
            digest=digest,
            note=note.strip()[:300],
            created_by=str(actor),
            created_at=at,
        )
        _record("bonuses.write_offer", offer, actor, at, after={"version": str(number)}, reason=note.strip())
    return version_details(row, offer.code)


def list_objections_to(*, rule: OfferRule, residences: Sequence[str], at: datetime) -> list[tuple[str, str]]:
    """What packs have against the offer, where: ("GB", "No more than 10 times …"). Such players never get it."""
    found: dict[tuple[str, str], None] = {}
    for place in residences:
        for currency in sorted(rule.currencies):
            facts = facts_of(rule, rules.most_worth(rule, currency))
            for reason in list_objections(residence=place, offer=facts, at=at):
                found[place, reason.text] = None
    return list(found)


def list_objections_everywhere(*, rule: OfferRule, at: datetime) -> list[tuple[str, str]]:
    """The same for all places that the offer is made in: those that it names, else those that have a pack."""
    places = rule.eligibility.jurisdictions or sorted(set(list_packs(at)) - {"default", "house"})
    return list_objections_to(rule=rule, residences=places, at=at)


def ask_for_release(*, version_id: UUID, comment: str, idempotency_key: str, actor: Actor, at: datetime) -> UUID:
    """Ask the second person to put a version in force; the approval's id.

    What is shown and bound by the approval is the terms in words, and the rule against the version in force.
    Raises: AccessDenied, NotFound, NotReleasable, FieldErrors.
    """
    with transaction.atomic():
        row = (
            OfferVersion.objects.select_for_update(of=("self",))
            .select_related("offer__live")
            .filter(id=version_id)
            .first()
        )
        if row is None:
            get_version(version_id)  # says that it is not there
            raise AssertionError
        if row.state == VersionState.RELEASED or row.offer.state == OfferState.STOPPED:
            raise NotReleasable("It is released already, or the offer was stopped.")
        live = row.offer.live
        approval = request_approval(
            kind=RELEASE_KIND,
            player_id=None,
            subject=f"{row.offer.name}, version {row.number}",
            content={"version_id": str(row.id), "offer": row.offer.code, "replaces": live.number if live else 0},
            before=_shown(read_rule(live)) if live else {},
            after=_shown(read_rule(row)),
            comment=comment,
            idempotency_key=idempotency_key,
            actor=actor,
            at=at,
        )
        row.state, row.approval_id = VersionState.WAITING, approval.id
        row.save(update_fields=["state", "approval_id"])
    return approval.id


class ReleaseApproval:
    """How an approved version comes into force; registered at start-up."""

    kind = RELEASE_KIND
    title = "Release of a bonus offer"
    request_permission = WRITE
    decide_permission = RELEASE
    expires_after = timedelta(days=14)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        version = get_version(UUID(approval.content["version_id"]))
        offer = get_offer(approval.content["offer"])
        lines = [f"From now on, {offer.name} is granted by version {version.number}."]
        if offer.live:
            lines.append(f"What was granted under version {offer.live.number} keeps its terms.")
        if offer.state is OfferState.PAUSED:
            lines.append("The offer is paused, and stays so until somebody resumes it.")
        lines += [
            f"Players in {place} will not get it: {text}"
            for place, text in list_objections_everywhere(rule=version.rule, at=at)
        ]
        if version.simulation is None:
            lines.append("Nobody has simulated this version: what it will cost is not estimated.")
        return lines

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        row = OfferVersion.objects.select_related("offer").get(id=approval.content["version_id"])
        offer = Offer.objects.select_for_update(of=("self",)).select_related("live").get(id=row.offer_id)
        if (offer.live.number if offer.live else 0) != approval.content[
            "replaces"
        ] or offer.state == OfferState.STOPPED:
            raise NotReleasable("Another version was released meanwhile, or the offer was stopped. Ask anew.")
        _release(offer, row, actor, at)
        return str(row.id)

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Back to being a draft, which may be asked for again."""
        OfferVersion.objects.filter(approval_id=approval.id, state=VersionState.WAITING).update(
            state=VersionState.DRAFT, approval_id=None
        )


def ensure_offer(*, code: str, name: str, rule: OfferRule, at: datetime) -> None:
    """An offer in force for a set-up by program (a demo, a test system); one that is there stays as it is."""
    actor = system("set-up")
    version = (
        None
        if Offer.objects.filter(code=code).exists()
        else write_version(code=code, name=name, rule=rule, note="Set up", actor=actor, at=at)
    )
    if version:
        with transaction.atomic():
            _release(Offer.objects.get(code=code), OfferVersion.objects.get(id=version.id), actor, at)


def pause_offer(*, code: str, reason: str, actor: Actor, at: datetime) -> OfferDetails:
    """Grant nothing of it until it is resumed: the kill switch. What was granted goes on. Paused already: stays so.

    Raises: AccessDenied, NotFound, FieldErrors, OfferStopped.
    """
    return _move(code, OfferState.LIVE, OfferState.PAUSED, "paused", reason, actor, at)


def resume_offer(*, code: str, reason: str, actor: Actor, at: datetime) -> OfferDetails:
    """Grant it again. Raises: AccessDenied, NotFound, FieldErrors, OfferStopped."""
    return _move(code, OfferState.PAUSED, OfferState.LIVE, "resumed", reason, actor, at)


def stop_offer(*, code: str, reason: str, actor: Actor, at: datetime) -> OfferDetails:
    """End it for good. What was granted goes on. Raises: AccessDenied, NotFound, FieldErrors."""
    return _move(code, None, OfferState.STOPPED, "stopped", reason, actor, at)


def _release(offer: Offer, row: OfferVersion, actor: Actor, at: datetime) -> None:
    row.state, row.released_at = VersionState.RELEASED, at
    row.save(update_fields=["state", "released_at"])
    offer.live, offer.live_since = row, offer.live_since or at
    if offer.state == OfferState.DRAFT:
        offer.state = OfferState.LIVE
    offer.save(update_fields=["live", "live_since", "state"])
    _told(offer, "released", actor, at)


def _move(
    code: str, from_: OfferState | None, to: OfferState, change: str, reason: str, actor: Actor, at: datetime
) -> OfferDetails:
    need(actor, STOP, None, at)
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    refuse_pans(reason=reason)
    with transaction.atomic():
        get_offer(code)
        offer = Offer.objects.select_for_update(of=("self",)).select_related("live").get(code=code)
        if offer.state == to:
            return get_offer(code)
        if offer.state == OfferState.STOPPED:
            raise OfferStopped("It was stopped for good. Make a new offer with another code.")
        if from_ is not None and offer.state != from_:
            raise NotReleasable(f"The offer is {offer.state}.")
        before, offer.state = offer.state, to
        offer.save(update_fields=["state"])
        _record(
            f"bonuses.{change}_offer", offer, actor, at, before={"state": before}, after={"state": to}, reason=reason
        )
        _told(offer, change, actor, at)
    return get_offer(code)


def _told(offer: Offer, change: str, actor: Actor, at: datetime) -> None:
    version = offer.live.number if offer.live else None
    publish(
        OfferChanged(player_id=None, occurred_at=at, offer=offer.code, change=change, version=version, actor=str(actor))
    )


def _record(action: str, offer: Offer, actor: Actor, at: datetime, **more: Any) -> None:
    record(action=action, actor=actor, at=at, object_type="bonuses.offer", object_id=offer.code, **more)


def _shown(rule: OfferRule) -> dict[str, Any]:
    """What the second person reads: the sentences, and the rule itself."""
    return {
        "terms": rules_terms.describe(rule, "en"),
        **{name: str(value) for name, value in flatten(msgspec.to_builtins(rule))},
    }


def flatten(value: Any, at: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested values by their paths: ("award.cap.EUR", "100.00")."""
    if isinstance(value, dict) and value:
        return [leaf for key in sorted(value) for leaf in flatten(value[key], f"{at}.{key}" if at else str(key))]
    if isinstance(value, list) and value and not isinstance(value[0], (dict, list)):
        return [(at, ", ".join(map(str, value)))]
    return [(at, value)] if value not in ({}, []) else []

"""Programmes: written as versions, looked at before, released by two people for a moment to come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Max

from bonuses.selectors import UnknownOffer, get_offer
from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from events.audit import record
from events.catalogue.loyalty import ProgrammeChanged
from events.services.log import publish
from kernel.access import require
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError, FieldErrors
from kernel.pan import refuse_pans
from loyalty import rules, rules_words
from loyalty.models import Programme, ProgrammeVersion
from loyalty.selectors_preview import preview
from loyalty.selectors_programme import (
    Programmes,
    find_rule,
    get_version,
    read_rule,
    version_details,
)
from loyalty.types import ProgrammeVersionDetails, VersionState
from loyalty.types_programme import ProgrammeRule, decode_programme, encode_programme

WRITE, RELEASE = "loyalty.write_programmes", "loyalty.release_programmes"
RELEASE_KIND = "loyalty.release"
# What a version may be released before it is in force: bets of that moment are counted by then, so that the log gives the same.
LEAD = timedelta(minutes=10)


class NotReleasable(DomainError):
    """The version is released already, its moment has passed, or another one was released for the same moment."""

    code = "not_releasable"
    title = "This version cannot be released"
    status = 409


def parse_programme(content: bytes | str) -> ProgrammeRule:
    """A rule from JSON, checked. Raises: FieldErrors naming each wrong field."""
    try:
        rule = decode_programme(content)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `")
        raise FieldErrors({path.rstrip("`").removeprefix("$").strip(".") or "rule": [f"{text}."]}) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise FieldErrors({"rule": ["Write the rule as one JSON object in UTF-8."]}) from None
    if errors := rules.errors_of(rule):
        raise FieldErrors(errors)
    return rule


def write_version(
    *, code: str, name: str, rule: ProgrammeRule, note: str = "", actor: Actor, at: datetime
) -> ProgrammeVersionDetails:
    """Keep a rule as the newest version of the programme ``code``, which is made when there is none; not in force yet.

    The same rule as the newest version's gives that version again. Raises: AccessDenied, FieldErrors.
    """
    _need(actor, WRITE, at)
    refuse_pans(name=name, note=note)
    _check(code, name, rule, at)
    digest = hashlib.sha256(encode_programme(rule)).digest()
    with transaction.atomic():
        Programme.objects.get_or_create(code=code, defaults={"name": name.strip(), "created_at": at})
        programme = Programme.objects.select_for_update().get(code=code)
        if programme.name != name.strip():
            programme.name = name.strip()
            programme.save(update_fields=["name"])
        newest = programme.versions.order_by("-number").first()
        if newest and read_rule(newest) == rule:
            return version_details(newest)
        number = (programme.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        row = ProgrammeVersion.objects.create(
            programme=programme,
            number=number,
            rule=msgspec.to_builtins(rule, str_keys=True),
            digest=digest,
            state=VersionState.DRAFT,
            note=note.strip()[:300],
            created_by=str(actor),
            created_at=at,
        )
        _record("loyalty.write_programme", row, actor, at, {"version": str(number)}, reason=note)
    return version_details(row)


def ask_for_release(
    *, version_id: UUID, active_from: datetime, comment: str, idempotency_key: str, actor: Actor, at: datetime
) -> UUID:
    """Ask the second person to put a version in force from ``active_from`` on; the approval's id.

    What is shown and bound by the approval is the rule in words, and each value against the rule in force.
    Raises: AccessDenied, UnknownProgrammeVersion, FieldErrors, NotReleasable.
    """
    version = get_version(version_id)
    if active_from < at + LEAD:
        raise FieldErrors({"active_from": [f"Name a moment at least {LEAD.seconds // 60} minutes ahead."]})
    with transaction.atomic():
        row = ProgrammeVersion.objects.select_for_update().get(id=version_id)
        if row.state == VersionState.RELEASED:
            raise NotReleasable("It is released already.")
        _check_markets(version.programme, version.rule, at)
        before = find_rule(version.programme, at)
        approval = request_approval(
            kind=RELEASE_KIND,
            player_id=None,
            subject=f"{row.programme.name}, version {row.number}",
            content={"version_id": str(row.id), "active_from": active_from.isoformat()},
            before=_shown(before) if before else {},
            after=_shown(version.rule) | {"in force from": f"{active_from:%Y-%m-%d %H:%M} UTC"},
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
    title = "Release of a loyalty programme"
    request_permission = WRITE
    decide_permission = RELEASE
    expires_after = timedelta(days=14)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        version = get_version(UUID(approval.content["version_id"]))
        moves = preview(programme=version.programme, rule=version.rule, at=at)
        up, down = moves.up, moves.may_fall
        return [
            f"In force from {approval.content['active_from'][:16].replace('T', ' ')} UTC on.",
            f"{up:,} players rise to another level with the first review after that.",
            f"{down:,} players stand below what keeps their level by then: reviews take it, one level at a time.",
            "What was earned before stays as it is.",
        ]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        active_from = datetime.fromisoformat(approval.content["active_from"])
        row = ProgrammeVersion.objects.select_for_update().get(id=approval.content["version_id"])
        if active_from < at + LEAD:
            raise NotReleasable("Its moment is too near, or has passed. Ask anew for a later one.")
        _check(row.programme_id, row.programme.name, read_rule(row), at)  # others may have been released since
        _check_markets(row.programme_id, read_rule(row), at)
        _release(row, active_from, actor, at)
        return str(row.id)

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Back to being a draft, which may be asked for again."""
        ProgrammeVersion.objects.filter(approval_id=approval.id, state=VersionState.WAITING).update(
            state=VersionState.DRAFT, approval_id=None
        )


def ensure_items(*, items: Sequence[dict[str, Any]], at: datetime) -> None:
    """The standard programme with these items, for a set-up by program (a demo); one that has any stays as it is."""
    row = ProgrammeVersion.objects.filter(programme_id="standard").order_by("-number")[0]
    if read_rule(row).items:
        return
    actor = system("set-up")
    rule = parse_programme(msgspec.json.encode(row.rule | {"items": list(items)}))
    version = write_version(code="standard", name=row.programme.name, rule=rule, note="Set up", actor=actor, at=at)
    with transaction.atomic():
        _release(ProgrammeVersion.objects.get(id=version.id), at, actor, at)


def _release(row: ProgrammeVersion, active_from: datetime, actor: Actor, at: datetime) -> None:
    later = ProgrammeVersion.objects.filter(
        programme_id=row.programme_id, state=VersionState.RELEASED, active_from__gte=active_from
    )
    if later.exists():
        raise NotReleasable("Another version is to come at that moment or later: name one after it.")
    before = find_rule(row.programme_id, at)
    row.state, row.released_at, row.active_from = VersionState.RELEASED, at, active_from
    row.save(update_fields=["state", "released_at", "active_from"])
    changed = rules_words.differences(before, read_rule(row))
    old, new = ({path: values[side] for path, values in changed} for side in (0, 1))
    _record("loyalty.release_programme", row, actor, at, new, before=old)
    publish(
        ProgrammeChanged(
            player_id=None,
            occurred_at=at,
            programme=row.programme_id,
            version=row.number,
            active_from=active_from,
            actor=str(actor),
        )
    )


def _check(code: str, name: str, rule: ProgrammeRule, at: datetime) -> None:
    errors = rules.errors_of(rule)
    if not 0 < len(code) <= 40 or not all(c.isascii() and (c.islower() or c.isdigit() or c in "-_") for c in code):
        errors["code"] = ["Use 1 to 40 small letters, digits, hyphens and underscores."]
    if not name.strip() or len(name) > 120:
        errors["name"] = ["Give the programme a name of at most 120 characters."]
    newest = ProgrammeVersion.objects.filter(programme_id=code, state=VersionState.RELEASED).order_by("-active_from")
    if newest:
        kept = [level.code for level in read_rule(newest[0]).levels]
        codes = [level.code for level in rule.levels]
        if [level for level in codes if level in kept] != kept:
            errors["levels"] = [f"Players stand on these levels: keep them in their order ({', '.join(kept)})."]
    for number, item in enumerate(rule.items):
        try:
            get_offer(item.offer)
        except UnknownOffer:
            errors[f"items.{number}.offer"] = ["There is no such bonus offer."]
    if code == "standard" and rule.markets:
        errors["markets"] = ["The standard programme is for everybody whom no other one names: leave them out."]
    if code != "standard" and not rule.markets:
        errors["markets"] = ["Name where it is for, such as DE or CA-ON."]
    if errors:
        raise FieldErrors(errors)


def _check_markets(code: str, rule: ProgrammeRule, at: datetime) -> None:
    """No place belongs to two programmes, in force or to come. Raises: FieldErrors."""
    for other, versions in Programmes.load().versions.items():
        coming = [later for active_from, later in versions if active_from > at]
        in_force = [found] if (found := find_rule(other, at)) else []
        for known in [*in_force, *coming]:
            if other != code and (both := sorted(set(known.markets) & set(rule.markets))):
                raise FieldErrors({"markets": [f"{', '.join(both)} belongs to the programme {other}."]})


def _shown(rule: ProgrammeRule) -> dict[str, str]:
    """What the second person reads: the sentences, and each value."""
    return {"in words": " ".join(rules_words.describe(rule)), **dict(rules_words.flatten(rule))}


def _need(actor: Actor, permission: str, at: datetime) -> None:
    if actor.kind is not ActorKind.CLIENT:  # a client's scope was asked for at the border
        require(actor, permission, None, at)


def _record(
    action: str,
    row: ProgrammeVersion,
    actor: Actor,
    at: datetime,
    after: dict[str, str],
    *,
    reason: str = "",
    before: dict[str, str] | None = None,
) -> None:
    record(
        action=action,
        actor=actor,
        at=at,
        object_type="loyalty.programme",
        object_id=row.programme_id,
        reason=reason.strip(),
        before=before,
        after=after,
    )

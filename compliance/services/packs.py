"""Packs put in force: one person asks, and signs what nobody has seen a source for; another activates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from compliance.models_packs import PackActivation
from compliance.pack_files import get_file, load_packs
from compliance.rules_packs import check_house, in_force_from, list_changes, list_loosened, show
from compliance.selectors_packs import PACKS_LOCK, details, get_book
from compliance.services.approvals import approve, request_approval
from compliance.services.play_gate import forget
from compliance.types import ApprovalDetails
from compliance.types_packs import DEFAULT, HOUSE, ActivationDetails
from events.audit import record
from events.catalogue.compliance import PackActivated
from events.services.log import publish
from kernel.actors import Actor
from kernel.db import fetch_one
from kernel.errors import DomainError, FieldErrors
from kernel.packs import PackFile, to_json

KIND = "compliance.pack"
ACTIVATE, APPROVE = "compliance.activate_pack", "compliance.approve_pack"
SIGNED_AT_MOST = 500


class AlreadyActivated(DomainError):
    """This version is in force, or a newer one is. Write a newer version."""

    code = "pack_already_activated"
    title = "This version was activated before"
    status = 409


class FileChanged(DomainError):
    """The file is not what was read when it was asked for. Ask anew."""

    code = "pack_file_changed"
    title = "The file of this version has changed"
    status = 409


def request_activation(
    *,
    pack_id: str,
    version: date,
    signed_off: Mapping[str, str],
    comment: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> ApprovalDetails:
    """Ask for a version to be put in force, from its day on or at once if that is past. A second person decides.

    ``signed_off`` gives a reason for every value that nobody has seen a source for; the file's digest is bound.
    Raises: AccessDenied, NotFound, FieldErrors, AlreadyActivated, IdempotencyConflict.
    """
    file = get_file(pack_id, version)
    _check_new(file)
    _check_signed(file, signed_off)
    before = get_book().in_force(pack_id, at)
    changes = list_changes(before, file)
    return request_approval(
        kind=KIND,
        player_id=None,
        subject=f"Pack {pack_id} {version}",
        content={"pack": pack_id, "version": str(version), "digest": file.digest, "signed_off": dict(signed_off)},
        before={change.key: show(change.before.value) if change.before else "not said" for change in changes},
        after={change.key: show(change.after.value) if change.after else "not said" for change in changes},
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


def activate_all(*, reason: str, asking: Actor, deciding: Actor, at: datetime) -> list[ActivationDetails]:
    """Put every shipped version in force that is not yet, signing what has no seen source with ``reason``.

    For a demo and for tests: the two people are the two pairs of eyes. What is newer already is left alone.
    """
    for versions in load_packs().values():
        for file in versions:
            if file.id == DEFAULT or _find_newer(file):
                continue
            asked = request_activation(
                pack_id=file.id,
                version=file.version,
                signed_off=dict.fromkeys(file.unsourced, reason),
                comment=reason,
                idempotency_key=f"activate-all:{file.id}:{file.version}:{file.digest}",
                actor=asking,
                at=at,
            )
            approve(approval_id=asked.id, seen_digest=asked.digest, comment=reason, actor=deciding, at=at)
    return [details(row) for row in PackActivation.objects.order_by("pack", "version")]


def _check_new(file: PackFile) -> None:
    if file.id == DEFAULT:
        raise FieldErrors({"pack": ["The default pack holds wherever no other does; it is not activated."]})
    if found := _find_newer(file):
        raise AlreadyActivated(f"{found.pack} {found.version} was activated on {found.activated_at:%Y-%m-%d}.")


def _find_newer(file: PackFile) -> PackActivation | None:
    """The same version or a newer one, activated before: packs only go forward."""
    return PackActivation.objects.filter(pack=file.id, version__gte=file.version).order_by("version").first()


def _check_signed(file: PackFile, signed_off: Mapping[str, str]) -> None:
    errors = {
        key: ["Nobody has seen a source for this value: say why it may hold, and who says so."]
        for key in file.unsourced
        if not 0 < len(signed_off.get(key, "").strip()) <= SIGNED_AT_MOST
    }
    if unknown := sorted(set(signed_off) - set(file.unsourced)):
        errors["signed_off"] = [f"These need no signature: {', '.join(unknown)}."]
    if errors:
        raise FieldErrors(errors)


class PackApproval:
    """How a version that was approved is put in force."""

    kind, title = KIND, "Pack of rules"
    request_permission, decide_permission = ACTIVATE, APPROVE
    expires_after = timedelta(days=14)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        file = _file_of(approval)
        moment = in_force_from(file, at)
        when = "at once" if moment == at else f"from {moment:%Y-%m-%d %H:%M} UTC"
        sentences = [f"{file.id} {file.version} is in force {when}."]
        sentences += [f"Signed without a source: {key}: {why}" for key, why in approval.content["signed_off"].items()]
        return [*sentences, *_house_notes(file, moment)]

    @transaction.atomic
    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        fetch_one("SELECT pg_advisory_xact_lock(%s)::text", [PACKS_LOCK])
        file = _file_of(approval)
        if file.digest != approval.content["digest"]:
            raise FileChanged("Its digest is not the one that was signed. Ask for it anew.")
        _check_new(file)
        if file.id == HOUSE:
            check_house(file, load_packs())
        row = PackActivation.objects.create(
            pack=file.id,
            version=file.version,
            content=to_json(file),
            digest=file.digest,
            signed_off=approval.content["signed_off"],
            in_force_from=in_force_from(file, at),
            requested_by=approval.requested_by,
            activated_by=str(actor),
            activated_at=at,
        )
        # Bets are judged by the rows that the gate compiled: those of whom it concerns are made anew.
        forget(countries=[] if file.id == HOUSE else [code.partition("-")[0] for code in file.residence])
        publish(
            PackActivated(
                player_id=None,
                occurred_at=at,
                pack=file.id,
                version=str(file.version),
                digest=file.digest,
                in_force_from=row.in_force_from,
                activated_by=str(actor),
            )
        )
        record(
            action="compliance.activate_pack",
            actor=actor,
            at=at,
            object_type="compliance.packactivation",
            object_id=str(row.id),
            reason=approval.comment,
            after={
                "pack": file.id,
                "version": str(file.version),
                "digest": file.digest,
                **{f"signed off {key}": why for key, why in row.signed_off.items()},
            },
        )
        forget(countries=[code.partition("-")[0] for code in file.residence])  # a house policy names none: everybody
        return f"{file.id} {file.version}"

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """What is in force stays."""


def _file_of(approval: ApprovalDetails) -> PackFile:
    return get_file(approval.content["pack"], date.fromisoformat(approval.content["version"]))


def _house_notes(file: PackFile, at: datetime) -> Iterable[str]:
    """Where the house policy in force says something laxer than the version that comes: the version's words hold."""
    house = get_book().in_force(HOUSE, at)
    if house is None or file.id == HOUSE:
        return
    for key, theirs, mine in list_loosened(file, house):
        yield f"The house policy's {key} ({show(mine)}) is laxer than {show(theirs)} and has no effect here."

"""Bonus codes: made in batches that nobody can guess, imported, used once by a player, counted exactly."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from bonuses.models import Code, CodeBatch, CodeUse
from bonuses.selectors import get_grant, get_offer, read_rule
from bonuses.selectors_codes import batch_details
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import grant
from bonuses.services.rights import need
from bonuses.types import GrantDetails, Reason
from bonuses.types_codes import WAITS, BatchDetails, CodeRefused, CodeWaits, NoSuchCode
from bonuses.types_offer import AwardKind, TriggerKind
from events.audit import record
from events.services.log import holding
from kernel.actors import Actor, system
from kernel.counting import count, forgive
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money
from kernel.pan import refuse_pans

MAKE = "bonuses.make_codes"
# Without letters and digits that are taken for one another. 32 of them: five bits each.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
RANDOM_LENGTH = 12  # 60 bits: at ten guesses an hour and a million codes, one hit in ten million years
MAX_BATCH = 2_000_000
MAX_IMPORT = 200_000
CHUNK = 100_000
GUESSES, WINDOW = 10, timedelta(hours=1)
_ACTOR = system("bonuses.codes")
_NO = "This code does not work. Check it, letter by letter."


class TooManyGuesses(DomainError):
    """Wrong codes were entered too often."""

    code = "too_many_guesses"
    title = "Too many wrong codes"
    status = 429


def make_codes(
    *,
    offer: str,
    name: str,
    size: int,
    prefix: str = "",
    uses_per_code: int = 1,
    expires_at: datetime | None = None,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> BatchDetails:
    """Make ``size`` random codes; the same key gives the same batch. ``uses_per_code`` 0: any number of players.

    Raises: AccessDenied, NotFound, FieldErrors, IdempotencyConflict.
    """
    prefix = normalise(prefix)
    errors: dict[str, list[str]] = {}
    if not 1 <= size <= MAX_BATCH:
        errors["size"] = [f"From 1 to {MAX_BATCH:,} codes."]
    if len(prefix) > 20 or not set(prefix) <= _LETTERS:
        errors["prefix"] = ["At most 20 letters and digits."]

    def fill(batch: CodeBatch) -> None:
        left = size
        while left:
            left -= _write(batch, _random(min(left, CHUNK), prefix))

    return _batch(offer, name, size, uses_per_code, expires_at, idempotency_key, errors, fill, actor, at, prefix)


def import_codes(
    *,
    offer: str,
    name: str,
    codes: Iterable[str],
    uses_per_code: int = 1,
    expires_at: datetime | None = None,
    player_id: UUID | None = None,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> BatchDetails:
    """Keep codes that were made elsewhere (a printed "WELCOME"), for one player alone where ``player_id`` names them.

    All or none. Raises: AccessDenied, NotFound, FieldErrors naming the lines, IdempotencyConflict.
    """
    wanted = [normalise(code) for code in codes]
    errors: dict[str, list[str]] = {}
    wrong = [number for number, code in enumerate(wanted, 1) if not 4 <= len(code) <= 40 or not set(code) <= _LETTERS]
    if wrong:
        lines = ", ".join(map(str, wrong[:5]))
        errors["codes"] = [f"Codes have 4 to 40 letters, digits and hyphens: see line {lines}."]
    elif not 1 <= len(wanted) <= MAX_IMPORT:
        errors["codes"] = [f"From 1 to {MAX_IMPORT:,} codes."]
    elif len(set(wanted)) < len(wanted):
        errors["codes"] = ["A code stands there twice."]

    def fill(batch: CodeBatch) -> None:
        taken = list(Code.objects.filter(code__in=wanted[:MAX_IMPORT]).values_list("code", flat=True)[:5])
        if taken:
            raise FieldErrors({"codes": [f"These are taken already: {', '.join(taken)}."]})
        if _write(batch, wanted, player_id) != len(wanted):
            raise FieldErrors({"codes": ["Some were taken meanwhile; try again to see which."]})

    key = f"{len(wanted)}:{_hash_of(wanted)}"
    return _batch(offer, name, len(wanted), uses_per_code, expires_at, idempotency_key, errors, fill, actor, at, key)


def close_batch(*, batch_id: UUID, reason: str, actor: Actor, at: datetime) -> BatchDetails:
    """No code of it works any more. Closed already: stays so. Raises: AccessDenied, NoSuchCode, FieldErrors."""
    need(actor, MAKE, None, at)
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    with transaction.atomic():
        row = CodeBatch.objects.select_for_update().filter(id=batch_id).first()
        if row is None:
            raise NoSuchCode("There are no such codes.")
        if row.closed_at is None:
            row.closed_at = at
            row.save(update_fields=["closed_at"])
            _record("bonuses.close_codes", row, actor, at, reason)
    return batch_details(row)


def export_codes(*, batch_id: UUID, actor: Actor, at: datetime) -> Iterator[bytes]:
    """The codes as lines of CSV, with how often each was used; audited. Raises: AccessDenied, NoSuchCode."""
    need(actor, MAKE, None, at)
    row = CodeBatch.objects.filter(id=batch_id).first()
    if row is None:
        raise NoSuchCode("There are no such codes.")
    _record("bonuses.export_codes", row, actor, at, "")
    return _lines(batch_id)


def _lines(batch_id: UUID) -> Iterator[bytes]:
    yield b"code,uses\r\n"
    for code, uses in (
        Code.objects.filter(batch_id=batch_id).order_by("code").values_list("code", "uses").iterator(10_000)
    ):
        yield f"{code},{uses}\r\n".encode()  # letters, digits and hyphens: nothing to quote


def use_code(*, code: str, player_id: UUID, actor: Actor, at: datetime) -> GrantDetails | CodeWaits:
    """A player enters a code: the bonus, or that it waits for a deposit. The same code again gives the same answer.

    A wrong code, one that is used up and one that is somebody else's read the same, and only so many are looked at.
    Raises: TooManyGuesses, CodeRefused, NotEligible.
    """
    wanted = normalise(code)[:60]
    wanted = wanted if set(wanted) <= _LETTERS else ""  # no code at all
    guesses = f"bonus-codes:{player_id}"
    if count(guesses, int(WINDOW.total_seconds())) > GUESSES:
        raise TooManyGuesses("Too many codes did not work. Try again in an hour.")
    reasons: Sequence[Reason] = ()
    with holding(player_id):
        used = CodeUse.objects.filter(code_id=wanted, player_id=player_id).first()
        if used:
            forgive(guesses)
            return get_grant(used.grant_id) if used.grant_id else CodeWaits(wanted, used.used_at + WAITS)
        row = Code.objects.select_related("batch__offer__live").filter(code=wanted).first()
        if row is None or not _works(row, player_id, at):
            raise CodeRefused(_NO)
        forgive(guesses)
        offer = get_offer(row.batch.offer.code)
        if offer.live and offer.live.rule.award.kind is AwardKind.DEPOSIT_MATCH:
            _take(row)
            CodeUse.objects.create(code=row, player_id=player_id, used_at=at)
            return CodeWaits(wanted, at + WAITS)
        try:
            found = grant(offer=offer.code, player_id=player_id, occasion=f"code:{wanted}", actor=_ACTOR, at=at)
        except NotEligible as error:
            reasons = error.reasons  # raised below: what the gate denied is kept
        else:
            _take(row)
            CodeUse.objects.create(code=row, player_id=player_id, grant_id=found.id, used_at=at)
            return found
    raise NotEligible(reasons)


def redeem_waiting(*, player_id: UUID, deposit: Money, number: int, at: datetime) -> int:
    """A deposit came: the codes that waited for one bring their bonuses; how many. In the caller's transaction."""
    waiting = list(
        CodeUse.objects.select_related("code__batch__offer").filter(
            player_id=player_id, grant=None, used_at__gt=at - WAITS
        )
    )
    given = 0
    for use in waiting:
        try:
            found = grant(
                offer=use.code.batch.offer.code,
                player_id=player_id,
                occasion=f"code:{use.code_id}",
                base=deposit,
                actor=_ACTOR,
                at=at,
            )
        except NotEligible:
            continue  # a larger deposit may come
        CodeUse.objects.filter(id=use.id).update(grant_id=found.id)
        given += 1
    return given


def _take(row: Code) -> None:
    """One use of the code; its last one goes to one player. Raises: CodeRefused."""
    most = row.batch.uses_per_code
    if not Code.objects.filter(Q(uses__lt=most) if most else Q(), code=row.code).update(uses=F("uses") + 1):
        raise CodeRefused(_NO)


def _works(row: Code, player_id: UUID, at: datetime) -> bool:
    batch = row.batch
    live = batch.offer.live
    return (
        batch.closed_at is None
        and (live is None or read_rule(live).trigger.kind is TriggerKind.CODE)
        and (batch.expires_at is None or at < batch.expires_at)
        and row.player_id in (None, player_id)
        and (batch.uses_per_code == 0 or row.uses < batch.uses_per_code)
    )


def _batch(
    offer: str,
    name: str,
    size: int,
    uses_per_code: int,
    expires_at: datetime | None,
    key: str,
    errors: dict[str, list[str]],
    fill: Callable[[CodeBatch], None],
    actor: Actor,
    at: datetime,
    content: str,
) -> BatchDetails:
    need(actor, MAKE, None, at)
    refuse_pans(name=name)
    if not name.strip() or len(name) > 120:
        errors["name"] = ["Give the codes a name of at most 120 characters."]
    if not 0 <= uses_per_code <= 1_000_000:
        errors["uses_per_code"] = ["From 1 to 1,000,000; 0 for any number."]
    if errors:
        raise FieldErrors(errors)
    digest = digest_of(
        {"offer": offer, "name": name, "size": size, "uses": uses_per_code, "until": expires_at, "content": content}
    )
    found = get_offer(offer)
    known = CodeBatch.objects.filter(made_by=str(actor), key=key).first()
    if known is None:
        try:
            with transaction.atomic():
                row = CodeBatch.objects.create(
                    id=uuid7(), offer_id=found.id, name=name.strip(), size=size, uses_per_code=uses_per_code,
                    expires_at=expires_at, made_by=str(actor), made_at=at, key=key, digest=digest,
                )  # fmt: skip
                fill(row)
                _record("bonuses.make_codes", row, actor, at, "")
            return batch_details(row)
        except IntegrityError:
            known = CodeBatch.objects.filter(made_by=str(actor), key=key).first()
            if known is None:
                raise
    if bytes(known.digest) != digest:
        raise IdempotencyConflict("This idempotency key made other codes before.")
    return batch_details(known)


def _write(batch: CodeBatch, codes: Iterable[str], player_id: UUID | None = None) -> int:
    """COPY them in; how many. One that exists already is made again by the caller's loop, not counted."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS new_codes (code text) ON COMMIT DELETE ROWS")
        cursor.execute("TRUNCATE new_codes")
        with cursor.copy("COPY new_codes (code) FROM STDIN") as copy:
            copy.write("".join(f"{code}\n" for code in codes))
        cursor.execute(
            "INSERT INTO bonuses_code (code, batch_id, player_id, uses) SELECT code, %s::uuid, %s::uuid, 0"
            " FROM new_codes ON CONFLICT DO NOTHING",
            [batch.id, player_id],
        )
        return cursor.rowcount


_LETTER_OF = bytes(ord(ALPHABET[value & 31]) for value in range(256))
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def normalise(code: str) -> str:
    """As codes are kept: capitals, without spaces."""
    return "".join(code.split()).upper()


def _random(count: int, prefix: str) -> Iterator[str]:
    """As many codes; each of 256 values of a byte stands for one of 32 letters, all of them equally often."""
    text = secrets.token_bytes(count * RANDOM_LENGTH).translate(_LETTER_OF).decode()
    return (prefix + text[at : at + RANDOM_LENGTH] for at in range(0, len(text), RANDOM_LENGTH))


def _hash_of(codes: Sequence[str]) -> str:
    return digest_of({"codes": list(codes)}).hex()


def _record(action: str, row: CodeBatch, actor: Actor, at: datetime, reason: str) -> None:
    record(
        action=action, actor=actor, at=at, object_type="bonuses.codebatch", object_id=str(row.id), reason=reason,
        after={"offer": row.offer.code, "size": str(row.size)},
    )  # fmt: skip

"""Files of a period's transfers: asked for by staff, written in the background, gone after a day.

The file is written under another name and renamed when it is whole. A worker that died over one is followed by another,
which begins anew.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from events.audit import record
from kernel.access import require, require_whole
from kernel.actors import Actor
from kernel.db import fetch_all
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.ids import uuid7_unix_ms
from wallet.models_exports import TransferExport
from wallet.services.exports import EXPORT, copy_period
from wallet.types_exports import ExportFilter, ExportState

logger = logging.getLogger(__name__)

LONGEST = timedelta(days=366)
MOST_AT_ONCE = 3
# An export whose worker died is taken up again after this; writing a year takes minutes.
_GIVEN_UP = timedelta(minutes=30)
_TOLD_EVERY = 4 * 1024 * 1024


class TooManyExports(DomainError):
    """This person has as many exports under way as one may have."""

    code = "too_many_exports"
    title = "Wait until your other exports are written"
    status = 409


class _Cancelled(Exception):
    """Somebody does not want it any more."""


@transaction.atomic
def request_export(*, wanted: ExportFilter, actor: Actor, at: datetime) -> UUID:
    """Ask for a file; its export's id. ``write_exports`` writes it. Raises: AccessDenied, FieldErrors, TooManyExports."""
    require_whole(actor, EXPORT)
    if not timedelta(0) < wanted.until - wanted.since <= LONGEST:
        raise FieldErrors({"until": [f"Choose a later day than the first, at most {LONGEST.days} days after it."]})
    under_way = TransferExport.objects.filter(
        requested_by=str(actor), state__in=(ExportState.WAITING, ExportState.WRITING)
    )
    if under_way.count() >= MOST_AT_ONCE:
        raise TooManyExports(f"You have {MOST_AT_ONCE} exports under way.")
    row = TransferExport.objects.create(
        since=wanted.since,
        period_until=wanted.until,
        kinds=[str(kind) for kind in wanted.kinds],
        currency=wanted.currency,
        source=wanted.source,
        requested_by=str(actor),
        requested_at=at,
    )
    _record("request_export", row, actor, at)
    return row.id


@transaction.atomic
def cancel_export(*, export_id: UUID, actor: Actor, at: datetime) -> None:
    """Stop one that is not written yet; one that is finished stays. Raises: AccessDenied, NotFound."""
    require(actor, EXPORT)
    row = TransferExport.objects.select_for_update().filter(id=export_id).first()
    if row is None:
        raise NotFound(f"There is no export {export_id}.")
    if row.state in (ExportState.WAITING, ExportState.WRITING):
        row.state, row.finished_at = ExportState.CANCELLED, at
        row.save(update_fields=["state", "finished_at"])
        _record("cancel_export", row, actor, at)


def note_download(row: TransferExport, *, actor: Actor, at: datetime) -> None:
    """Somebody takes the file with them: the audit trail keeps who and when."""
    _record("download_export", row, actor, at)


def write_exports(*, at: datetime) -> int:
    """Write all that wait, or whose worker died; how many. Several workers never take the same one."""
    worked = 0
    while export_id := _take(at):
        row = TransferExport.objects.get(id=export_id)
        try:
            _write(row, at)
        except _Cancelled:
            _partial(export_id).unlink(missing_ok=True)
        except Exception:
            logger.exception("export %s could not be written", export_id)
            _partial(export_id).unlink(missing_ok=True)
            note = "It could not be written; ask the operators for the reason."
            _mine(export_id).update(state=ExportState.FAILED, note=note, finished_at=at)
        worked += 1
    return worked


def expire_exports(*, at: datetime) -> int:
    """Delete files whose time is over; how many. The rows stay, with their hash."""
    expired = TransferExport.objects.filter(state=ExportState.DONE, expires_at__lte=at).order_by("id")
    gone = 0
    for row in expired[:1000]:
        find_file(row.id).unlink(missing_ok=True)
        gone += TransferExport.objects.filter(id=row.id, state=ExportState.DONE).update(state=ExportState.EXPIRED)
    return gone


def find_file(export_id: UUID) -> Path:
    """Where the whole file lies, once it is done."""
    return Path(settings.EXPORTS_PATH) / f"{export_id}.csv"


def build_manifest(row: TransferExport) -> dict[str, Any]:
    """What the file is, so that whoever gets it can check that it is whole and unchanged."""
    return {
        "file": file_name(row),
        "sha256": row.sha256,
        "rows": row.rows,
        "bytes": row.bytes_written,
        "recorded_since": row.since.isoformat(),
        "recorded_until": row.period_until.isoformat(),
        "kinds": row.kinds or "all",
        "currency": row.currency or "all",
        "source": row.source or "all",
        "export_id": str(row.id),
        "requested_by": row.requested_by,
        "requested_at": row.requested_at.isoformat(),
        "written_at": row.finished_at and row.finished_at.isoformat(),
    }


def file_name(row: TransferExport) -> str:
    """What the file is called where it is saved."""
    return f"transfers-{row.since:%Y%m%d}-{row.period_until:%Y%m%d}-{str(row.id)[-8:]}.csv"


def _take(at: datetime) -> UUID | None:
    rows = fetch_all(
        """UPDATE wallet_transferexport SET state = 'writing', started_at = %(at)s, rows = 0, bytes_written = 0,
               reached_at = NULL WHERE id = (
               SELECT id FROM wallet_transferexport
               WHERE state = 'waiting' OR (state = 'writing' AND started_at < %(given_up)s)
               ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id""",
        {"at": at, "given_up": at - _GIVEN_UP},
    )
    return rows[0]["id"] if rows else None


def _write(row: TransferExport, at: datetime) -> None:
    part = _partial(row.id)
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, rows, written, told = hashlib.sha256(), -1, 0, 0
    chunks = copy_period(
        since=row.since, until=row.period_until, kinds=row.kinds, currency=row.currency, source=row.source
    )
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                rows, written = rows + chunk.count(b"\n"), written + len(chunk)
                if written - told >= _TOLD_EVERY:
                    told = written
                    _tell(row.id, rows, written, _reached(chunk))
    finally:
        chunks.close()  # type: ignore[attr-defined]
    part.chmod(0o600)
    part.rename(find_file(row.id))
    done = _mine(row.id).update(
        state=ExportState.DONE,
        rows=rows,
        bytes_written=written,
        sha256=digest.hexdigest(),
        reached_at=row.period_until,
        finished_at=at,
        expires_at=at + timedelta(hours=settings.EXPORT_KEEP_HOURS),
    )
    if not done:
        find_file(row.id).unlink(missing_ok=True)


def _tell(export_id: UUID, rows: int, written: int, reached_at: datetime | None) -> None:
    """Say how far it is. Raises: _Cancelled."""
    if not _mine(export_id).update(rows=rows, bytes_written=written, reached_at=reached_at):
        raise _Cancelled


def _reached(chunk: bytes) -> datetime | None:
    """The moment of the chunk's last line: its id, a UUIDv7, stands first."""
    try:
        last = UUID(chunk.rstrip(b"\n").rsplit(b"\n", 1)[-1].split(b",", 1)[0].decode())
    except ValueError:
        return None
    return datetime.fromtimestamp(uuid7_unix_ms(last) / 1000, UTC)


def _mine(export_id: UUID) -> Any:
    return TransferExport.objects.filter(id=export_id, state=ExportState.WRITING)


def _record(deed: str, row: TransferExport, actor: Actor, at: datetime) -> None:
    record(
        action=f"wallet.{deed}",
        actor=actor,
        at=at,
        object_type="wallet.transferexport",
        object_id=str(row.id),
        after={
            "since": row.since.isoformat(),
            "until": row.period_until.isoformat(),
            "kinds": ", ".join(row.kinds) or "all",
            "sha256": row.sha256,
        },
    )


def _partial(export_id: UUID) -> Path:
    return find_file(export_id).with_suffix(".part")

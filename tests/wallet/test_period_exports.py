"""Exports of a period in the back office: asked for, written, checked, downloaded, gone."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kernel import clock
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from tests.connections import in_parallel
from tests.factories import bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from wallet.models_exports import TransferExport
from wallet.services import period_exports
from wallet.services.exports import EXPORT
from wallet.types import TransferKind
from wallet.types_exports import ExportFilter

pytestmark = pytest.mark.usefixtures("db")

CLERK = Actor(ActorKind.STAFF, "1", frozenset({EXPORT}))
LIST = "/admin/wallet/transferexport/"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EXPORTS_PATH = tmp_path / "exports"
    settings.PLAYER_CURRENCIES = ["EUR", "SEK"]
    return tmp_path / "exports"


def ask(actor: Actor = CLERK, days: int = 1, **more: Any) -> UUID:
    at = clock.now()
    wanted = ExportFilter(at - timedelta(days=days), at + timedelta(minutes=1), **more)
    return period_exports.request_export(wanted=wanted, actor=actor, at=at)


def write() -> int:
    return period_exports.write_exports(at=clock.now())


def lines(export_id: UUID) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(period_exports.find_file(export_id).read_text())))


def some_play() -> None:
    make_game()
    player = make_player()
    fund(player.id)
    bet(player.id, "3.00", source="hub")
    swede = make_player(currency="SEK")
    fund(swede.id, "200.00", currency="SEK")


def test_the_file_holds_what_was_asked_for_and_its_hash_says_so() -> None:
    some_play()
    whole, deposits, hub, swedish = (
        ask(actor=Actor(ActorKind.STAFF, str(n), frozenset({EXPORT})), **more)
        for n, more in enumerate(({}, {"kinds": (TransferKind.DEPOSIT,)}, {"source": "hub"}, {"currency": "SEK"}))
    )
    assert write() == 4
    assert [row["kind"] for row in lines(whole)] == ["deposit", "bet", "deposit"]
    assert {row["kind"] for row in lines(deposits)} == {"deposit"}
    assert [row["source"] for row in lines(hub)] == ["hub"]
    assert [(row["currency"], row["amount"]) for row in lines(swedish)] == [("SEK", "200.00")]
    row = TransferExport.objects.get(id=whole)
    file = period_exports.find_file(whole)
    assert (row.state, row.rows, row.sha256) == ("done", 3, hashlib.sha256(file.read_bytes()).hexdigest())
    assert file.stat().st_mode & 0o77 == 0
    again = ask()
    TransferExport.objects.filter(id=again).update(since=row.since, period_until=row.period_until)
    write()
    assert TransferExport.objects.get(id=again).sha256 == row.sha256


def test_files_expire_and_their_rows_stay() -> None:
    export_id = ask()
    write()
    assert period_exports.expire_exports(at=clock.now() + timedelta(hours=23)) == 0
    assert period_exports.expire_exports(at=clock.now() + timedelta(hours=25)) == 1
    assert not period_exports.find_file(export_id).exists()
    assert TransferExport.objects.get().state == "expired"


def test_who_may_and_what_periods() -> None:
    with pytest.raises(AccessDenied):
        ask(Actor(ActorKind.STAFF, "2"))
    for days in (0, 400):
        at = clock.now()
        with pytest.raises(FieldErrors):
            period_exports.request_export(wanted=ExportFilter(at - timedelta(days=days), at), actor=CLERK, at=at)
    for _ in range(3):
        ask()
    with pytest.raises(period_exports.TooManyExports):
        ask()


def test_many_workers_write_each_once_and_a_dead_ones_is_begun_anew() -> None:
    for number in range(4):
        ask(Actor(ActorKind.STAFF, str(number), frozenset({EXPORT})))
    assert sum(in_parallel([write] * 6, 6)) == 4
    TransferExport.objects.update(state="writing")
    assert write() == 0
    assert period_exports.write_exports(at=clock.now() + timedelta(minutes=31)) == 4


def test_one_that_is_cancelled_leaves_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some_play()
    waiting, writing = ask(), ask()
    period_exports.cancel_export(export_id=waiting, actor=CLERK, at=clock.now())
    monkeypatch.setattr(period_exports, "_TOLD_EVERY", 1)
    real = period_exports._reached

    def cancelled_meanwhile(chunk: bytes) -> Any:
        period_exports.cancel_export(export_id=writing, actor=CLERK, at=clock.now())
        return real(chunk)

    monkeypatch.setattr(period_exports, "_reached", cancelled_meanwhile)
    assert write() == 1
    assert {row.state for row in TransferExport.objects.all()} == {"cancelled"}
    assert list(folder.iterdir()) == []


def test_one_that_fails_says_so_and_the_next_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    ask()
    with monkeypatch.context() as broken:
        broken.setattr(period_exports, "copy_period", lambda **_: (_ for _ in ()).throw(RuntimeError("disk")))
        assert write() == 1
    ask()
    write()
    assert sorted(TransferExport.objects.values_list("state", flat=True)) == ["done", "failed"]


def test_from_the_form_to_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    some_play()
    sent: list[str] = []
    monkeypatch.setattr("wallet.admin_exports.current_app.send_task", lambda name, **_: sent.append(name))
    finance = staff_client("finance")
    today = f"{clock.now():%Y-%m-%d}"
    refused = finance.post(f"{LIST}new/", {"since": today, "until": "2020-01-01"})
    assert "Choose a later day" in text_of(refused)
    asked = finance.post(f"{LIST}new/", {"since": today, "until": today, "kinds": ["bet"], "currency": "eur"})
    assert sent == ["wallet.tasks.write_exports"]
    page = asked["Location"]
    assert "0 lines written" in text_of(finance.get(page))
    file, manifest = (page.replace("change/", name) for name in ("file.csv", "manifest.json"))
    assert finance.get(file).status_code == 404
    write()
    assert "Download the CSV" in text_of(finance.get(page))
    content = b"".join(finance.get(file).streaming_content)  # type: ignore[attr-defined]
    told = json.loads(finance.get(manifest).content)
    assert (told["sha256"], told["rows"], told["currency"]) == (hashlib.sha256(content).hexdigest(), 1, "EUR")
    assert staff_client("auditor").get(page).status_code == 200
    for role in ("auditor", "operations"):
        assert staff_client(role).get(file).status_code == 403
        assert staff_client(role).get(f"{LIST}new/").status_code == 403

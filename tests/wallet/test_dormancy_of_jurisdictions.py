"""Dormant accounts as jurisdictions want them, and how far back a history goes: rules 59 and 68 of requirements.csv."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.core import mail
from pytest_django import Settings

from compliance.pack_files import load_packs
from compliance.purge_rules import TablePurge, list_purges
from kernel import clock
from kernel.actors import system
from tests.factories import bet, fund, make_game, make_player
from tests.packs import activate
from wallet.models_adjustments import DormancyNotice
from wallet.selectors import get_balances
from wallet.selectors_history import list_history
from wallet.services import dormancy
from wallet.services.dormancy import run_dormancy
from wallet.types import HistoryFilter

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def fee(settings: Settings) -> None:
    settings.DORMANT_FEE = {"EUR": "5.00"}
    settings.DORMANT_AFTER_MONTHS, settings.DORMANT_NOTICE_DAYS = 6, 10


def silent(country: str, region: str = "") -> UUID:
    player = make_player(country=country, region=region)
    fund(player.id, "12.00")
    return player.id


def run(at: datetime) -> int:
    return run_dormancy(actor=system("job"), at=at)["charged"]


def real(player_id: UUID) -> str:
    return str(get_balances(player_id).real)


@pytest.mark.rule(59)
def test_malta_wants_twelve_months_and_thirty_days_whatever_the_operator_has_set() -> None:
    maltese, austrian = silent("MT"), silent("AT")
    activate("MT")
    told = clock.now() + timedelta(days=337)  # twelve months less thirty days
    run(clock.now() + timedelta(days=300))
    assert not DormancyNotice.objects.filter(player_id=maltese).exists()
    assert DormancyNotice.objects.filter(player_id=austrian).exists()
    run(told)
    notice = DormancyNotice.objects.get(player_id=maltese)
    assert notice.chargeable_at == told + timedelta(days=30)
    assert real(maltese) == "12.00"
    run(told + timedelta(days=30, seconds=-1))
    assert real(maltese) == "12.00"
    run(told + timedelta(days=30))
    assert real(maltese) == "7.00"


@pytest.mark.rule(59)
def test_a_fee_without_notice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_mail(**message: object) -> int:
        raise OSError("the mail server is away")

    player_id = silent("MT")
    activate("MT")
    monkeypatch.setattr(dormancy, "send_mail", no_mail)
    for days in (400, 440, 480):
        assert run(clock.now() + timedelta(days=days)) == 0
    assert real(player_id) == "12.00"
    monkeypatch.undo()
    told = clock.now() + timedelta(days=500)
    assert run(told) == 0  # told now, however long they have been silent
    assert run(told + timedelta(days=30)) == 1


@pytest.mark.rule(59)
def test_a_notice_given_under_laxer_rules_is_made_longer() -> None:
    player_id = silent("MT")
    told = clock.now() + timedelta(days=366)
    run(told)
    assert DormancyNotice.objects.get().chargeable_at == told + timedelta(days=10)
    activate("MT")
    assert run(told + timedelta(days=29)) == 0
    assert run(told + timedelta(days=30)) == 1
    assert real(player_id) == "7.00"


@pytest.mark.rule(59)
@pytest.mark.parametrize("fees", [{"EUR": "5.00"}, {}])
def test_ontario_tells_the_player_and_keeps_dormant_money_for_them(settings: Settings, fees: dict[str, str]) -> None:
    settings.DORMANT_FEE = fees
    player_id = silent("CA", "ON")
    activate("CA-ON")
    told = clock.now() + timedelta(days=300)
    for days in (0, 1, 100, 200):
        assert run(told + timedelta(days=days)) == 0
    assert real(player_id) == "12.00"
    (message,) = mail.outbox
    assert "becomes dormant" in message.subject
    assert (told + timedelta(days=10)).strftime("%Y-%m-%d") in message.body
    assert "5.00" not in message.body


def test_without_a_fee_and_a_rule_nobody_is_told(settings: Settings) -> None:
    settings.DORMANT_FEE = {}
    silent("AT")
    run(clock.now() + timedelta(days=300))
    assert mail.outbox == []
    assert not DormancyNotice.objects.exists()


@pytest.mark.rule(68)
def test_a_history_goes_back_to_its_first_row_and_nothing_of_it_is_ever_purged() -> None:
    wanted = {
        pack: [file.values.get("history.self_service_months") for file in files] for pack, files in load_packs().items()
    }
    assert [wanted[pack][-1].value for pack in ("GB", "MT", "DE")] == [3, 6, 12]  # type: ignore[union-attr]
    purged = {purge.table for purge in list_purges() if isinstance(purge, TablePurge)}
    assert purged & {"wallet_transfer", "wallet_entry", "wallet_deposit", "wallet_withdrawal"} == set()
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    for _ in range(12):
        bet(player.id, "1.00")
    seen, before = [], None
    while page := list_history(player.id, wanted=HistoryFilter(), before=before, limit=5):
        seen += [row.kind for row in page.items]
        before = page.next
        if before is None:
            break
    assert (len(seen), seen[-1]) == (13, "deposit")

"""After the demo's set-up there is something real to see on every desk of the back office."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from kernel.db import fetch_one
from pms.management.commands import demo_setup
from tests.staff import client_of, text_of

# What a desk shows, and how it is known to be there.
DESKS = {
    "withdrawals to review": "wallet_withdrawal WHERE state = 'in_review' AND approval_id IS NULL",
    "withdrawals for a second person": "wallet_withdrawal WHERE state = 'in_review' AND approval_id IS NOT NULL",
    "withdrawals on their way": "wallet_withdrawal WHERE state IN ('approved', 'sent')",
    "withdrawals that were rejected": "wallet_withdrawal WHERE state = 'rejected'",
    "deposits": "wallet_deposit WHERE state = 'made'",
    "deposits charged back": "wallet_deposit WHERE state = 'charged_back'",
    "provider dialogues": "wallet_providermessage",
    "instruments": "wallet_instrument",
    "corrections": "wallet_adjustment WHERE state = 'awaiting_approval'",
    "approvals": "compliance_approval WHERE state = 'requested'",
    "disputes": "wallet_dispute WHERE state = 'open'",
    "reports": "wallet_report WHERE state = 'done' AND matched > 0 AND unmatched > 0 AND bad > 0",
    "cases": "wallet_reconciliationcase WHERE state = 'open'",
    "holds": "wallet_hold",
    "rounds": "wallet_closedround",
    "jackpots": "wallet_jackpotcontribution",
    "fee rules": "wallet_feerule",
    "free spins": "wallet_account WHERE kind = 'free_spins' AND closed_at IS NULL",
    "tournament purses": "wallet_account WHERE kind = 'tournament' AND closed_at IS NULL",
    "seals": "wallet_seal",
    "integrations": "wallet_integration",
    "requests of aggregators": "wallet_adapterrequest",
    "game sessions": "wallet_gamesession",
    "exports": "wallet_transferexport WHERE state = 'done' AND rows > 0",
}
PAGES = {
    "wallet/report/liability/": "Now",
    "wallet/jackpot/": "Orchard Mega",
    "wallet/transferexport/": "finance.clerk",
    "wallet/feerule/": "Tournament",
    "wallet/reconciliationcase/": "sbx_of_nobody",
}


def test_every_desk_has_work(db: None, tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    settings.PMS_HOME, settings.EXPORTS_PATH = tmp_path, tmp_path / "exports"
    settings.SEALS_PATH = tmp_path / "seals"
    monkeypatch.setattr(demo_setup, "PLAYERS", 30)
    monkeypatch.setattr(demo_setup, "MAX_BETS", 300)
    call_command("demo_setup", stdout=StringIO())
    assert [desk for desk, rows in DESKS.items() if not fetch_one(f"SELECT count(*) FROM {rows}")[0]] == []
    clerk = client_of(get_user_model().objects.get(username="administrator").pk)
    assert [page for page, words in PAGES.items() if words not in text_of(clerk.get(f"/admin/{page}"))] == []

"""A card number gets in nowhere: refused in what people write and in keys, masked in what machines send."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from compliance.selectors import get_approval
from compliance.services.approvals import approve, reject, request_approval, take_back
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.ids import uuid7
from tests.factories import AT, fund, make_game, make_player
from tests.rest.conftest import problem
from tests.wallet.test_services_adjustments import ASKER, DECIDER, RIGHTS, adjust, staff
from wallet.models_payments import Deposit
from wallet.models_reconciliation import ReconciliationCase, Report, ReportRow
from wallet.services.adjustments import write_off
from wallet.services.disputes import open_dispute, settle
from wallet.services.reconciliation import ensure_mapping, match_reports, resolve_case, upload_report
from wallet.types_reconciliation import MappingTerms, ReportSide

pytestmark = pytest.mark.usefixtures("db")

PAN = "4111111111111111"
WRITTEN = f"The card was {PAN}."
WORKER = staff(1, RIGHTS | {"wallet.work_disputes", "wallet.reconcile"})


def dispute(player: UUID, **changes: str) -> UUID:
    words = {"subject": "Froze", "story": "It froze.", "reference": ""} | changes
    return open_dispute(player_id=player, actor=WORKER, idempotency_key=str(uuid7()), at=AT, **words).id


def decide(player: UUID, do: Callable[..., object], actor: Actor) -> object:
    approval_id = adjust(player, "500.00").approval_id
    assert approval_id
    more = {"seen_digest": get_approval(approval_id).digest} if do is approve else {}
    return do(approval_id=approval_id, comment=WRITTEN, actor=actor, at=AT, **more)


WRITING: dict[str, Callable[[UUID], object]] = {
    "evidence": lambda player: adjust(player, "1.00", evidence=WRITTEN),
    "reference": lambda player: adjust(player, "1.00", reference=WRITTEN),
    "evidence of a write-off": lambda player: write_off(
        player_id=player, reason="deceased", evidence=WRITTEN, actor=ASKER, idempotency_key="w", at=AT
    ),
    "subject": lambda player: dispute(player, subject=WRITTEN),
    "story": lambda player: dispute(player, story=WRITTEN),
    "reference of a dispute": lambda player: dispute(player, reference=WRITTEN),
    "resolution": lambda player: settle(
        dispute_id=dispute(player), resolved=True, resolution=WRITTEN, actor=WORKER, at=AT
    ),
    "resolution of a case": lambda player: resolve_case(case_id=uuid7(), resolution=WRITTEN, actor=WORKER, at=AT),
    "comment of a request": lambda player: request_approval(
        kind="wallet.adjustment",
        player_id=player,
        subject="Adjust",
        content={"amount": "1.00", "currency": "EUR"},
        before={},
        after={},
        comment=WRITTEN,
        idempotency_key="a",
        actor=ASKER,
        at=AT,
    ),
    "comment of an approval": lambda player: decide(player, approve, DECIDER),
    "comment of a rejection": lambda player: decide(player, reject, DECIDER),
    "comment of who takes it back": lambda player: decide(player, take_back, ASKER),
    "name of a file": lambda player: upload_report(
        mapping_id=mapping(), file_name=f"{PAN}.csv", content=b"x", actor=WORKER, at=AT
    ),
}


def mapping() -> UUID:
    terms = MappingTerms(
        "m", ReportSide.PAYMENTS, "sandbox", "id", amount_column="amount", time_column="at", currency_column="cur"
    )
    return ensure_mapping(terms=terms, actor=WORKER, at=AT)


@pytest.mark.parametrize("place", WRITING)
def test_nobody_writes_one_down(place: str) -> None:
    player = make_player().id
    fund(player, "100.00")
    with pytest.raises(FieldErrors, match="looks like a card number"):
        WRITING[place](player)


def test_a_form_says_so_beside_the_field() -> None:
    """What a service refuses is shown on the page that asked."""
    from tests.staff import staff_client, text_of

    player = make_player().id
    fund(player, "100.00")
    finance = staff_client("finance")
    path = f"/admin/wallet/dispute/open/{player}/"
    page = finance.get(path)
    key = page.context["form"].initial["key"]
    answer = finance.post(path, {"subject": "Froze", "story": WRITTEN, "key": key})
    assert "looks like a card number" in text_of(answer)


def test_keys_of_payments_are_refused_and_those_of_game_servers_are_their_own(api: Any) -> None:
    make_game()
    player = str(make_player().id)
    money = {"player_id": player, "amount": "50.00", "currency": "EUR"}
    deposit = {**money, "provider": "sandbox", "instrument": "tok_ok"}
    problem(api.post("wallet/deposits", deposit, key=PAN), 422, "validation_failed")
    assert not Deposit.objects.exists()
    assert api.post("wallet/deposits", deposit, key="one").status_code == 201
    problem(api.post("wallet/withdrawals", {**money, "instrument_id": player}, key=PAN), 422, "validation_failed")
    bet = {"player_id": player, "game": "fruits", "round": PAN, "stake": "1.00", "currency": "EUR"}
    assert api.post("wallet/bets", bet, key=PAN).status_code == 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_reports_are_masked_before_they_are_kept(encoding: str) -> None:
    text = f"id,amount,at,cur,who\r\n{PAN},1.00,2026-03-14T10:00:00Z,EUR,Jos\xe9\r\nab{PAN},x,2026-03-14T10:00:00Z,EUR,\r\n"
    content = text.encode(encoding)
    report_id = upload_report(mapping_id=mapping(), file_name="f.csv", content=content, actor=WORKER, at=AT)
    match_reports(at=AT)
    kept = zlib.decompress(bytes(Report.objects.get(id=report_id).content))
    rows = list(ReportRow.objects.order_by("line").values_list("reference", "state"))
    assert rows == [("[card ••1111]", "unmatched"), ("ab[card ••1111]", "bad")]
    assert PAN not in kept.decode("utf-8-sig")
    assert "José" in kept.decode("utf-8-sig")
    assert ReconciliationCase.objects.get().reference == "[card ••1111]"

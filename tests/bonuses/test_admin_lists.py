"""Codes, lists and cost of bonuses in the back office."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bonuses.models import Code, CodeBatch, ListAward
from bonuses.selectors import list_grants
from bonuses.selectors_costs import list_costs
from bonuses.services.grants import forfeit, grant
from bonuses.services.lists import get_list, work_lists
from events.models import AuditRecord
from kernel import clock
from kernel.money import total
from tests.bonuses.offers import GIFT, SPINS, live_offer, work
from tests.factories import ACTOR, bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from wallet.selectors import sum_house
from wallet.services.purses import expire_bonus_purses
from wallet.types import AccountKind

pytestmark = pytest.mark.usefixtures("db")
CODES, LISTS, COSTS = "/admin/bonuses/codebatch/", "/admin/bonuses/listaward/", "/admin/bonuses/offer/costs/"
FREE = {"wagering": {"multiple": "0"}}


def file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("file.csv", content)


def key_of(client: Client, address: str) -> str:
    return str(client.get(address).context["form"]["key"].value())


def test_codes_are_made_read_from_a_file_downloaded_and_closed() -> None:
    offer = live_offer(GIFT, trigger={"kind": "code"})
    client = staff_client("loyalty_admin")
    assert "New codes" in text_of(client.get(CODES))
    data = {
        "offer": offer.code,
        "name": "Flyers",
        "size": "3",
        "uses_per_code": "1",
        "key": key_of(client, f"{CODES}new/"),
    }
    for _ in range(2):
        assert client.post(f"{CODES}new/", data).status_code == 302
    assert Code.objects.count() == 3
    upload = {**data, "size": "", "name": "Printed", "key": "2", "file": file(b"code,what\nHELLO-1,x\nhello-2,y\n")}
    assert client.post(f"{CODES}new/", upload).status_code == 302
    printed = CodeBatch.objects.get(name="Printed")
    answer = client.get(f"{CODES}{printed.pk}/file/")
    assert b"".join(answer.streaming_content).split() == [b"code,uses", b"HELLO-1,0", b"HELLO-2,0"]  # type: ignore[attr-defined]
    (seen,) = AuditRecord.objects.filter(action="bonuses.export_codes")
    assert (seen.object_id, seen.actor_kind) == (str(printed.pk), "staff")
    found = client.get(CODES, {"q": "hello-2"})
    assert "Printed" in text_of(found)
    assert "Flyers" not in text_of(found)
    close = f"{CODES}{printed.pk}/close/"
    assert client.post(close, {"reason": "leaked"}).status_code == 302
    assert "Closed" in text_of(client.get(f"{CODES}{printed.pk}/change/"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": ""}, "size"),
        ({"size": "-1"}, "size"),
        ({"size": "99999999"}, "size"),
        ({"uses_per_code": "x"}, "uses_per_code"),
        ({"size": "", "file": b"\xff\xfe\x00"}, "file"),
        ({"size": "", "file": b"AB\n"}, None),
        ({"size": "3", "file": b"HELLO\n"}, "size"),
        ({"offer": "nothing"}, "offer"),
    ],
)
def test_what_is_wrong_with_codes_is_said(change: dict[str, object], field: str | None) -> None:
    offer = live_offer(GIFT, trigger={"kind": "code"})
    client = staff_client("marketing_manager")
    data: dict[str, object] = {
        "offer": offer.code,
        "name": "x",
        "size": "3",
        "uses_per_code": "1",
        "key": "k",
        **change,
    }
    if isinstance(content := data.get("file"), bytes):
        data["file"] = file(content)
    answer = client.post(f"{CODES}new/", data)
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() >= ({field} if field else {"__all__"})
    assert not CodeBatch.objects.exists()


def test_where_no_offer_is_given_by_code_the_page_says_so() -> None:
    live_offer(GIFT)
    assert "No offer is given by code" in text_of(staff_client("marketing_manager").get(f"{CODES}new/"))


def test_a_list_is_looked_at_given_and_watched() -> None:
    offer = live_offer(GIFT, **FREE, eligibility={"jurisdictions": ["DE"]})
    players = [make_player(), make_player(), make_player(country="AT")]
    client = staff_client("crm_specialist")
    new = f"{LISTS}new/"
    content = f"{players[0].id}\n{players[1].login.upper()}\n{players[2].login}\n{uuid4()}\nnobody\n".encode()
    data = {"offer": offer.code, "note": "Lapsed in March", "key": key_of(client, new)}
    seen = client.post(new, {**data, "file": file(content)})
    assert "3 players get the offer" in text_of(seen)
    assert "2 lines are nobody known" in text_of(seen)
    assert not ListAward.objects.exists()
    for _ in range(2):
        assert client.post(new, {**data, "confirmed": "1"}).status_code == 302
    listed = ListAward.objects.get()
    page = f"{LISTS}{listed.pk}/change/"
    assert 'hx-trigger="every 2s"' in text_of(client.get(page))
    work_lists(at=clock.now())
    text = text_of(client.get(page))
    assert "hx-trigger" not in text.split('id="list"')[1][:200]
    assert "Jurisdiction" in text
    assert (get_list(listed.pk).given, len(list_grants(players[1].id))) == (2, 1)
    assert "100 %" in text_of(client.get(LISTS))


def test_who_is_on_a_file_is_kept_for_whom_looked_at_it_only() -> None:
    offer, player = live_offer(GIFT, **FREE), make_player()
    sent = {"offer": offer.code, "note": "x", "key": "1"}
    seen = staff_client("marketing_manager").post(f"{LISTS}new/", {**sent, "file": file(f"{player.id}\n".encode())})
    assert "1 player gets the offer" in text_of(seen)
    answer = staff_client("crm_specialist").post(f"{LISTS}new/", {**sent, "confirmed": "1"})
    assert answer.context["form"].errors["file"] == ["Choose the file again: who is on it is kept for an hour."]
    assert not ListAward.objects.exists()


def test_a_list_of_a_hundred_thousand_is_taken() -> None:
    offer, player = live_offer(GIFT, **FREE), make_player()
    content = "\n".join([str(player.id), *(f"nobody{n}" for n in range(100_000))]).encode()
    sent = {"offer": offer.code, "note": "x", "key": "1"}
    seen = staff_client("marketing_manager").post(f"{LISTS}new/", {**sent, "file": file(content)})
    assert "100000 lines are nobody known" in text_of(seen).replace(",", "")


def test_a_file_that_a_form_cannot_carry_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bonuses.services.lists.MAX_LIST", 1)
    offer = live_offer(GIFT, **FREE)
    sent = {"offer": offer.code, "note": "x", "key": "1", "file": file(b"anna\notto\n")}
    answer = staff_client("crm_specialist").post(f"{LISTS}new/", sent)
    assert answer.context["form"].errors["file"] == ["At most 1 players: give longer lists in parts."]


def test_many_batches_and_lists_are_shown_in_the_same_few_queries() -> None:
    offer, other = live_offer(GIFT, trigger={"kind": "code"}), live_offer(GIFT, **FREE)
    client = staff_client("marketing_manager")
    player = str(make_player().id)

    def add(key: str) -> None:
        codes = {"offer": offer.code, "name": key, "size": "1", "uses_per_code": "1", "key": key}
        assert client.post(f"{CODES}new/", codes).status_code == 302
        listed = {"offer": other.code, "note": key, "key": key}
        assert client.post(f"{LISTS}new/", {**listed, "file": file(player.encode())}).status_code == 200
        assert client.post(f"{LISTS}new/", {**listed, "confirmed": "1"}).status_code == 302

    def queries(address: str) -> int:
        client.get(address)  # says what was done; the next one does not
        with CaptureQueriesContext(connection) as captured:
            assert "marketing_manager-1" in text_of(client.get(address))
        return len(captured)

    add("0")
    few = queries(CODES), queries(LISTS)
    for number in range(1, 6):
        add(str(number))
    assert (queries(CODES), queries(LISTS)) == few
    assert text_of(client.get(LISTS)).count("0 % done") == 6
    work_lists(at=clock.now())
    assert text_of(client.get(LISTS)).count("100 % done") == 6


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"nobody\n", b"a\x00b\n"])
def test_a_file_of_nobody_is_refused(content: bytes) -> None:
    offer = live_offer(GIFT, **FREE)
    answer = staff_client("crm_specialist").post(
        f"{LISTS}new/", {"offer": offer.code, "note": "x", "key": "1", "file": file(content)}
    )
    assert "file" in answer.context["form"].errors
    assert not ListAward.objects.exists()


def test_what_was_taken_expired_or_was_above_the_cap_came_back() -> None:
    make_game()
    at = clock.now()
    lost, late = live_offer(GIFT, code="lost"), live_offer(GIFT, code="late", wagering={"days": 1})
    capped = live_offer(GIFT, code="capped", wagering={"max_conversion": {"EUR": "4.00"}})
    waits = live_offer(GIFT, code="waits", claim="player")
    players = [make_player().id for _ in range(4)]
    given = [
        grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=at)
        for offer, player in zip((lost, late, capped, waits), players, strict=True)
    ]
    bet(players[0], "3.00", at=at)  # from the bonus, and lost
    forfeit(grant_id=given[0].id, reason="abuse", actor=ACTOR, at=at)
    fund(players[2], "50.00", at=at)
    bet(players[2], "50.00", at=at)
    expire_bonus_purses(at=at + timedelta(days=2))
    work()
    lines = {line.offer: line for line in list_costs(since=at, until=at + timedelta(days=1))}
    figures = {
        code: (str(line.given), str(line.came_back), str(line.cost), str(line.redeemed)) for code, line in lines.items()
    }
    assert figures == {
        "lost": ("10.00", "7.00", "3.00", "0.00"),
        "late": ("10.00", "10.00", "0.00", "0.00"),
        "capped": ("10.00", "6.00", "4.00", "4.00"),
        "waits": ("0.00", "0.00", "0.00", "0.00"),
    }
    assert (lines["lost"].forfeited_grants, lines["late"].expired_grants, lines["waits"].open_grants) == (1, 1, 1)
    assert sum_house(AccountKind.BONUS_COST)["EUR"] == -total((line.cost for line in lines.values()), "EUR")
    text = text_of(staff_client("finance").get(COSTS))
    assert "1 forfeited, 0 expired" in text
    assert "7.00" in text


def test_the_cost_is_what_the_ledger_says() -> None:
    make_game()
    at = clock.now()
    free, wagered, spins = live_offer(GIFT, **FREE), live_offer(GIFT), live_offer(SPINS, stacking="queue")
    first, second = make_player().id, make_player().id
    for player in (first, second):
        fund(player, "100.00", at=at)
        for offer in (free, wagered, spins):
            grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=at)
    bet(first, "50.00", at=at)
    work()
    lines = {line.offer: line for line in list_costs(since=at - timedelta(days=1), until=at + timedelta(days=1))}
    assert (lines[free.code].grants, str(lines[free.code].redeemed)) == (2, "20.00")
    one = lines[wagered.code]
    assert (one.redeemed_grants, str(one.redeemed), one.open_grants, str(one.open_amount)) == (1, "10.00", 1, "10.00")
    assert (lines[spins.code].spins, lines[spins.code].open_grants) == (20, 2)
    given = sum(line.given.amount_minor for line in lines.values())
    assert sum_house(AccountKind.BONUS_COST)["EUR"].amount_minor == -given
    client = staff_client("finance")
    assert "30.00" in text_of(client.get(COSTS))
    day = str(at.date())
    csv = b"".join(client.get(COSTS, {"since": day, "until": day, "csv": "1"}).streaming_content)  # type: ignore[attr-defined]
    assert csv.count(b"\r\n") == 4
    assert "The last day is before the first." in text_of(
        client.get(COSTS, {"since": "2026-02-01", "until": "2026-01-01"})
    )
    assert "Nothing was granted on these days" in text_of(
        client.get(COSTS, {"since": "2020-01-01", "until": "2020-01-02"})
    )

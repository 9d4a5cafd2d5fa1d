"""Bonus codes: guessed by nobody, used once by each, and the last one by one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from bonuses.models import Code
from bonuses.selectors import list_grants
from bonuses.services import codes
from bonuses.services.codes import (
    ALPHABET,
    RANDOM_LENGTH,
    TooManyGuesses,
    export_codes,
    import_codes,
    make_codes,
    use_code,
)
from bonuses.services.eligibility import NotEligible
from bonuses.types_codes import BatchDetails, CodeRefused, CodeWaits
from kernel.errors import FieldErrors, IdempotencyConflict
from tests.bonuses.offers import GIFT, MAKER, MATCH, live_offer, work
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, fund, make_player

pytestmark = pytest.mark.usefixtures("db")
CODE = {"trigger": {"kind": "code"}, "wagering": {"multiple": "0"}}


def batch(offer: str, *, texts: list[str] | None = None, key: str = "k", **more: object) -> BatchDetails:
    about = {"offer": offer, "name": "Spring", "idempotency_key": key, "actor": MAKER, "at": AT, **more}
    if texts is None:
        return make_codes(size=5, **about)  # type: ignore[arg-type]
    return import_codes(codes=texts, **about)  # type: ignore[arg-type]


def use(code: str, player_id: UUID, at: object = AT) -> object:
    return use_code(code=code, player_id=player_id, actor=ACTOR, at=at)  # type: ignore[arg-type]


def lines(found: BatchDetails) -> list[str]:
    return b"".join(export_codes(batch_id=found.id, actor=MAKER, at=AT)).decode().splitlines()


def test_made_codes_are_random_and_the_same_key_makes_no_more() -> None:
    offer = live_offer(GIFT, **CODE)
    found = batch(offer.code, prefix="Spring-")
    assert batch(offer.code, prefix="Spring-") == found
    head, *rows = lines(found)
    assert head == "code,uses"
    assert len(rows) == 5
    for row in rows:
        code = row.removesuffix(",0")
        assert code.startswith("SPRING-")
        assert len(code) == 7 + RANDOM_LENGTH
        assert set(code[7:]) <= set(ALPHABET)
    with pytest.raises(IdempotencyConflict):
        batch(offer.code, prefix="other")


def test_many_are_made_by_copy() -> None:
    offer = live_offer(GIFT, **CODE)
    make_codes(offer=offer.code, name="Many", size=20_000, idempotency_key="many", actor=MAKER, at=AT)
    assert Code.objects.count() == 20_000


def test_a_code_gives_its_bonus_once_to_each_player() -> None:
    offer = live_offer(GIFT, **CODE)
    batch(offer.code, texts=["WELCOME"], uses_per_code=0)
    first, second = make_player().id, make_player().id
    found = use("welc ome", first)
    assert use("Welcome", first) == found
    use("WELCOME", second)
    assert [len(list_grants(player)) for player in (first, second)] == [1, 1]
    assert Code.objects.get().uses == 2


def test_fifty_players_and_one_use() -> None:
    offer = live_offer(GIFT, **CODE)
    batch(offer.code, texts=["LAST"])
    players = [make_player().id for _ in range(50)]

    def try_(player: UUID) -> bool:
        try:
            use("LAST", player)
        except CodeRefused:
            return False
        return True

    won = in_parallel([lambda player=player: try_(player) for player in players], 25)  # type: ignore[misc]
    assert sum(won) == 1
    assert Code.objects.get().uses == 1
    assert sum(len(list_grants(player)) for player in players) == 1


def test_one_player_fifty_times_at_once() -> None:
    offer = live_offer(GIFT, **CODE)
    batch(offer.code, texts=["AGAIN"], uses_per_code=0)
    player = make_player().id
    codes.GUESSES, before = 100, codes.GUESSES
    try:
        in_parallel([lambda: use("AGAIN", player)] * 50, 25)
    finally:
        codes.GUESSES = before
    assert len(list_grants(player)) == 1
    assert Code.objects.get().uses == 1


def test_where_a_deposit_is_matched_the_code_waits_for_one() -> None:
    offer = live_offer(MATCH, trigger={"kind": "code", "nth": 0})
    batch(offer.code, texts=["DOUBLE"])
    player = make_player().id
    waits = use("DOUBLE", player)
    assert waits == CodeWaits("DOUBLE", AT + timedelta(days=7)) == use("DOUBLE", player)
    fund(player, "9.00")
    work()
    assert list_grants(player) == []
    fund(player, "30.00", at=AT + timedelta(days=6))
    work()
    (found,) = list_grants(player)
    assert (found.state, str(found.amount), found.occasion) == ("active", "30.00", "code:DOUBLE")
    assert use("DOUBLE", player) == found


def test_a_code_that_waited_too_long_is_over() -> None:
    offer = live_offer(MATCH, trigger={"kind": "code", "nth": 0})
    batch(offer.code, texts=["DOUBLE"])
    player = make_player().id
    use("DOUBLE", player)
    fund(player, "30.00", at=AT + timedelta(days=7))
    work()
    assert list_grants(player) == []


def test_whatever_is_wrong_reads_the_same_and_guessing_stops() -> None:
    offer, other = live_offer(GIFT, **CODE), live_offer(GIFT)
    owner, stranger = make_player().id, make_player().id
    batch(offer.code, texts=["MINE"], player_id=owner)
    batch(offer.code, texts=["OVER"], key="b", expires_at=AT)
    closed = batch(offer.code, texts=["CLOSED"], key="c")
    codes.close_batch(batch_id=closed.id, reason="leaked", actor=MAKER, at=AT)
    batch(other.code, texts=["NOCODES"], key="d")
    said = set()
    for code in ("MINE", "OVER", "CLOSED", "NOCODES", "NEVER", "", "\x00", "x" * 500):
        with pytest.raises(CodeRefused) as caught:
            use(code, stranger)
        said.add(caught.value.detail)
    assert len(said) == 1
    for _ in range(2):
        with pytest.raises(CodeRefused):
            use("NEVER", stranger)
    with pytest.raises(TooManyGuesses):
        use("NEVER", stranger)
    use("MINE", owner)


def test_who_is_not_eligible_does_not_use_the_code_up() -> None:
    offer = live_offer(GIFT, **CODE, eligibility={"jurisdictions": ["SE"]})
    batch(offer.code, texts=["SWEDES"])
    with pytest.raises(NotEligible) as caught:
        use("SWEDES", make_player(country="DE").id)
    assert [reason.code for reason in caught.value.reasons] == ["jurisdiction"]
    assert Code.objects.get().uses == 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"texts": ["AB"]}, "codes"), ({"texts": ["OK-CODE", "ok-code"]}, "codes"), ({"texts": []}, "codes"),
     ({"texts": ["ÄÖÜÄ"]}, "codes"),
     ({"prefix": "a b*"}, "prefix"), ({"name": " "}, "name"), ({"uses_per_code": -1}, "uses_per_code"),
     ({"texts": ["=1+1()"]}, "codes")],
)  # fmt: skip
def test_what_is_wrong_with_a_batch_is_told_by_field(wrong: dict[str, object], field: str) -> None:
    offer = live_offer(GIFT, **CODE)
    with pytest.raises(FieldErrors) as caught:
        batch(offer.code, **wrong)  # type: ignore[arg-type]
    assert list(caught.value.errors) == [field]
    assert Code.objects.count() == 0


def test_a_code_that_is_taken_is_named() -> None:
    offer = live_offer(GIFT, **CODE)
    batch(offer.code, texts=["TAKEN"])
    with pytest.raises(FieldErrors, match="TAKEN"):
        batch(offer.code, texts=["FRESH", "TAKEN"], key="2")
    assert Code.objects.count() == 1

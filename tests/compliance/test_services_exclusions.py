"""Exclusions: what they stop at once, and how they end in each jurisdiction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from compliance.selectors_cases import list_cases
from compliance.selectors_exclusions import get_exclusion, list_end_requests, list_exclusions
from compliance.services.exclusion_closing import close_due_accounts
from compliance.services.exclusion_ends import (
    ExclusionBinds,
    ExclusionOver,
    RequestDecided,
    decide_end,
    end_due,
    request_end,
)
from compliance.services.exclusions import exclude
from compliance.services.gate import decide
from compliance.types_cases import CaseKind
from compliance.types_exclusion import EndRequestState, ExclusionDetails, ExclusionKind
from compliance.types_gate import GateAction, MessageFacts, Verdict
from events.models import Event
from kernel.actors import Actor, ActorKind, system
from kernel.db import fetch_all
from kernel.errors import FieldErrors, IdempotencyConflict
from kernel.money import Money
from players.selectors import find_refusal, get_player, list_restrictions
from players.selectors_identity import has_consent
from players.services.consents import change_consents
from players.services.restrictions import RestrictionOwned, lift
from players.services.sessions import SessionOver, check, start
from players.types import PlayerAction, Status
from players.types_identity import ConsentChannel, ConsentProduct, Origin
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.packs import activate
from wallet.selectors import get_balances, list_instruments, list_withdrawals
from wallet.services.deposits import DepositRefused
from wallet.services.holds import reserve
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_decisions import approve_withdrawal
from wallet.services.withdrawals import request_withdrawal
from wallet.types import Outcome

pytestmark = pytest.mark.usefixtures("db")

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
JOB = system("test-job")


def ask(player_id: UUID, kind: ExclusionKind = ExclusionKind.SELF, term: str = "6mo", *, at: datetime = AT, key: str = "k",
        reason: str = "", ground: str = "") -> ExclusionDetails:  # fmt: skip
    actor = Actor(ActorKind.PLAYER, str(player_id))
    return exclude(
        player_id=player_id, kind=kind, term=term, reason=reason, ground=ground, idempotency_key=key, actor=actor, at=at
    )


def agree(player_id: UUID) -> None:
    """To be written to about the casino by email."""
    change_consents(
        player_id=player_id,
        answers={(ConsentProduct.CASINO, ConsentChannel.EMAIL): True},
        text_version="1",
        source="registration",
        at=AT - DAY,
    )


def wish(exclusion: ExclusionDetails, at: datetime, reason: str = "I feel better") -> UUID:
    return request_end(exclusion_id=exclusion.id, reason=reason, actor=ACTOR, at=at).id


def may_play(player_id: UUID, at: datetime) -> bool:
    return find_refusal(player_id, PlayerAction.PLAY, at) is None


def events_of(player_id: UUID) -> list[str]:
    rows = Event.objects.filter(player_id=player_id, type__startswith="compliance.").order_by("position")
    return [row.type.split(".")[1] for row in rows]


# --- what it stops -----------------------------------------------------------------------------------------------


@pytest.mark.rule(49)
def test_it_stops_everything_at_once_but_withdrawals() -> None:
    make_game()
    player = make_player()
    fund(player.id)
    agree(player.id)
    session = start(
        player_id=player.id, origin=Origin("127.0.0.1", ""), methods="password", store_key="s", refresh_id=player.id,
        at=AT - SECOND,
    )  # fmt: skip
    ask(player.id)
    assert bet(player.id, "1.00").reason == "self_excluded"
    with pytest.raises(DepositRefused):
        fund(player.id)
    with pytest.raises(SessionOver):
        check(session_id=session.session_id, at=AT)
    assert not has_consent(player.id, ConsentProduct.CASINO, ConsentChannel.EMAIL)
    for action in (PlayerAction.BONUS, PlayerAction.MARKETING, PlayerAction.LOGIN):
        assert find_refusal(player.id, action, AT) == "self_excluded"
    assert find_refusal(player.id, PlayerAction.WITHDRAW, AT) is None
    assert events_of(player.id) == ["player-excluded"]
    trail = fetch_all("SELECT action FROM events_auditrecord WHERE player_id = %s", [player.id])
    assert "compliance.exclude_player" in [row["action"] for row in trail]


@pytest.mark.rule(49)
def test_a_message_that_is_queued_is_asked_about_again_when_it_is_sent() -> None:
    player = make_player()
    agree(player.id)

    def send(at: datetime) -> Verdict:
        facts = MessageFacts(channel="email", product="casino")
        return decide(action=GateAction.MESSAGE, player_id=player.id, facts=facts, actor=JOB, at=at).verdict

    assert send(AT) is Verdict.ALLOW
    ask(player.id, ExclusionKind.PANIC, "")
    assert [send(AT + step) for step in (timedelta(0), SECOND, DAY - SECOND)] == [Verdict.DENY] * 3
    assert send(AT + DAY) is Verdict.ALLOW


@pytest.mark.rule(38)
def test_an_excluded_player_can_withdraw() -> None:
    activate("MT")
    player = make_player(country="MT")
    fund(player.id)
    ask(player.id, term="indefinite")
    withdrawal = request_withdrawal(
        player_id=player.id,
        amount=Money.parse("100.00", "EUR"),
        instrument_id=list_instruments(player.id)[0].id,
        source="test",
        idempotency_key="w",
        actor=ACTOR,
        at=AT + DAY,
    )
    assert withdrawal.amount == Money.parse("100.00", "EUR")
    assert get_balances(player.id).real.amount_minor == 0


def test_the_panic_button_lasts_a_day_to_the_second() -> None:
    make_game()
    player = make_player()
    fund(player.id)
    found = ask(player.id, ExclusionKind.PANIC, "")
    assert (found.term, found.active_until) == ("24h", AT + DAY)
    assert bet(player.id, "1.00", at=AT + DAY - SECOND).reason == "cooling_off"
    assert bet(player.id, "1.00", at=AT + DAY).outcome is Outcome.APPLIED
    assert end_due(actor=JOB, at=AT + DAY - SECOND) == 0
    assert end_due(actor=JOB, at=AT + DAY) == 1
    assert end_due(actor=JOB, at=AT + DAY) == 0
    assert events_of(player.id) == ["player-excluded", "exclusion-ended"]
    with pytest.raises(ExclusionOver):
        wish(found, AT + DAY)


def test_the_same_key_excludes_once_and_other_content_is_a_conflict() -> None:
    player = make_player()
    assert ask(player.id).id == ask(player.id).id
    with pytest.raises(IdempotencyConflict):
        ask(player.id, term="1y")


def test_a_second_one_never_shortens_the_first() -> None:
    player = make_player()
    ask(player.id, term="1y")
    ask(player.id, ExclusionKind.PANIC, "", key="panic", at=AT + DAY)
    end_due(actor=JOB, at=AT + 3 * DAY)
    assert [row.kind for row in list_exclusions(player_id=player.id, standing_at=AT + 3 * DAY)] == [ExclusionKind.SELF]
    assert not may_play(player.id, AT + 3 * DAY)


def test_nobody_lifts_the_restriction_beside_it() -> None:
    player = make_player()
    ask(player.id)
    with pytest.raises(RestrictionOwned):
        lift(restriction_id=list_restrictions(player.id)[0].id, reason="he begs", actor=ACTOR, at=AT + DAY)
    assert not may_play(player.id, AT + DAY)


def test_others_say_why() -> None:
    player = make_player()
    with pytest.raises(FieldErrors, match="reason"):
        ask(player.id, ExclusionKind.THIRD_PARTY, "1y")
    with pytest.raises(FieldErrors, match="kind"):
        ask(player.id, ExclusionKind.REGISTER, "1y")
    with pytest.raises(FieldErrors, match="term"):
        ask(player.id, term="")
    with pytest.raises(FieldErrors, match="term"):
        ask(player.id, term="a while")


# --- how it ends -------------------------------------------------------------------------------------------------


@pytest.mark.rule(33)
def test_gb_six_months_then_a_wish_then_a_day() -> None:
    activate("GB")
    player = make_player(country="GB")
    with pytest.raises(FieldErrors, match="at least 6mo"):
        ask(player.id, term="5mo")
    found = ask(player.id, term="6mo")
    minimum = datetime(2026, 9, 14, 14, 9, 26, tzinfo=UTC)  # the same hour in London, in summer time
    assert found.minimum_until == minimum
    with pytest.raises(ExclusionBinds):
        wish(found, minimum - SECOND)
    end_due(actor=JOB, at=minimum + 30 * DAY)
    assert not may_play(player.id, minimum + 30 * DAY), "it does not end by itself"
    wish(found, minimum)
    assert end_due(actor=JOB, at=minimum + DAY - SECOND) == 0
    assert not may_play(player.id, minimum + DAY - SECOND)
    assert end_due(actor=JOB, at=minimum + DAY) == 1
    assert may_play(player.id, minimum + DAY)
    assert events_of(player.id) == [
        "player-excluded", "exclusion-end-requested", "exclusion-end-decided", "exclusion-ended",
    ]  # fmt: skip


@pytest.mark.rule(36)
def test_de_ends_on_request_only() -> None:
    activate("DE")
    player, other = make_player(), make_player()
    assert ask(player.id, term="").term == "12mo"
    found = ask(other.id, term="3mo")
    much_later = AT + timedelta(days=3_650)
    assert end_due(actor=JOB, at=much_later) == 0
    assert not may_play(other.id, much_later)
    request = wish(found, datetime(2026, 6, 14, 14, 9, 26, tzinfo=UTC))
    assert list_end_requests(open_only=True)[0].id == request
    for_others = make_player()
    with pytest.raises(FieldErrors, match="at least 12mo"):
        ask(for_others.id, ExclusionKind.THIRD_PARTY, "11mo", reason="His wife asked")
    ask(for_others.id, ExclusionKind.THIRD_PARTY, "12mo", reason="His wife asked")
    button = ask(make_player().id, ExclusionKind.PANIC, "")
    assert button.active_until == AT + DAY


@pytest.mark.rule(38)
@pytest.mark.parametrize(("term", "hours"), [("6mo", 24), ("indefinite", 168)])
def test_mt_a_reason_an_answer_in_seven_days_and_a_wait(term: str, hours: int) -> None:
    activate("MT")
    player = make_player(country="MT")
    found = ask(player.id, term=term)
    with pytest.raises(FieldErrors, match="reason"):
        wish(found, AT + DAY, reason=" ")
    request = wish(found, AT + DAY)
    assert wish(found, AT + 2 * DAY) == request, "asking again gives the same"
    (open_one,) = list_end_requests(open_only=True)
    assert open_one.due_at == AT + 8 * DAY
    with pytest.raises(FieldErrors, match="comment"):
        decide_end(request_id=request, accept=True, comment="", actor=ACTOR, at=AT + 3 * DAY)
    decided = decide_end(request_id=request, accept=True, comment="Spoke to her", actor=ACTOR, at=AT + 3 * DAY)
    over = AT + 3 * DAY + timedelta(hours=hours)
    assert decided.takes_effect_at == over
    with pytest.raises(RequestDecided):
        decide_end(request_id=request, accept=False, comment="no", actor=ACTOR, at=AT + 3 * DAY)
    assert end_due(actor=JOB, at=over - SECOND) == 0
    assert not may_play(player.id, over - SECOND)
    assert end_due(actor=JOB, at=over) == 1
    assert may_play(player.id, over)


@pytest.mark.rule(38)
def test_mt_refused_and_asked_again() -> None:
    activate("MT")
    player = make_player(country="MT")
    found = ask(player.id, term="indefinite")
    first = wish(found, AT + DAY)
    decide_end(request_id=first, accept=False, comment="Too soon", actor=ACTOR, at=AT + 2 * DAY)
    end_due(actor=JOB, at=AT + 30 * DAY)
    assert not may_play(player.id, AT + 30 * DAY)
    second = wish(found, AT + 30 * DAY)
    assert second != first
    assert [row.state for row in list_end_requests(exclusion_ids=[found.id])] == [
        EndRequestState.OPEN,
        EndRequestState.REFUSED,
    ]


@pytest.mark.rule(37)
def test_se_ends_by_itself_and_never_early() -> None:
    activate("SE")
    player = make_player(country="SE")
    found = ask(player.id, term="1mo")
    end = datetime(2026, 4, 14, 14, 9, 26, tzinfo=UTC)  # Stockholm's clocks went forward meanwhile
    assert found.active_until == end
    with pytest.raises(ExclusionBinds):
        wish(found, end - SECOND)
    assert not may_play(player.id, end - SECOND)
    assert may_play(player.id, end)


# --- accounts that are closed ------------------------------------------------------------------------------------


@pytest.mark.rule(35)
def test_dk_for_good_pays_out_closes_and_is_reopened_after_a_year_at_the_earliest() -> None:
    activate("DK")
    player = make_player(country="DK")
    fund(player.id)
    found = ask(player.id, term="indefinite")
    assert close_due_accounts(actor=JOB, at=AT + SECOND) == 0
    (withdrawal,) = list_withdrawals(player.id)
    assert withdrawal.amount == Money.parse("100.00", "EUR")
    assert close_due_accounts(actor=JOB, at=AT + SECOND) == 0, "while money is on its way the account is open"
    assert len(list_withdrawals(player.id)) == 1
    settle(withdrawal.id)
    assert close_due_accounts(actor=JOB, at=AT + 2 * SECOND) == 1
    assert get_player(player.id).status is Status.CLOSED
    assert get_exclusion(found.id).closed_at == AT + 2 * SECOND
    year = datetime(2027, 3, 14, 15, 9, 26, tzinfo=UTC)
    with pytest.raises(ExclusionBinds):
        wish(found, year - SECOND)
    wish(found, year)


def settle(withdrawal_id: UUID) -> None:
    """Staff approve it and the provider pays."""
    officer = Actor(ActorKind.STAFF, "77", frozenset({"wallet.approve_withdrawal"}))
    approve_withdrawal(withdrawal_id=withdrawal_id, actor=officer, at=AT + SECOND, reason="excluded")
    send_due(actor=JOB, at=AT + SECOND)


@pytest.mark.rule(12)
def test_on_closes_and_refunds_within_a_day_or_somebody_hears_of_it() -> None:
    player = make_player(country="CA", region="ON")
    fund(player.id)  # before the pack asks for anything else
    activate("CA-ON")
    found = ask(player.id, term="6mo")
    assert found.close_due_at == AT + DAY
    close_due_accounts(actor=JOB, at=AT + DAY)
    assert list_cases(kind=CaseKind.EXCLUSION_REFUND) == []
    close_due_accounts(actor=JOB, at=AT + DAY + SECOND)
    (case,) = list_cases(kind=CaseKind.EXCLUSION_REFUND)
    assert (case.player_id, case.facts["exclusion"]) == (player.id, str(found.id))
    empty = make_player(country="CA", region="ON")
    ask(empty.id, term="1y")
    assert close_due_accounts(actor=JOB, at=AT + SECOND) == 1
    assert get_player(empty.id).status is Status.CLOSED


@pytest.mark.rule(34)
@pytest.mark.parametrize(("country", "region", "returned"), [("CA", "ON", ["ahead"]), ("GB", "", [])])
def test_open_bets_go_back_where_the_pack_says_so_and_the_event_has_not_begun(
    country: str, region: str, returned: list[str]
) -> None:
    make_game()
    player = make_player(country=country, region=region)
    fund(player.id)
    begins = {"ahead": AT + SECOND, "begun": AT, "unknown": None}
    for key, moment in begins.items():
        reserve(
            player_id=player.id, source="test", idempotency_key=key, game="fruits", round_id=key,
            amount=Money.parse("10.00", "EUR"), event_begins_at=moment, actor=ACTOR, at=AT - DAY,
        )  # fmt: skip
    activate("CA-ON", "GB")
    ask(player.id, term="6mo")
    rows = fetch_all(
        "SELECT t.reference FROM wallet_hold h JOIN wallet_transfer t ON t.id = h.id WHERE h.released_minor > 0"
    )
    assert [row["reference"] for row in rows] == returned
    assert get_balances(player.id).real == Money.parse(f"{70 + 10 * len(returned)}.00", "EUR")
    excluded = Event.objects.get(player_id=player.id, type="compliance.player-excluded.v1")
    assert excluded.payload["bets_returned"] == len(returned)

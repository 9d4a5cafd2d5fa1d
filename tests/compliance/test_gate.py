"""The gate on the bet path: what it counts, what it refuses, what it keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from compliance.models_gate import PlayActivity, PlayGate
from compliance.models_limits import Limit
from compliance.selectors_gate import list_decisions, sum_played
from compliance.services.cases import CaseTaken, claim_case, open_case, resolve_case
from compliance.services.gate import decide
from compliance.services.play_gate import forget, refresh
from compliance.types_cases import CaseKind, CaseState
from compliance.types_gate import BetFacts, DepositFacts, GateAction, Verdict
from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from events.models import Event
from kernel.actors import Actor, ActorKind
from kernel.money import Money
from players.services.accounts import change_settings
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.packs import activate
from wallet.services.bets import credit_win, roll_back_bet
from wallet.services.holds import release, reserve
from wallet.types import Outcome, RefusalReason

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> PlayerDetails:
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    return player


def limit(player: PlayerDetails, kind: LimitKind, period: LimitPeriod, amount_minor: int) -> None:
    Limit.objects.create(
        player_id=player.id,
        kind=kind,
        period=period,
        amount_minor=amount_minor,
        set_by=SetBy.PLAYER,
        active_from=AT - timedelta(days=1),
    )
    refresh(player_id=player.id, at=AT)


def test_the_first_bet_has_the_row_made_and_is_placed(player: PlayerDetails) -> None:
    assert not PlayGate.objects.exists()
    assert bet(player.id, "1.00").outcome is Outcome.APPLIED
    row = PlayGate.objects.get(player_id=player.id)
    assert row.plain
    assert (row.hour_bets, row.hour_staked_minor, row.session_staked_minor) == (1, 100, 100)


def test_an_hour_that_ends_goes_into_the_activity(player: PlayerDetails) -> None:
    bet(player.id, "1.00")
    bet(player.id, "2.00", at=AT + timedelta(hours=1))
    bet(player.id, "4.00", at=AT + timedelta(minutes=5))  # a clock that was set back
    bet(player.id, "8.00", at=AT + timedelta(days=2))
    assert list(PlayActivity.objects.order_by("hour_at").values_list("bets", "staked_minor")) == [(2, 500), (1, 200)]
    assert sum_played(player.id, AT - timedelta(days=1))[:2] == (1500, 1500)
    assert sum_played(player.id, AT + timedelta(days=1))[:2] == (800, 800)


def test_a_win_and_a_rollback_are_counted_where_they_belong(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    later = AT + timedelta(hours=3)
    common = {"player_id": player.id, "source": "test", "bet_key": "b", "actor": ACTOR}
    credit_win(**common, idempotency_key="w", amount=Money(400, "EUR"), at=later)  # type: ignore[arg-type]
    assert sum_played(player.id, AT.replace(minute=0))[:2] == (1000, 600)
    assert sum_played(player.id, later)[:2] == (0, 0)  # of the oldest hour a part only: its wins are left out
    roll_back_bet(**common, idempotency_key="r", at=later + timedelta(days=1))  # type: ignore[arg-type]
    assert sum_played(player.id, AT - timedelta(days=1))[:2] == (0, 0)


def test_a_limit_refuses_the_bet_that_would_pass_it_and_a_rollback_frees_it(player: PlayerDetails) -> None:
    limit(player, LimitKind.LOSS, LimitPeriod.DAY, 1000)
    assert bet(player.id, "10.00", key="b").outcome is Outcome.APPLIED
    refused = bet(player.id, "0.01")
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "limit_reached")
    [kept] = list_decisions(player_id=player.id)
    assert kept.action is GateAction.BET
    assert kept.verdict is Verdict.DENY
    assert kept.reasons[0].data["period"] == "day"
    roll_back_bet(player_id=player.id, source="test", bet_key="b", idempotency_key="r", actor=ACTOR, at=AT)
    assert bet(player.id, "10.00").outcome is Outcome.APPLIED


def test_what_is_reserved_counts_until_it_is_released(player: PlayerDetails) -> None:
    limit(player, LimitKind.WAGERING, LimitPeriod.ROLLING_24H, 1000)
    held = {"player_id": player.id, "source": "test", "game": "fruits", "round_id": "r", "actor": ACTOR, "at": AT}
    assert reserve(**held, idempotency_key="h", amount=Money(900, "EUR")).ok  # type: ignore[arg-type]
    assert bet(player.id, "1.01").reason == "limit_reached"
    release(player_id=player.id, source="test", idempotency_key="rel", hold_key="h", currency="EUR", actor=ACTOR, at=AT)
    assert bet(player.id, "10.00").outcome is Outcome.APPLIED


def test_a_row_that_was_forgotten_is_made_anew(player: PlayerDetails) -> None:
    bet(player.id, "1.00")
    limit_row = PlayGate.objects.get(player_id=player.id)
    assert forget(countries=["DE"]) == 1
    assert bet(player.id, "1.00").outcome is Outcome.APPLIED
    row = PlayGate.objects.get(player_id=player.id)
    assert row.valid_until is None
    assert row.hour_staked_minor == limit_row.hour_staked_minor + 100


def test_a_denial_is_kept_and_explained_alike(player: PlayerDetails) -> None:
    impose(
        player_id=player.id,
        kind=RestrictionKind.PLAY_BLOCK,
        reason="asked for a pause",
        source="player",
        actor=ACTOR,
        at=AT,
    )
    assert bet(player.id, "1.00").reason == "play_block"
    euro = Money(100, "EUR")
    facts = BetFacts("fruits", "slots", euro, euro)
    decision = decide(action=GateAction.BET, player_id=player.id, facts=facts, actor=ACTOR, at=AT)
    assert not decision.allowed
    assert decision.refusal.code == "play_block"
    assert [kept.reasons[0].code for kept in list_decisions(player_id=player.id)] == ["play_block", "play_block"]
    allowed = decide(action=GateAction.DEPOSIT, player_id=player.id, facts=DepositFacts(euro), actor=ACTOR, at=AT)
    assert allowed.verdict is Verdict.ALLOW
    assert allowed.decision_id is None


def test_a_decision_is_never_rewritten(player: PlayerDetails) -> None:
    limit(player, LimitKind.STAKE, LimitPeriod.NONE, 100)
    assert bet(player.id, "1.01").reason == "limit_reached"
    with pytest.raises(Exception, match=r"append-only|permission denied"), connection.cursor() as cursor:
        cursor.execute("UPDATE compliance_gatedecision SET verdict = 'allow'")


def test_a_bet_without_money_is_not_the_gates_business(player: PlayerDetails) -> None:
    assert bet(player.id, "100.01").reason == RefusalReason.INSUFFICIENT_FUNDS
    assert list_decisions(player_id=player.id) == []


def test_who_is_excluded_hears_of_that_whatever_money_there_is(player: PlayerDetails) -> None:
    impose(player_id=player.id, kind=RestrictionKind.SELF_EXCLUDED, reason="r", source="s", actor=ACTOR, at=AT)
    assert bet(player.id, "100.01").reason == "self_excluded"
    hold = reserve(
        player_id=player.id,
        source="test",
        idempotency_key="hold",
        game="fruits",
        round_id="r",
        amount=Money.parse("100.01", "EUR"),
        actor=ACTOR,
        at=AT,
    )
    assert hold.reason == "self_excluded"


def test_a_case_is_opened_once_and_ended_by_who_took_it(player: PlayerDetails) -> None:
    common = {"kind": CaseKind.LIMIT_CONTACT, "player_id": player.id, "facts": {"limit": "x"}, "key": "k"}
    case = open_case(**common, actor=ACTOR, at=AT)  # type: ignore[arg-type]
    assert open_case(**common, actor=ACTOR, at=AT + timedelta(days=1)) == case  # type: ignore[arg-type]
    one, two = (Actor(ActorKind.STAFF, str(n), frozenset({"compliance.resolve_reviewcase"})) for n in (1, 2))
    claim_case(case_id=case.id, actor=one, at=AT)
    with pytest.raises(CaseTaken):
        resolve_case(case_id=case.id, outcome="spoken to", comment="All is well.", actor=two, at=AT)
    ended = resolve_case(case_id=case.id, outcome="spoken to", comment="All is well.", actor=one, at=AT)
    assert ended.state is CaseState.RESOLVED
    told = Event.objects.filter(type__startswith="compliance.review-case-").order_by("id")
    assert [(event.type.split(".")[1], event.player_id) for event in told] == [
        ("review-case-opened", player.id),
        ("review-case-claimed", player.id),
        ("review-case-resolved", player.id),
    ]
    assert (told[1].payload["claimed_by"], told[2].payload["outcome"]) == ("staff:1", "spoken to")


def test_who_moves_is_judged_by_the_rules_of_the_new_residence(player: PlayerDetails) -> None:
    activate("GB")
    bet(player.id, "1.00")
    assert PlayGate.objects.get(player_id=player.id).packs.startswith("default")
    change_settings(player_id=player.id, changes={"country": "GB"}, actor=ACTOR, at=AT)
    assert PlayGate.objects.get(player_id=player.id).packs.startswith("GB")


def test_a_new_version_of_a_pack_has_its_players_rows_made_anew(player: PlayerDetails) -> None:
    bet(player.id, "1.00")
    activate("DE")
    bet(player.id, "1.00")
    assert PlayGate.objects.get(player_id=player.id).packs.startswith("DE 2023-09-01")

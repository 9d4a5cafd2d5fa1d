"""Simulated costs against what can be worked out by hand; runs that are asked for and worked on behind."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from bonuses import rules, rules_simulation
from bonuses.models import OfferVersion
from bonuses.models_runs import OfferRun
from bonuses.rules_simulation import COMPLETED, EXPIRED, GAMES, LOST, Game, Model, Played
from bonuses.services.offers import parse_rule
from bonuses.services.simulation import request_run, simulate, work_runs
from bonuses.types_offer import OfferRule
from bonuses.types_simulation import SimulationWanted
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.money import Money
from tests.bonuses.offers import GIFT, MAKER, MATCH, SPINS, live_offer, merged
from tests.factories import AT

FAIR = Game("slots", 1.0, 0.0)


def rule_of(base: dict[str, Any] = MATCH, **changes: Any) -> OfferRule:
    return parse_rule(json.dumps(merged(base, changes)))


def played(rule: OfferRule, game: Game = GAMES[0], players: int = 2_000, seed: int = 1, **changes: Any) -> Played:
    model: dict[str, Any] = {
        "players": players, "seed": seed, "currency": "EUR", "deposits": [2_000, 5_000, 20_000], "game": game,
        "stake_percent": Decimal(2), "bets_per_day": 200,
    }  # fmt: skip
    return rules_simulation.simulate(rule, Model(**(model | changes)))


def test_what_is_not_wagered_costs_the_award_exactly() -> None:
    found = played(rule_of(wagering={"multiple": "0"}))
    assert (found.cost == found.award).all()
    assert set(found.cost) == {2_000, 5_000, 10_000}  # the cap is 100.00


def test_with_a_fair_game_without_chance_everybody_completes_and_keeps_all() -> None:
    found = played(rule_of(), FAIR)
    assert (found.state == COMPLETED).all()
    assert (found.cost == found.award).all()
    assert (found.real == found.deposit).all()
    # Ten times the award, in stakes of two per cent of deposit and award together: 250 bets where the two are equal.
    assert set(found.days[found.deposit == 2_000]) == {250 / 200}


def test_a_house_edge_without_chance_takes_what_it_says() -> None:
    """A gift of 10.00 wagered five times at 99 %: 250 bets of 0.20 take 0.002 each."""
    found = played(rule_of(GIFT), Game("slots", 0.99, 0.0))
    assert (found.cost == 950).all()


def test_who_plays_too_little_loses_the_bonus_when_its_time_is_over() -> None:
    found = played(rule_of(GIFT), FAIR, bets_per_day=1)
    assert (found.state == EXPIRED).all()
    assert (found.days == 7).all()
    assert not found.cost.any()


def test_a_category_that_does_not_count_completes_nothing() -> None:
    assert not (played(rule_of(), Game("live", 1.0, 0.0), bets_per_day=5).state == COMPLETED).any()


def test_a_tenth_of_the_stake_counts_where_the_rule_says_so() -> None:
    whole, tenth = played(rule_of(), FAIR), played(rule_of(), Game("table", 1.0, 0.0))
    assert np.abs(tenth.days - 10 * whole.days).max() < 10 / 200  # a bet each


def test_no_more_than_the_most_becomes_real_money() -> None:
    found = played(rule_of(GIFT, wagering={"max_conversion": {"EUR": "15.00"}}), Game("slots", 0.96, 8))
    assert found.cost.max() == 1_500
    assert played(rule_of(GIFT), Game("slots", 0.96, 8)).cost.max() > 1_500


def test_a_stake_is_never_above_the_highest() -> None:
    found = played(rule_of(GIFT, wagering={"max_stake": {"EUR": "0.10"}}), FAIR, stake_percent=Decimal(100))
    assert set(found.days) == {500 / 200}  # 50.00 in stakes of 0.10


def test_only_what_the_bonus_pays_counts_where_the_rule_says_so() -> None:
    """Real money goes first: in a game that never takes any, no stake is ever the bonus's."""
    assert (played(rule_of(wagering={"counts": "bonus"}), FAIR).state == EXPIRED).all()


def test_free_spins_bring_what_the_game_pays_on_average() -> None:
    real = rule_of(SPINS, award={"spin_wins": "real"}, wagering={"multiple": "0"})
    found = played(real, Game("slots", 0.96, 2), players=50_000)
    assert abs(found.cost.mean() - 10 * 50 * 0.96) < 5 * 10**0.5 * 2 * 50 / 50_000**0.5 + 1
    assert (played(rule_of(SPINS), FAIR).cost == 500).all()


@pytest.mark.parametrize("game", GAMES)
def test_a_game_has_its_rtp_and_volatility(game: Game) -> None:
    assert game.chance * game.pays == pytest.approx(game.rtp)
    assert game.chance * game.pays**2 - game.rtp**2 == pytest.approx(game.volatility**2)
    assert 0 < game.chance <= 1


def test_what_is_left_of_all_money_is_what_the_game_takes() -> None:
    """Nobody gains from a fair game however it swings: deposit and award come out again, but for what completing caps."""
    found = played(rule_of(), Game("slots", 1.0, 3.0), players=100_000)
    came_out, error = (found.real + found.cost).mean(), (found.real + found.cost).std() / 100_000**0.5
    assert abs(came_out - (found.deposit + found.award).mean()) < 5 * error + 1


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    one, again, other = (played(rule_of(), seed=seed, players=30_000) for seed in (7, 7, 8))
    assert (one.cost == again.cost).all()
    assert (one.state == again.state).all()
    assert (one.cost != other.cost).any()


def test_awards_are_those_of_a_grant() -> None:
    for rule in (rule_of(), rule_of(award={"percent": "33.33"}), rule_of(GIFT)):
        bases = np.array([1.0, 999, 1_000, 3_333, 10_000, 30_003, 1_000_000])
        one_by_one = [
            rules.award_of(rule, currency="EUR", base=Money(int(base), "EUR"), level="", scale=Decimal(1)).amount
            for base in bases
        ]
        assert list(rules_simulation.awards(rule, "EUR", bases)) == [amount.amount_minor for amount in one_by_one]


def test_a_careful_abuser_chooses_the_game_that_takes_least_and_keeps_to_what_counts() -> None:
    model = Model(2_000, 1, "EUR", [2_000], GAMES[0], Decimal(2), 200)
    found = rules_simulation.abuse(rule_of(GIFT, wagering={"contribution": {"live": "0"}}), model)
    assert "live" not in {one.category for one in found}
    assert [Decimal(one.value) for one in found] == sorted((Decimal(one.value) for one in found), reverse=True)
    only = rules_simulation.abuse(rule_of(GIFT, wagering={"game_categories": ["table"]}), model)
    assert {one.category for one in only} == {"table"}
    free = rules_simulation.abuse(rule_of(wagering={"multiple": "0"}), model)
    assert {one.value for one in free} == {"100.00"}  # pays in what gives most, and takes it out again


def test_the_figures_add_up() -> None:
    model = Model(5_000, 1, "EUR", [2_000], GAMES[0], Decimal(2), 200)
    found = rules_simulation.simulate(rule_of(), model)
    said = rules_simulation.figures(found, model)
    assert sum(bar["players"] for bar in said["histogram"]) == int((found.cost > 0).sum())
    assert said["completion"][-1]["percent"] == said["completed_percent"]
    shares = [Decimal(said[name]) for name in ("completed_percent", "lost_percent", "expired_percent")]
    assert abs(sum(shares) - 100) <= Decimal("0.2")
    assert Decimal(said["completed_percent"]) == round(Decimal(int((found.state == COMPLETED).sum())) / 50, 1)
    assert (found.state == LOST).any()
    assert said["mean"] == str(Money(round(found.cost.mean()), "EUR"))
    json.dumps(said)


# --- asked for and kept -----------------------------------------------------------------------------------------------


def version_of(code: str) -> OfferVersion:
    return OfferVersion.objects.get(offer__code=code)


@pytest.mark.usefixtures("db")
def test_a_run_is_worked_once_and_kept_with_the_version() -> None:
    version = version_of(live_offer(MATCH).code)
    wanted = SimulationWanted(players=1_000)
    run_id = request_run(version_id=version.id, wanted=wanted, actor=MAKER, at=AT)
    assert request_run(version_id=version.id, wanted=wanted, actor=MAKER, at=AT) == run_id
    assert work_runs(at=AT) == 1
    assert work_runs(at=AT) == 0
    run = OfferRun.objects.get()
    version.refresh_from_db()
    assert (run.state, run.percent, run.result) == ("done", 100, version.simulation)
    assert version.simulation
    assert version.simulation["wanted"]["currency"] == "EUR"
    again = simulate(version_id=version.id, wanted=wanted, at=AT)
    assert again == version.simulation
    assert all(isinstance(value, (str, int, list, dict)) for value in again.values())


@pytest.mark.usefixtures("db")
def test_a_run_that_fails_says_so_and_one_whose_worker_died_is_taken_up_again() -> None:
    version = version_of(live_offer(MATCH).code)
    request_run(version_id=version.id, wanted=SimulationWanted(players=1_000), actor=MAKER, at=AT)
    OfferRun.objects.update(wanted={"players": "many"})
    assert work_runs(at=AT) == 1
    assert OfferRun.objects.get().state == "failed"
    OfferRun.objects.update(state="working", started_at=AT, wanted={"players": 1_000})
    assert work_runs(at=AT) == 0
    from bonuses.services.simulation import GIVEN_UP

    assert work_runs(at=AT + GIVEN_UP * 2) == 1
    assert OfferRun.objects.get().state == "done"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"players": 1}, "players"),
        ({"players": 10**7}, "players"),
        ({"rtp": Decimal("1.2")}, "rtp"),
        ({"volatility": Decimal(-1)}, "volatility"),
        ({"stake_percent": Decimal(0)}, "stake_percent"),
        ({"bets_per_day": 0}, "bets_per_day"),
        ({"currency": "SEK"}, "currency"),
        ({"category": "bingo"}, "category"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_by_field(change: dict[str, Any], field: str) -> None:
    version = version_of(live_offer(MATCH).code)
    with pytest.raises(FieldErrors) as caught:
        request_run(version_id=version.id, wanted=SimulationWanted(**change), actor=MAKER, at=AT)
    assert list(caught.value.errors) == [field]


@pytest.mark.usefixtures("db")
def test_only_who_writes_offers_asks_for_a_run() -> None:
    version = version_of(live_offer(MATCH).code)
    other = Actor(ActorKind.STAFF, "904", frozenset({"bonuses.view_offer"}))
    with pytest.raises(AccessDenied):
        request_run(version_id=version.id, wanted=SimulationWanted(), actor=other, at=AT)


@pytest.mark.usefixtures("db")
def test_the_command_prints_the_figures() -> None:
    offer = live_offer(GIFT, wagering={"multiple": "0"})
    out = StringIO()
    call_command("simulate_offer", offer.code, players=1_000, stdout=out)
    assert "mean 10.00 EUR" in out.getvalue()
    assert "deposits assumed" in out.getvalue()

"""What an offer may cost, played through by many made-up players. Seeded: the same model gives the same figures.

A bet wins ``pays`` times its stake with the chance ``chance``, or nothing: the two that give a game's RTP and volatility.
Stakes draw on real money first; a win returns in the proportion of the stake, as in the wallet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import numpy as np

from bonuses import rules
from bonuses.types_offer import AwardKind, Counts, OfferRule, TriggerKind, WageringOf
from bonuses.types_simulation import Strategy
from kernel.money import Money

Floats = np.ndarray[Any, np.dtype[np.float64]]
# So many players at once: what they need stays within the processor's cache, and memory flat.
BATCH = 20_000
BARS, POINTS = 24, 30
COMPLETED, LOST, EXPIRED = 1, 2, 3
# Sums of many floats stay within so much of a minor unit.
HAIR = 1e-4
# Shares of the highest stake that a careful abuser tries.
STAKES = (Decimal(1), Decimal("0.5"), Decimal("0.2"))
ABUSERS = 5_000


@dataclass(frozen=True, slots=True)
class Game:
    """A game as players meet it. ``volatility`` is the standard deviation of what a bet pays, in stakes."""

    category: str
    rtp: float
    volatility: float

    @property
    def pays(self) -> float:
        return (self.volatility**2 + self.rtp**2) / self.rtp

    @property
    def chance(self) -> float:
        return self.rtp / self.pays


# What a casino's games are like, where nothing better is known.
GAMES = (Game("slots", 0.96, 5), Game("table", 0.99, 1.1), Game("live", 0.985, 1.2), Game("crash", 0.97, 3))


@dataclass(frozen=True, slots=True)
class Model:
    """Who plays. ``deposits`` are equally likely, in minor units; ``stake_percent`` is of what a player begins with."""

    players: int
    seed: int
    currency: str
    deposits: Sequence[int]
    game: Game
    stake_percent: Decimal
    bets_per_day: int


@dataclass(frozen=True, slots=True)
class Played:
    """How it went, a value a player: ``cost`` is what of the bonus became real money, ``real`` the other real money at the
    end, both in minor units; ``state`` one of COMPLETED, LOST, EXPIRED; ``days`` until then."""

    deposit: Floats
    award: Floats
    cost: Floats
    real: Floats
    state: np.ndarray[Any, np.dtype[np.int8]]
    days: Floats


def assumed_deposits(median: int, parts: int = 100) -> list[int]:
    """Deposits where no history is: log-normal, half of them below ``median``, one in six above e times it."""
    return [max(1, round(median * np.exp(NormalDist().inv_cdf((part + 0.5) / parts)))) for part in range(parts)]


def simulate(rule: OfferRule, model: Model, told: Callable[[int], object] = lambda done: None) -> Played:
    """Let everybody play ``model.game``; ``told`` hears after each batch how many have."""
    parts, done = [], 0
    choices = np.asarray(model.deposits, dtype=np.float64)
    while done < model.players:
        size = min(BATCH, model.players - done)
        random = np.random.Generator(np.random.SFC64([model.seed, done]))
        deposit = np.maximum(choices[random.integers(len(choices), size=size)], least_deposit(rule, model.currency))
        parts.append(_play(rule, model.currency, model.game, deposit, None, model, random))
        told(done := done + size)
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Played.__slots__}
    return Played(**joined)


def abuse(rule: OfferRule, model: Model) -> list[Strategy]:
    """What a careful player takes out of it, by game and stake: best first. The deposit is the one that gives most bonus;
    they play until it is wagered, lost or over, and never break a term."""
    found = []
    players = min(ABUSERS, model.players)
    for number, game in enumerate(games_of(rule, model.game)):
        deposit = np.full(players, best_deposit(rule, model.currency), dtype=np.float64)
        for share in STAKES if rule.wagering.multiple else STAKES[:1]:
            random = np.random.Generator(np.random.SFC64([model.seed, number, int(share * 100)]))
            played = _play(rule, model.currency, game, deposit, share, model, random)
            value = played.real + played.cost - played.deposit
            found.append(
                Strategy(
                    category=game.category,
                    contribution_percent=str(contribution(rule, game.category)),
                    stake_percent=str((share * 100).normalize().quantize(Decimal(1))),
                    value=_money(value.mean(), model.currency),
                    error=_money(value.std() / players**0.5, model.currency),
                    completed_percent=_percent((played.state == COMPLETED).mean()),
                )
            )
    return sorted(found, key=lambda one: Decimal(one.value), reverse=True)


def games_of(rule: OfferRule, plain: Game) -> list[Game]:
    """The games that a bonus may be wagered on and that count; ``plain`` stands for its own category."""
    known = {game.category: game for game in GAMES} | {plain.category: plain}
    allowed = rule.wagering.game_categories or list(known)
    found = [game for name, game in known.items() if name in allowed and contribution(rule, name)]
    return found or [plain]


def contribution(rule: OfferRule, category: str) -> Decimal:
    return rule.wagering.contribution.get(category, Decimal(100))


def least_deposit(rule: OfferRule, currency: str) -> int:
    least = rules.amount_in(rule.award.min_deposit, currency)
    return least.amount_minor if least else 1


def best_deposit(rule: OfferRule, currency: str) -> int:
    """The smallest deposit (or loss) that gives the most bonus."""
    cap, percent = rules.amount_in(rule.award.cap, currency), percent_of(rule)
    least = least_deposit(rule, currency)
    return max(least, -int(-cap.amount_minor * 100 // percent)) if cap and percent else least


def percent_of(rule: OfferRule) -> Decimal:
    """The per cent of everybody; where only levels have one, the highest: rather too dear than too cheap."""
    return rule.award.percent or max(rule.award.percent_by_level.values(), default=Decimal(0))


def awards(rule: OfferRule, currency: str, base: Floats) -> Floats:
    """The bonus money of each deposit or loss, as ``rules.award_of`` gives it to a player of no level."""
    award = rule.award
    match award.kind:
        case AwardKind.FIXED:
            amount = rules.amount_in(award.amount, currency) or Money.zero(currency)
            return np.full(len(base), float(amount.amount_minor))
        case AwardKind.POINTS_REDEMPTION:
            most = rules.amount_in(award.cap, currency)
            return np.minimum(base, most.amount_minor) if most else base
        case AwardKind.DEPOSIT_MATCH | AwardKind.CASHBACK:
            amounts = base.astype(np.int64) * int(percent_of(rule) * 100) // 10_000
            cap = rules.amount_in(award.cap, currency)
            return (np.minimum(amounts, cap.amount_minor) if cap else amounts).astype(np.float64)
    return np.zeros(len(base))


def _play(
    rule: OfferRule,
    currency: str,
    game: Game,
    deposit: Floats,
    stake_share: Decimal | None,
    model: Model,
    random: np.random.Generator,
) -> Played:
    """From the award to its end. ``stake_share`` is of the highest stake; None: ``model.stake_percent`` of the beginning."""
    wagering, award = rule.wagering, rule.award
    size = len(deposit)
    bonus = awards(rule, currency, deposit)
    if award.kind is AwardKind.FREE_SPINS:
        value = rules.amount_in(award.spin_value, currency) or Money.zero(currency)
        bonus = np.floor(random.binomial(award.spins, game.chance, size) * game.pays * value.amount_minor)
    paid_in = award.kind is AwardKind.DEPOSIT_MATCH or rule.trigger.kind in (TriggerKind.DEPOSIT, TriggerKind.CODE)
    real = deposit.copy() if paid_in else np.zeros(size)
    played = Played(
        deposit=real.copy(),
        award=bonus.copy(),
        cost=np.zeros(size),
        real=real.copy(),
        state=np.full(size, COMPLETED, dtype=np.int8),
        days=np.zeros(size),
    )
    if not wagering.multiple:
        played.cost[:] = bonus
        return played
    of = bonus + deposit if wagering.of is WageringOf.BONUS_AND_DEPOSIT else bonus
    required = np.rint(of * float(wagering.multiple)) - HAIR
    most = rules.amount_in(wagering.max_stake, currency)
    whole = real + bonus
    stake = whole * float(model.stake_percent) / 100 if stake_share is None else whole.copy()
    if most:
        stake = np.minimum(stake, most.amount_minor)
    stake = np.maximum(1, np.floor(stake * float(stake_share or 1)))
    counts = float(contribution(rule, game.category)) / 100
    top = rules.amount_in(wagering.max_conversion, currency)

    who = np.arange(size)
    wagered = np.zeros(size)
    for number in range(1, wagering.days * model.bets_per_day + 1):
        paid = np.minimum(stake, real + bonus)
        from_real = np.minimum(paid, real)
        from_bonus = paid - from_real
        wagered += (from_bonus if wagering.counts is Counts.BONUS else paid) * counts
        gain = (random.random(len(who), dtype=np.float32) < game.chance) * game.pays - 1
        real += from_real * gain
        bonus += from_bonus * gain
        empty = real + bonus < 1 - HAIR
        completed = (wagered >= required) & ~empty & (stake > 0)
        lost = empty & (stake > 0)
        if completed.any() or lost.any():
            gone = completed | lost
            ended = who[gone]
            played.state[ended] = np.where(completed[gone], COMPLETED, LOST)
            played.days[ended] = number / model.bets_per_day
            played.real[ended] = real[gone]
            played.cost[who[completed]] = np.minimum(bonus[completed], top.amount_minor if top else np.inf)
            stake[gone] = 0  # they bet no more; the arrays shrink now and then
            left = stake > 0
            if 4 * left.sum() < 3 * len(who):
                who, real, bonus, wagered = who[left], real[left], bonus[left], wagered[left]
                required, stake = required[left], stake[left]
        if not len(who):
            break
    still = stake > 0
    played.state[who[still]] = EXPIRED
    played.days[who[still]] = wagering.days
    played.real[who[still]] = real[still]
    np.floor(played.cost + HAIR, out=played.cost)
    return played


def figures(played: Played, model: Model) -> dict[str, Any]:
    """The distribution of the cost, how many completed it and when: texts and whole numbers, to be kept as JSON."""
    cost, state = played.cost, played.state
    completed = state == COMPLETED
    levels = np.percentile(cost, (5, 50, 95, 99), method="inverted_cdf")
    paid = cost[cost > 0]
    counted, edges = np.histogram(paid, bins=BARS, range=(0, np.percentile(paid, 98) if len(paid) else 1))
    counted[-1] += int((paid > edges[-1]).sum())  # the last bar holds what is beyond it
    took = np.sort(played.days[completed])
    last = float(np.ceil(took[-1])) if len(took) else 1.0  # the day by which all have completed who do
    at = [last * point / POINTS for point in range(1, POINTS + 1)]
    curve = np.searchsorted(took, at, side="right") / len(cost)
    currency = model.currency
    return {
        "award_mean": _money(played.award.mean(), currency),
        "mean": _money(cost.mean(), currency),
        **{f"p{level}": _money(float(value), currency) for level, value in zip((5, 50, 95, 99), levels, strict=True)},
        "most": _money(cost.max(), currency),
        "completed_percent": _percent(completed.mean()),
        "lost_percent": _percent((state == LOST).mean()),
        "expired_percent": _percent((state == EXPIRED).mean()),
        "nothing_percent": _percent((cost <= 0).mean()),
        "mean_days": f"{played.days[completed].mean() if completed.any() else 0:.1f}",
        "histogram": [
            {"from": _money(float(low), currency), "to": _money(float(high), currency), "players": int(players)}
            for low, high, players in zip(edges[:-1], edges[1:], counted, strict=True)
        ],
        "completion": [{"day": f"{day:.2f}", "percent": _percent(share)} for day, share in zip(at, curve, strict=True)],
    }


def _money(minor: float, currency: str) -> str:
    return str(Money(round(float(minor)), currency))


def _percent(share: Any) -> str:
    return f"{100 * float(share):.1f}"

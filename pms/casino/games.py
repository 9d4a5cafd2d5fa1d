"""The invented catalogue, and how its games pay: every draw gives back the game's RTP on average."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from random import Random

from wallet.types import GameCategory, GameDetails

# Per volatility: what a winning spin pays (× stake) and how often among winning spins.
_PAYS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "low": ((0.5, 1.0, 1.5, 2.0, 5.0, 20.0), (30, 25, 20, 15, 9, 1)),
    "medium": ((0.5, 1.0, 2.0, 5.0, 15.0, 100.0), (30, 25, 25, 14, 5.5, 0.5)),
    "high": ((0.5, 1.0, 3.0, 10.0, 50.0, 500.0), (32, 26, 26, 13, 2.8, 0.2)),
}


@dataclass(frozen=True, slots=True)
class CasinoGame:
    """A game of the catalogue. ``pays`` is a volatility, a fixed payout ("2.0"), or "crash": the player picks one."""

    details: GameDetails
    pays: str

    @property
    def code(self) -> str:
        return self.details.code


def draw_win(game: CasinoGame, stake_minor: int, random: Random) -> int:
    """What one round pays, in minor units, rounded down. The mean over many rounds is stake × RTP."""
    rtp = float(game.details.rtp)
    if game.pays in _PAYS:
        multipliers, weights = _PAYS[game.pays]
        mean = sum(m * w for m, w in zip(multipliers, weights, strict=True)) / sum(weights)
        if random.random() >= rtp / mean:
            return 0
        multiplier = random.choices(multipliers, weights)[0]
    else:
        multiplier = round(1.1 + random.expovariate(0.9), 2) if game.pays == "crash" else float(game.pays)
        if random.random() >= rtp / multiplier:
            return 0
    return stake_minor * round(multiplier * 100) // 100


_SLOTS = """
Orchard of Luck|Golden Beehive|Harbour Lights|Moonlit Vineyard|Desert Caravan|Frost Giants|Pharaoh's Cat|Lucky Tram
Emerald Clover|Volcano Drums|Pirate Accountant|Sugar Meadow|Tiger Lanterns|Northern Crown|Cosmic Diner|Thunder Stag
Ruby Railway|Mermaid Bay|Wild Apothecary|Clockwork Fox|Saffron Palace|Neon Koi|Dragon Bakery|Old Town Sevens
Jungle Cartographer|Silver Mountain|Carnival Keys|Bandit Owls|Crystal Orangery|Gladiator Gold|Fairground Fruits|Sunken Bell
Rocket Radishes|Midnight Tango|Alpine Rush|Book of Herons
""".replace("\n", "|")
_TABLE = (
    "European Roulette:2.0|French Roulette:2.0|Blackjack Classic:2.0|Baccarat:2.0|Casino Stud:3.0|"
    "Sic Bo:6.0|Craps Table:2.0|Red Dog:2.0|Video Poker:4.0|Pai Gow Poker:2.0"
)
_LIVE = (
    "Live Roulette Prague:2.0|Live Blackjack Salon:2.0|Live Baccarat Riviera:2.0|Wheel of Seasons:5.0|"
    "Live Sic Bo:6.0|Ball Drop Live:8.0|Live Poker Lounge:3.0|Dice Street Live:2.0"
)
_CRASH = "Kite|Balloon Run|Comet|Lift Off|Deep Dive|Paper Plane"
_PROVIDERS = {
    GameCategory.SLOTS: ("Lindwurm Games", "Seven Herons", "Northlight Studio", "Piccolo Works"),
    GameCategory.TABLE: ("Green Baize", "Northlight Studio"),
    GameCategory.LIVE: ("Salon Live",),
    GameCategory.CRASH: ("Skyward", "Piccolo Works"),
}


@cache
def catalogue() -> tuple[CasinoGame, ...]:
    """Sixty games; always the same ones."""
    random = Random("catalogue")
    games = []
    for name in filter(None, _SLOTS.split("|")):
        games.append(_game(name, GameCategory.SLOTS, random.choice(list(_PAYS)), random.uniform(0.94, 0.972), random))
    for category, names, rtp in ((GameCategory.TABLE, _TABLE, 0.973), (GameCategory.LIVE, _LIVE, 0.965)):
        for name, _, pays in (item.partition(":") for item in names.split("|")):
            games.append(_game(name, category, pays, rtp + random.uniform(-0.01, 0.015), random))
    for name in _CRASH.split("|"):
        games.append(_game(name, GameCategory.CRASH, "crash", random.uniform(0.96, 0.98), random))
    return tuple(games)


def _game(name: str, category: GameCategory, pays: str, rtp: float, random: Random) -> CasinoGame:
    code = "".join(char for char in name.lower().replace(" ", "-") if char.isalnum() or char == "-")
    details = GameDetails(
        code=code,
        name=name,
        provider=random.choice(_PROVIDERS[category]),
        category=category,
        rtp=Decimal(f"{rtp:.4f}"),
        exclusive=random.random() < 0.08,
        active=True,
    )
    return CasinoGame(details, pays)

"""Invented players: who they are and how they play. The same seed gives the same person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from pms.casino.games import CasinoGame, catalogue
from wallet.types import GameCategory

BORN_FROM = date(1950, 1, 1)
BORN_DAYS = 19_000  # the youngest were born in 2002


@dataclass(frozen=True, slots=True)
class Country:
    language: str
    time_zone: str
    first_names: str
    last_names: str
    cities: str


COUNTRIES = {
    "DE": Country("de", "Europe/Berlin", "Anna Lukas Mia Jonas Lena Felix Sophie Paul Katrin Stefan Julia Tobias",
                  "Müller Schmidt Becker Wagner Hoffmann Koch Richter Klein Wolf Neumann Krüger Vogel",
                  "Berlin Hamburg Köln Leipzig Bremen Kassel"),
    "AT": Country("de-AT", "Europe/Vienna", "Lena Maximilian Laura David Theresa Florian Eva Matthias",
                  "Gruber Huber Wagner Pichler Steiner Moser Mayer Hofer Leitner", "Wien Graz Linz Salzburg Innsbruck"),
    "FR": Country("fr", "Europe/Paris", "Camille Hugo Léa Louis Manon Arthur Chloé Nathan Inès Julien",
                  "Martin Bernard Dubois Moreau Laurent Simon Lefebvre Roux Fournier Girard",
                  "Paris Lyon Nantes Lille Bordeaux"),
    "IT": Country("it", "Europe/Rome", "Giulia Francesco Sofia Alessandro Martina Lorenzo Chiara Matteo",
                  "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino", "Roma Milano Torino Bologna Bari"),
    "ES": Country("es", "Europe/Madrid", "Lucía Hugo María Pablo Carmen Diego Elena Javier Marta",
                  "García Fernández González López Sánchez Pérez Gómez Ruiz Díaz", "Madrid Valencia Sevilla Zaragoza Bilbao"),
    "NL": Country("nl", "Europe/Amsterdam", "Emma Daan Sanne Bram Lotte Thijs Fleur Ruben",
                  "Jansen Visser Bakker Smit Meijer Mulder Bos Vos Peters", "Amsterdam Utrecht Groningen Breda"),
    "FI": Country("fi", "Europe/Helsinki", "Aino Eetu Helmi Väinö Sanna Mikko Laura Juho",
                  "Korhonen Virtanen Mäkinen Nieminen Laine Heikkinen Koskinen", "Helsinki Tampere Turku Oulu"),
    "IE": Country("en", "Europe/Dublin", "Aoife Conor Niamh Sean Ciara Liam Orla Declan",
                  "Murphy Kelly Byrne Ryan Walsh Doyle Nolan Daly", "Dublin Cork Galway Limerick"),
}  # fmt: skip
_COUNTRY_WEIGHTS = (30, 10, 14, 14, 12, 8, 7, 5)
_SOURCES = ("organic", "google-ads", "affiliate-spielecheck", "affiliate-luckyguide", "friend", "tv-spot", "newsletter")
_SOURCE_WEIGHTS = (32, 22, 16, 10, 10, 6, 4)


@dataclass(frozen=True, slots=True)
class Habit:
    """How a kind of player plays: sessions a week, bets a session (median), stake (median, EUR), deposit (EUR).

    ``churn`` is the chance, per week, to stop for good; ``hours`` the local hours around which sessions begin.
    """

    name: str
    weight: int
    sessions_a_week: float
    bets_a_session: float
    stake: float
    deposits: tuple[int, ...]
    churn: float
    hours: tuple[int, ...]


HABITS = (
    Habit("casual", 50, 1.0, 16, 1.0, (10, 20, 20, 50), 0.12, (12, 18, 20, 21)),
    Habit("regular", 26, 3.0, 28, 2.0, (20, 50, 50, 100), 0.04, (18, 19, 20, 21, 22)),
    Habit("bonus_hunter", 10, 1.2, 22, 1.0, (10, 10, 20), 0.30, (9, 14, 17, 20)),
    Habit("night_owl", 9, 3.5, 32, 2.5, (20, 50, 100), 0.05, (23, 0, 1, 2, 3)),
    Habit("high_roller", 5, 4.0, 36, 120.0, (500, 1000, 2000, 5000), 0.03, (15, 20, 22, 23)),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One invented player. ``stake_minor`` is the usual stake in cents; ``favourites`` what is played most."""

    login: str
    email: str
    first_name: str
    last_name: str
    birth_date: date
    city: str
    country: str
    language: str
    time_zone: str
    source: str
    habit: Habit
    stake_minor: int
    favourites: tuple[CasinoGame, ...]
    seed: str


def make_person(seed: str) -> Person:
    """The person of this seed. Addresses are of example domains: no mail reaches anybody."""
    random = Random(f"person {seed}")
    code = random.choices(list(COUNTRIES), _COUNTRY_WEIGHTS)[0]
    country = COUNTRIES[code]
    first, last = random.choice(country.first_names.split()), random.choice(country.last_names.split())
    login = f"{_ascii(first)}.{_ascii(last)}.{random.randrange(36**4):x}"
    habit, stake_minor, favourites = draw_habit(random)
    return Person(
        login=login,
        email=f"{login}@example.{random.choice(('com', 'net', 'org'))}",
        first_name=first,
        last_name=last,
        birth_date=BORN_FROM + timedelta(days=random.randrange(BORN_DAYS)),
        city=random.choice(country.cities.split()),
        country=code,
        language=country.language,
        time_zone=country.time_zone,
        source=random.choices(_SOURCES, _SOURCE_WEIGHTS)[0],
        habit=habit,
        stake_minor=stake_minor,
        favourites=favourites,
        seed=seed,
    )


def draw_habit(random: Random) -> tuple[Habit, int, tuple[CasinoGame, ...]]:
    """A way of playing: the habit, its usual stake in cents, the favourite games."""
    habit = random.choices(HABITS, [habit.weight for habit in HABITS])[0]
    stake_minor = round_stake(100 * habit.stake * math.exp(random.gauss(0, 0.8)))
    category = random.choices(list(GameCategory)[:4], (60, 15, 15, 10))[0]
    liked = [game for game in catalogue() if game.details.category is category]
    others = random.sample(catalogue(), 2)
    return habit, stake_minor, tuple(random.sample(liked, min(4, len(liked))) + others)


def round_stake(minor: float) -> int:
    """To the steps that games offer: 10 cents below 5 EUR, 1 EUR below 100, then 10 EUR. At least 10 cents."""
    step = 10 if minor < 500 else 100 if minor < 10_000 else 1000
    return max(round(minor / step) * step, 10)


def _ascii(name: str) -> str:
    for char, plain in {"ü": "u", "ö": "o", "ä": "a", "é": "e", "è": "e", "í": "i", "á": "a", "ó": "o"}.items():
        name = name.lower().replace(char, plain)
    return "".join(char for char in name if char.isascii())

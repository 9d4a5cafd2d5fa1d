"""Makes a fresh database worth looking at: roles, staff, an API client, games, players with some weeks of play, some
of whom can log in.

Run at every start of the demo: what is there already stays, passwords included. Accounts are listed in
`demo-accounts.json` in the home.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from events.ports import list_consumers
from events.services.consuming import Runner
from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.scopes import SCOPES
from kernel.sealing import SealingRefused
from players.selectors import find_player_by_login, find_refusal, list_players
from players.selectors_access import get_staff_actor, list_staff
from players.selectors_staff import list_devices
from players.services.staff import ensure_staff
from players.services.staff_devices import begin_totp, confirm_totp
from players.types import PlayerAction, Status
from pms.casino.desks import Desks
from pms.casino.games import catalogue
from pms.casino.jurisdictions import Jurisdictions
from pms.casino.seeding import Plan
from pms.identity import ensure_client
from pms.management.commands.casino import run_seed
from pms.player_auth.accounts import ensure_login
from pms.roles import ROLES, ensure_roles
from pms.runtime.demo import totp
from wallet.services.games import upsert_games
from wallet.services.sealing import seal_ledger

ACCOUNTS_FILE = "demo-accounts.json"
SEED_FILE = "demo-seed.json"
PLAYERS_FILE = "demo-players.json"
LOGINS = 2  # how many players get a password
PLAYERS, DAYS, MAX_BETS, WORKERS = 300, 60, 40_000, 8

# Who signs in where, and what they may do.
STAFF = {
    "administrator": "sees everything, runs consumers, manages staff; the code: make demo-code",
    "operations": "players, money, ledger, consumers",
    "support_lead": "players and their restrictions",
    "support_agent": "players, read only",
    "compliance_officer": "restrictions with their reasons, ledger",
    "mlro": "money laundering, packs of rules, verification at high risk",
    "finance": "ledger, deposits, figures",
    "vip_manager": "players, loyalty",
    "marketing_manager": "loyalty and figures, no personal data",
    "auditor": "reads everything, changes nothing",
}
# Who has an authenticator app: their codes come from `make demo-code`.
WITH_CODE = {"administrator"}
CLIENT = "demo-integrator"


class Command(BaseCommand):
    help = "Set up the demo: roles, staff, an API client, games and players. May be run at every start."

    def handle(self, **options: Any) -> None:
        home = Path(settings.PMS_HOME)
        home.mkdir(parents=True, exist_ok=True)
        ensure_roles()
        upsert_games([game.details for game in catalogue()])
        self._accounts(home / ACCOUNTS_FILE)
        self._players(home / SEED_FILE)
        self._player_logins(home / ACCOUNTS_FILE)
        self._desks(home / SEED_FILE)
        self._jurisdictions(home / SEED_FILE)
        self._catch_up()
        self._seal()

    def _accounts(self, path: Path) -> None:
        kept = {account["login"]: account["password"] for account in _read(path, [])}
        secrets_kept = {account["login"]: account["totp"] for account in _read(path, []) if "totp" in account}
        listed = []
        for role, note in STAFF.items():
            login = role.replace("_", ".")
            password = kept.get(login) or secrets.token_urlsafe(12)
            user_id = ensure_staff(
                login=login, email=f"{login}@example.com", password=password, roles=[role], at=clock.now()
            )
            account = _account(role.replace("_", " ").capitalize(), "back office", login, password, note)
            if role in WITH_CODE:
                account["totp"] = _ensure_app(user_id) or secrets_kept.get(login, "")
            listed.append(account)
        secret = kept.get(CLIENT) or secrets.token_urlsafe(24)
        ensure_client(client_id=CLIENT, secret=secret, name="Demo integrator", scopes=SCOPES)
        note = "client id and secret; an access token comes from /identity/o/api/token"
        listed.append(_account("Integrator", "API", CLIENT, secret, note))
        _write(path, listed)

    def _players(self, path: Path) -> None:
        """Let the synthetic casino play once; a run that was cut short is taken up with the same plan."""
        state = _read(path, {})
        if list_players(limit=1) and state.get("finished", True):
            return
        until = state.get("until") if state.get("finished") is False else None
        now = clock.now()
        until = until or now.replace(minute=0, second=0, microsecond=0).isoformat()
        _write(path, {"until": until, "finished": False})
        self.stdout.write(f"  {PLAYERS} invented players live through {DAYS} days; this takes about a minute")
        plan = Plan("demo", PLAYERS, DAYS, datetime.fromisoformat(until), MAX_BETS)
        counts = run_seed(plan, WORKERS, self.stdout.write)
        _write(path, {"until": until, "finished": True})
        self.stdout.write(
            f"  {counts['players']} players, {counts['bets']} bets, {counts['deposits']} deposits,"
            f" {counts['deposits declined']} deposits declined, {counts['restrictions']} restrictions"
        )

    def _player_logins(self, path: Path) -> None:
        """Let some players log in, always the same ones, with passwords that stay."""
        listed = _read(path, [])
        kept = {account["login"]: account["password"] for account in _read(path.with_name(PLAYERS_FILE), [])}
        at = clock.now()
        free = (
            player.login
            for player in list_players(status=Status.ACTIVE, limit=50)
            if not find_refusal(player.id, PlayerAction.LOGIN, at)
        )
        logins = list(kept) or list(islice(free, LOGINS))
        players = []
        for login in logins:
            player = find_player_by_login(login)
            if player:
                password = kept.get(login) or secrets.token_urlsafe(12)
                ensure_login(player=player, password=password, at=at)
                note = f"player in {player.country}; how to log in: docs/integrators/players.md"
                players.append(_account("Player", "player API", login, password, note))
        _write(path.with_name(PLAYERS_FILE), players)
        _write(path, listed + players)

    def _desks(self, path: Path) -> None:
        """Something to do on every desk, once."""
        state = _read(path, {})
        if not state.get("finished") or state.get("desks"):
            return
        _write(path, {**state, "desks": True})
        finance = ensure_staff(
            login="finance.clerk",
            email="finance.clerk@example.com",
            password=secrets.token_urlsafe(24),  # nobody signs in as this one: it has asked for what waits
            roles=["finance"],
            at=clock.now(),
        )
        clerk = Actor(ActorKind.STAFF, str(finance), frozenset(ROLES["finance"]))
        Desks(clerk, clock.now()).fill()

    def _jurisdictions(self, path: Path) -> None:
        """Put the packs of rules in force, once, and ready the players who live under them."""
        state = _read(path, {})
        if not state.get("finished") or state.get("jurisdictions"):
            return
        asking, deciding = (get_staff_actor(list_staff(role=role)[0].id) for role in ("compliance_officer", "mlro"))
        count = Jurisdictions(asking, deciding, clock.now()).settle()
        _write(path, {**state, "jurisdictions": True})
        self.stdout.write(f"  packs of rules in force for {count} players: verified and with limits, most of them")

    def _catch_up(self) -> None:
        """Let every consumer take what waits, until none has anything left, so that the figures are there at once.

        One consumer's events are another's work: go round until a whole round takes nothing.
        """
        runners = [Runner(consumer) for consumer in list_consumers()]
        total = 0
        while taken := sum(runner.drain(clock.now()) for runner in runners):
            total += taken
        if total:
            self.stdout.write(f"  points, levels and figures: {total} events counted")

    def _seal(self) -> None:
        """Seal what was played, so that there is something proved before the first full minute."""
        try:
            rows = sum(seal.leaves for seal in seal_ledger(at=clock.now()))
        except SealingRefused as refused:
            self.stdout.write(f"  nothing is sealed: {refused}")
            return
        if rows:
            self.stdout.write(f"  the ledger is sealed: {rows} rows")


def _ensure_app(user_id: int) -> str:
    """Set up an app for somebody who has no second factor; its secret, empty when there is one already."""
    if list_devices(user_id):
        return ""
    before = clock.now() - timedelta(minutes=5)  # a present code is still to be used, for the first login
    secret = begin_totp(user_id=user_id, at=before)
    confirm_totp(user_id=user_id, code=totp(secret, before.timestamp()), name="Demo", at=before)
    return secret


def _account(who: str, where: str, login: str, password: str, note: str) -> dict[str, str]:
    return {"who": who, "where": where, "login": login, "password": password, "note": note}


def _read(path: Path, default: Any) -> Any:
    """What the file holds; ``default`` when there is none, or it was damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return default


def _write(path: Path, content: Any) -> None:
    """Readable by its owner only; replaced as a whole, never half-written."""
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    new.replace(path)

"""The same posting by other ledgers on the same PostgreSQL: one transfer between two accounts, nothing else.

django-hordak is installed into a folder of its own at the first run. pgledger is SQL that is brought along: PGLEDGER names
the folder of its repository (https://github.com/pgr0ss/pgledger), where somebody has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import psycopg

from benchmarks import ground
from benchmarks.table import Row, Skipped
from pms.runtime.home import find_home
from wallet.services.posting import post

REQUIREMENTS = Path(__file__).parent / "requirements-hordak.txt"
PGLEDGER_SCHEMA = "bench_pgledger"
STRIPES = 16

# A deposit: gate, limits and events are not in it, the idempotency key and the chain of hashes are.
PGBENCH_POST = f"""\\set n random(1, {ground.PLAYERS})
SELECT outcome, real_minor FROM wallet_move('deposit',
    ('00000000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid, NULL, 'payments', 'EUR', 100, 'bench',
    gen_random_uuid()::text, now(), 'bench', '');
"""
_PGLEDGER_PLAYERS = 10_000
_PGBENCH_PGLEDGER = f"""\\set n random(1, {_PGLEDGER_PLAYERS})
\\set house random({_PGLEDGER_PLAYERS} + 1, {_PGLEDGER_PLAYERS} + %d)
SELECT id FROM {PGLEDGER_SCHEMA}.pgledger_create_transfer(
    (SELECT account FROM {PGLEDGER_SCHEMA}.bench_account WHERE n = :n),
    (SELECT account FROM {PGLEDGER_SCHEMA}.bench_account WHERE n = :house), 1.00);
"""


def rows(seconds: int) -> Iterator[Row | Skipped]:
    yield _hordak(seconds)
    yield from _pgledger(seconds)


def _hordak(seconds: int) -> Row | Skipped:
    what = "posting in-process, 4 workers / django-hordak's"
    folder = find_home().path / "hordak"
    if not (folder / "hordak").is_dir():
        command = ["-m", "uv", "--quiet", "pip", "install", "--python", sys.executable, "--target", str(folder)]
        command += ["--require-hashes", "-r", str(REQUIREMENTS)]
        done = subprocess.run([sys.executable, *command], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            return Skipped(what, "django-hordak cannot be installed here")
    path = os.pathsep.join([str(folder), str(REQUIREMENTS.parent.parent)])
    env = os.environ | {"PYTHONPATH": path}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-m", "benchmarks.hordak_postings", str(seconds)]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    figure = ground.in_processes(4, seconds, _post)
    return Row(what, figure, float(done.stdout), "8 (stretch 10)")


def _post(random: Random) -> None:
    player = ground.player_id(random.randint(1, ground.PLAYERS))
    move = ["deposit", player, None, "payments", "EUR", 100, "bench", str(uuid4()), ground.AT, "bench", ""]
    assert post("wallet_move", move, "EUR").ok


def _pgledger(seconds: int) -> Iterator[Row | Skipped]:
    what = "posting, 8 clients / pgledger's"
    folder = Path(os.environ.get("PGLEDGER", "nowhere"))
    if not (folder / "pgledger.sql").is_file():
        yield Skipped(what, "PGLEDGER names no folder with pgledger.sql")
        return
    owner = os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {PGLEDGER_SCHEMA} CASCADE; CREATE SCHEMA {PGLEDGER_SCHEMA}")
        connection.execute(f"SET search_path = {PGLEDGER_SCHEMA}")
        for file in [*sorted(folder.glob("vendor/**/*.sql")), folder / "pgledger.sql"]:
            connection.execute(file.read_text())
        connection.execute(
            f"CREATE TABLE bench_account AS SELECT n, (pgledger_create_account('account ' || n, 'EUR')).id AS account "
            f"FROM generate_series(1, {_PGLEDGER_PLAYERS + STRIPES}) n"
        )
        connection.execute("ALTER TABLE bench_account ADD PRIMARY KEY (n)")
        connection.execute("ANALYZE")
    scoped = f"{owner}?options=-csearch_path%3D{PGLEDGER_SCHEMA}"
    for stripes, name, target in (
        (STRIPES, f"{what}, {STRIPES} accounts of the house", "1.2 (stretch 1.6)"),
        (1, f"{what}, one account of the house", ""),
    ):
        reference = ground.pgbench(8, seconds, _PGBENCH_PGLEDGER % stripes, scoped)
        yield Row(name, ground.pgbench(8, seconds, PGBENCH_POST), reference, target)

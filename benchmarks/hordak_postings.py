"""Postings of django-hordak, in a process that has it: `python -m benchmarks.hordak_postings SECONDS` prints postings/s.

Run by `rivals`, with the folder that hordak was installed into first on the path; knows nothing of this project's Django.
"""

from __future__ import annotations

import os
import sys
import time
from multiprocessing import get_context
from random import Random
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

SCHEMA = "bench_hordak"
ACCOUNTS = 1_000
WORKERS = 4


def configure() -> None:
    url = urlsplit(os.environ["DATABASE_OWNER_URL"])
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": url.path[1:],
                "USER": url.username,
                "PASSWORD": unquote(url.password or ""),
                "HOST": url.hostname,
                "PORT": url.port,
                "CONN_MAX_AGE": 600,
                "OPTIONS": {"options": f"-c search_path={SCHEMA}"},
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        CURRENCIES=["EUR"],
    )
    django.setup()


def prepare() -> None:
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
    call_command("migrate", verbosity=0)
    from hordak.models import Account

    # Players are liabilities, and so is what stakes go to: a transfer takes from one and gives to the other.
    for number in range(ACCOUNTS + WORKERS):
        Account.objects.create(name=f"account {number}", type="LI", currencies=["EUR"], code=str(number))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()


def work(number: int, seconds: float, gate: object, queue: object) -> None:
    from hordak.models import Account
    from moneyed import Money

    accounts = list(Account.objects.order_by("id"))
    players, house = accounts[:ACCOUNTS], accounts[ACCOUNTS + number]
    random, done = Random(number), 0
    gate.wait()  # type: ignore[attr-defined]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        random.choice(players).transfer_to(house, Money("1.00", "EUR"))
        done += 1
    queue.put(done)  # type: ignore[attr-defined]


def main(seconds: float) -> None:
    configure()
    prepare()
    context = get_context("fork")
    gate, queue = context.Barrier(WORKERS), context.Queue()
    processes = [context.Process(target=work, args=(n, seconds, gate, queue)) for n in range(WORKERS)]
    for process in processes:
        process.start()
    print(sum(queue.get(timeout=seconds + 60) for _ in processes) / seconds)
    for process in processes:
        process.join()


if __name__ == "__main__":
    main(float(sys.argv[1]))

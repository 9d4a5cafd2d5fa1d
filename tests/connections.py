"""A second connection in a thread of its own, driven step by step: for races that must happen in a known order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections, transaction

T = TypeVar("T")


class Session:
    """One database connection in its own thread; what it is given runs there, one thing after another."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Begin; the result is waited for by ``Future.result``."""
        return self._thread.submit(work)

    def do(self, work: Callable[[], T]) -> T:
        return self.start(work).result(timeout=20)

    def begin(self) -> None:
        self.do(lambda: transaction.set_autocommit(False))
        self.do(self._open)

    def commit(self) -> None:
        self.do(self._close)

    def close(self) -> None:
        self.do(connections.close_all)
        self._thread.shutdown()

    def _open(self) -> None:
        connection.in_atomic_block = True  # as inside transaction.atomic(), but ended by commit()

    def _close(self) -> None:
        connection.in_atomic_block = False
        connection.commit()
        transaction.set_autocommit(True)


def in_parallel(works: list[Callable[[], T]], threads: int) -> list[T]:
    """Run all of these on ``threads`` connections at once; their results in order."""

    def run(work: Callable[[], T]) -> T:
        return work()

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(run, works))
        for _ in pool.map(lambda _: connections.close_all(), range(threads * 4)):
            pass
    return results

"""Work for many players at once, each player's own in order: lanes, each a thread with a database connection."""

from __future__ import annotations

import queue
import threading
import zlib
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

DEPTH = 256
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0


def patiently(call: Callable[[], R], stopping: threading.Event, patience_s: float = float("inf")) -> R:
    """``call()``, again and again while the database is away, slower each time. Only for calls that may be repeated.

    Raises: OperationalError or InterfaceError when ``stopping`` is set meanwhile, or ``patience_s`` is over.
    """
    waited, wait = 0.0, FIRST_WAIT_S
    while True:
        try:
            return call()
        except (OperationalError, InterfaceError):
            connection.close()
            if waited >= patience_s or stopping.wait(wait):
                raise
            log.warning("database not reachable, waiting", seconds=wait)
            waited, wait = waited + wait, min(wait * 2, LONGEST_WAIT_S)


class Lanes(Generic[T]):
    """Hands items to ``handle`` in ``count`` threads; items of one key in the order in which they were put.

    Queues are bounded: ``put`` waits for the slowest, so memory stays flat however long the input is.
    """

    def __init__(self, count: int, handle: Callable[[T], None], patience_s: float = 60.0) -> None:
        self.stopping = threading.Event()
        self._handle = handle
        self._patience_s = patience_s
        self._error: BaseException | None = None
        self._queues: list[queue.Queue[T | None]] = [queue.Queue(DEPTH) for _ in range(count)]
        self._threads = [threading.Thread(target=self._work, args=[lane], daemon=True) for lane in self._queues]
        for thread in self._threads:
            thread.start()

    def put(self, key: str, item: T) -> bool:
        """Queue one item; False once the lanes were stopped or one has failed."""
        return self._put(self._queues[zlib.crc32(key.encode()) % len(self._queues)], item)

    def stop(self) -> None:
        """Drop what waits; what is being handled is finished."""
        self.stopping.set()

    def join(self) -> None:
        """Wait until everything was handled. Raises: what the first failing ``handle`` raised."""
        for lane in self._queues:
            self._put(lane, None)
        for thread in self._threads:
            thread.join()
        if self._error:
            raise self._error

    def _put(self, lane: queue.Queue[T | None], item: T | None) -> bool:
        while not self.stopping.is_set():
            try:
                lane.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def _work(self, lane: queue.Queue[T | None]) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    item = lane.get(timeout=0.2)
                except queue.Empty:
                    continue
                if item is None:
                    return
                self._take(item)
        except BaseException as error:
            self._error = self._error or error
            self.stop()
        finally:
            connection.close()

    def _take(self, item: T) -> None:
        patiently(lambda: self._handle(item), self.stopping, self._patience_s)

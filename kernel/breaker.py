"""A circuit breaker: after a failure nobody waits for the same dead server again until a while has passed.

Thirty lines of our own: what is needed is one failure, one pause, no state shared between processes. Libraries for this
bring listeners, storages and exceptions of their own that every caller would have to know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Breaker:
    """Guards calls to ``name``. A call that fails with one of ``errors`` opens it for ``pause_s`` seconds."""

    def __init__(self, name: str, errors: tuple[type[Exception], ...], pause_s: float) -> None:
        self._name = name
        self._errors = errors
        self._pause_s = pause_s
        self._closed_from = 0.0  # monotonic; calls go through from then on

    def call(self, work: Callable[..., T], default: T, *args: Any, **kwargs: Any) -> T:
        """What ``work`` returns; ``default`` when it fails, and at once while the breaker is open."""
        if time.monotonic() < self._closed_from:
            return default
        try:
            return work(*args, **kwargs)
        except self._errors as error:
            self._closed_from = time.monotonic() + self._pause_s
            logger.warning("%s does not answer, going on without it for %.0f s: %s", self._name, self._pause_s, error)
            return default

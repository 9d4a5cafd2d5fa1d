"""Counters for limits: of all processes together, and of this one while Redis is away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from kernel import counting


def test_counts_are_exact_under_many_hands() -> None:
    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(lambda _: counting.count("a", 60), range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert counting.count("b", 60) == 1
    counting.forgive("a")
    assert counting.count("a", 60) == 1


def test_a_count_begins_anew_when_its_time_is_over() -> None:
    counting.count("a", 60)
    assert 0 < counting._redis.ttl("count:a") <= 60  # type: ignore[operator]
    counting.count("a", 60)
    assert 0 < counting._redis.ttl("count:a") <= 60  # type: ignore[operator]


def test_while_redis_is_away_this_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(counting, "_add", away)
    monkeypatch.setattr(counting, "_away_until", 0.0)
    monkeypatch.setattr(counting, "_local", {})
    assert [counting.count("a", 60) for _ in range(3)] == [1, 2, 3]
    counting.forgive("a")
    assert counting.count("a", 60) == 1
    assert [counting.count("b", 0) for _ in range(2)] == [1, 1], "its time was over at once"


def test_what_is_kept_here_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_away_until", float("inf"))
    monkeypatch.setattr(counting, "_local", {})
    monkeypatch.setattr(counting, "MAX_LOCAL", 5)
    for number in range(20):
        counting.count(f"name-{number}", 60)
    assert len(counting._local) == 5

"""Is this process alive, and does what it needs answer?"""

from __future__ import annotations

import logging

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

logger = logging.getLogger(__name__)

_redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def livez(request: HttpRequest) -> HttpResponse:
    """200 as long as the process serves requests."""
    return JsonResponse({"status": "ok"})


def healthz(request: HttpRequest) -> HttpResponse:
    """200 when PostgreSQL and Redis answer, else 503 naming those that don't."""
    failing = [name for name, answers in (("database", _database_answers), ("redis", _redis_answers)) if not answers()]
    if failing:
        return JsonResponse({"status": "failing", "failing": failing}, status=503)
    return JsonResponse({"status": "ok"})


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        logger.warning("health: the database does not answer: %s", error)
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(_redis.ping())
    except (redis.RedisError, OSError) as error:
        logger.warning("health: Redis does not answer: %s", error)
        return False

"""The one place that reads the clock. Borders (REST, tasks, admin, commands) read it and pass ``at`` down."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, aware, UTC."""
    return datetime.now(UTC)


class NaiveTime(ValueError):
    """A datetime without a time zone reached a service."""


def as_utc(at: datetime) -> datetime:
    """The same moment in UTC. Raises: NaiveTime."""
    if at.tzinfo is None:
        raise NaiveTime(f"{at.isoformat()} has no time zone; pass an aware datetime.")
    return at.astimezone(UTC)

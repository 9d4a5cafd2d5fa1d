"""The request's id, kept for the length of one request, task or command, and written to logs and events."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")

"""Who and what stands behind the work of this thread: kept for the length of one request, task or command.

Set by the request middleware; empty in commands and jobs. Written to logs, events and audit.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernel.actors import Actor

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""One id per request: taken from X-Request-ID when it is well formed, else made; in every log line, event and answer."""

client_ip: ContextVar[str] = ContextVar("client_ip", default="")
"""The address that the request came from, as text. What a forwarded header says counts only behind TRUSTED_PROXIES."""

user_agent: ContextVar[str] = ContextVar("user_agent", default="")
"""What the caller's browser or program says of itself; at most 400 characters, and anybody may say anything."""

acting: ContextVar[Callable[[], Actor] | None] = ContextVar("acting", default=None)
"""Who is at this request, asked only when somebody wants to know; services are told their actor and never look here."""

"""Sensitive actions ask who is there once more, unless that was proved a short while ago.

The login, and the page ``/admin/reauthenticate/``, write the moment into the session; whoever guards an action calls
``reauthenticate_first``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

SESSION_KEY = "verified_at"


def recently_verified(request: HttpRequest, at: datetime) -> bool:
    """Whether the person proved who they are within the last ``STAFF_REAUTHENTICATE_MINUTES``."""
    try:
        verified_at = datetime.fromisoformat(request.session.get(SESSION_KEY, ""))
    except ValueError:
        return False
    return timedelta(0) <= at - verified_at <= timedelta(minutes=settings.STAFF_REAUTHENTICATE_MINUTES)


def mark_verified(request: HttpRequest, at: datetime) -> None:
    """Remember in the session that the person has just proved who they are."""
    request.session[SESSION_KEY] = at.isoformat()


def reauthenticate_first(request: HttpRequest, at: datetime, back: str) -> HttpResponseRedirect | None:
    """Where to send the person first; None when the action may go on. Afterwards they come back to ``back``."""
    if recently_verified(request, at):
        return None
    return HttpResponseRedirect(f"{reverse('admin:reauthenticate')}?{urlencode({'next': back})}")

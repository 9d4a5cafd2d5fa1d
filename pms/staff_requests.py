"""What the pages of staff's logins ask of a request: where it comes from, and where it may be sent on to."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

# Asked by pages on their own: they do not keep a session awake.
QUIET_PATHS = frozenset({"/admin/session/"})


def host_of(request: HttpRequest) -> str:
    """The host's name without its port, which passkeys are bound to. It was checked against ALLOWED_HOSTS."""
    return urlsplit(f"//{request.get_host()}").hostname or ""


def safe_next(request: HttpRequest, wanted: object) -> str:
    """``wanted`` when it is a page of ours, else the back office's home."""
    text = str(wanted or "")
    if text and url_has_allowed_host_and_scheme(text, {request.get_host()}, require_https=request.is_secure()):
        return text
    return reverse("admin:index")


def page_of(request: HttpRequest, *, part: bool = False) -> str:
    """The page to come back to after a login: the one asked for, or for a form or part the page on which it stood."""
    if request.method == "GET" and not part:
        return request.get_full_path()
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc == request.get_host() and came_from.path.startswith("/admin/"):
        return came_from.path + (f"?{came_from.query}" if came_from.query else "")
    return reverse("admin:index")

"""Back-office requests only: who has verified the person (django-otp), and whether their session is still good."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django_otp.middleware import OTPMiddleware

from kernel import clock
from kernel.context import client_ip
from players.services.staff_sessions import SessionEnded, change_key, check_session
from players.types_staff import EndReason
from pms.staff_requests import QUIET_PATHS

WHY = {
    EndReason.IDLE: "You were logged out because nothing happened for a while. What you had typed is kept.",
    EndReason.TOO_OLD: "You were logged out because the session had lasted its time. What you had typed is kept.",
    EndReason.NETWORK: "You were logged out: your role may not work from this network.",
}


class StaffMiddleware:
    """Puts ``otp_device`` on the user and ``staff_session`` on the request, below /admin/ and nowhere else.

    Elsewhere players log in, whom django-otp knows nothing about.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.otp = OTPMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        self.otp._install_lazy_accessors(request)
        if request.user.is_authenticated and request.user.is_staff:
            self._check(request)
        before = request.session.session_key
        response = self.get_response(request)
        after = request.session.session_key
        if before and after and before != after:  # Django renews it when a password was changed
            change_key(old=before, new=after)
        return response

    def _check(self, request: HttpRequest) -> None:
        try:
            request.staff_session = check_session(  # type: ignore[attr-defined]
                session_key=request.session.session_key or "",
                user_id=request.user.pk or 0,
                ip=client_ip.get(),
                at=clock.now(),
                awake=request.path not in QUIET_PATHS,
            )
        except SessionEnded as error:
            logout(request)
            why = WHY.get(error.data.get("why"))  # type: ignore[call-overload]
            if why:
                messages.warning(request, why)

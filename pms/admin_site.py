"""The back office as a site: its name and its home page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, timedelta
from functools import update_wrapper
from typing import Any

import unfold.sites
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from analytics.live import FIGURES, current_snapshot
from analytics.selectors import list_days
from kernel import clock
from kernel.admin import may, staff_actor
from players.selectors_staff import is_admitted
from players.services.staff_sessions import end_session, end_sessions
from players.types_staff import EndReason
from pms import staff_login, staff_security
from pms.staff_requests import page_of

CHART_DAYS = 30
# The command search keeps its answers for a minute; without Redis it searches anew.
unfold.sites.cache = caches["forgiving"]


class BackOffice(UnfoldAdminSite):
    """Django's admin on Unfold, with a home page that lives and logins of its own."""

    index_title = "Home"

    def has_permission(self, request: HttpRequest) -> bool:
        """A member of staff in a session that lives, with a second factor where the role asks for one."""
        session = getattr(request, "staff_session", None)
        return (
            session is not None
            and super().has_permission(request)
            and is_admitted(session, verified=getattr(request.user, "otp_device", None) is not None)
        )

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        wrapped = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            # A form that was sent too late leads back, after the login, to the page on which it stands.
            if request.method != "GET" and not self.has_permission(request):
                return redirect_to_login(page_of(request), reverse("admin:login"))
            # A part of a page is not replaced by the login: the whole page goes there.
            if request.headers.get("HX-Request") and not self.has_permission(request):
                login = redirect_to_login(page_of(request, part=True), reverse("admin:login"))
                return HttpResponse(headers={"HX-Redirect": login["Location"]})
            answer: HttpResponse = wrapped(request, *args, **kwargs)
            return answer

        return update_wrapper(inner, view)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return staff_login.login_view(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        session = getattr(request, "staff_session", None)
        if session and request.method == "POST":
            at = clock.now()
            end_session(session_id=session.id, reason=EndReason.LOGOUT, actor=staff_actor(request), at=at)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One's own password; every other session of the person ends."""
        answer = super().password_change(request, extra_context)
        if answer.status_code == 302:
            session = request.staff_session  # type: ignore[attr-defined]
            end_sessions(
                user_id=session.user_id,
                reason=EndReason.PASSWORD,
                actor=staff_actor(request),
                at=clock.now(),
                but=session.id,
            )
        return answer

    def extra_urls(self) -> list[URLPattern]:
        """The steps of a login, and everybody's own security page."""
        own = self.admin_view
        return [
            path("login/second/", staff_login.second_view, name="login_second"),
            path("login/enrol/", staff_login.enrol_view, name="login_enrol"),
            path("login/enrol/passkey/", staff_login.enrol_passkey_begin, name="login_enrol_passkey"),
            path("login/enrol/passkey/made/", staff_login.enrol_passkey_finish, name="login_enrol_passkey_made"),
            path("login/reason/", staff_login.reason_view, name="login_reason"),
            path("login/passkey/", staff_login.passkey_begin, name="login_passkey"),
            path("login/passkey/answer/", staff_login.passkey_finish, name="login_passkey_answer"),
            path("session/", staff_security.session_view, name="session"),
            path("session/stay/", own(staff_security.stay_view), name="session_stay"),
            path("reauthenticate/", own(staff_security.reauthenticate_view), name="reauthenticate"),
            path("reauthenticate/passkey/", own(staff_security.reauthenticate_begin), name="reauthenticate_passkey"),
            path(
                "reauthenticate/passkey/answer/",
                own(staff_security.reauthenticate_finish),
                name="reauthenticate_passkey_answer",
            ),
            path("security/", own(staff_security.security_view), name="security"),
            path("security/app/", own(staff_security.app_view), name="security_app"),
            path("security/codes/", own(staff_security.codes_view), name="security_codes"),
            path("security/passkey/", own(staff_security.passkey_begin), name="security_passkey"),
            path("security/passkey/made/", own(staff_security.passkey_finish), name="security_passkey_made"),
            path("security/devices/<int:device_id>/remove/", own(staff_security.remove_view), name="security_remove"),
            path("security/sessions/<uuid:session_id>/end/", own(staff_security.end_view), name="security_end"),
            path("security/sessions/end-others/", own(staff_security.end_others_view), name="security_end_others"),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        at = clock.now()
        home = current_snapshot(at).for_actor(staff_actor(request))
        chart = json.dumps(self._chart(at.astimezone(UTC).date())) if may(request, FIGURES) else ""
        return super().index(request, {"home": home, "chart": chart, "chart_days": CHART_DAYS, **(extra_context or {})})

    def _chart(self, today: Any) -> dict[str, Any]:
        """Stakes and GGR of each of the last days, in major units, for the eye: figures to count with are elsewhere."""
        currency = settings.PLAYER_CURRENCIES[0]
        first = today - timedelta(days=CHART_DAYS - 1)
        known = {totals.day: totals for totals in list_days(first, today, currency=currency)}
        days = [first + timedelta(days=n) for n in range(CHART_DAYS)]
        return {
            "currency": currency,
            "days": [day.isoformat() for day in days],
            "stakes": [float(known[day].stakes_real.major) if day in known else 0 for day in days],
            "ggr": [float(known[day].ggr.major) if day in known else 0 for day in days],
        }

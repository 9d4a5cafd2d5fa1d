"""One thing of every kind, for asking who may open and do what; and a digest of everything that is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from bonuses.services.grants import grant
from compliance.services.delegations import appoint_deputy
from compliance.services.exclusion_ends import request_end
from compliance.services.exclusions import exclude
from compliance.services.limits import set_limit
from compliance.services.role_changes import change_staff_roles
from compliance.types_exclusion import ExclusionKind
from compliance.types_limits import LimitKind, LimitPeriod, Wanted
from kernel import clock
from kernel.actors import Actor, ActorKind, system
from kernel.admin import ActorMiddleware
from kernel.db import fetch_all, fetch_one
from kernel.middleware import RequestContextMiddleware
from kernel.money import Money
from kernel.scopes import SCOPES
from loyalty.services.points import add_points
from loyalty.services.redemptions import request_redemption
from players.selectors_access import get_staff_actor
from players.selectors_staff import find_session
from players.services.own_accounts import declare_own_account
from players.services.restrictions import impose
from players.services.roles import set_role_permissions
from players.services.staff import ensure_staff
from players.types import RestrictionKind
from pms.identity import ensure_client
from tests.bonuses.offers import GIFT, live_offer
from tests.factories import bet, fund, make_game, make_player
from tests.loyalty.programmes import with_items
from tests.staff import staff_id
from wallet.models_fees import FeeRule
from wallet.models_payments import ApprovalRule, WithdrawalPolicy
from wallet.models_rounds import Jackpot
from wallet.selectors import list_instruments
from wallet.services.adjustments import adjust
from wallet.services.disputes import open_dispute
from wallet.services.withdrawals import request_withdrawal

BOSS = system("test")


class World:
    """Ids of what there is, by "app_model"; a page without an example is asked for a thing that is not there."""

    def __init__(self) -> None:
        at = clock.now()
        make_game()
        self.player = make_player(at=at)
        self.other = make_player(at=at)
        fund(self.player.id, "100.00", at=at)
        bet(self.player.id, "5.00", at=at)
        offer = live_offer(GIFT, wagering={"multiple": "0"})
        bonus = grant(offer=offer.code, player_id=self.player.id, occasion="x", actor=BOSS, at=at)
        self.version = offer.live.id if offer.live else None
        with_items()
        add_points(player_id=self.player.id, points=20_000, reason="x", idempotency_key="x", actor=BOSS, at=at)
        redemption = request_redemption(
            player_id=self.player.id, item="free-play", steps=20, idempotency_key="x", actor=BOSS, at=at
        )
        self.restriction = impose(
            player_id=self.player.id, kind=RestrictionKind.BONUS_BLOCK, reason="x", source="test", actor=BOSS, at=at
        )
        (instrument,) = list_instruments(self.player.id)
        withdrawal = request_withdrawal(
            player_id=self.player.id,
            amount=Money.parse("20.00", "EUR"),
            instrument_id=instrument.id,
            source="test",
            idempotency_key="w1",
            actor=BOSS,
            at=at,
        )
        operations, administrator = staff_id("operations"), staff_id("administrator")
        adjustment = adjust(
            player_id=self.player.id,
            amount=Money.parse("150.00", "EUR"),
            reason="goodwill",
            evidence="x",
            idempotency_key="a1",
            actor=get_staff_actor(operations),
            at=at,
        )
        dispute = open_dispute(
            player_id=self.player.id, subject="x", story="x", idempotency_key="d1", actor=BOSS, at=at
        )
        set_role_permissions(
            name="night_shift", description="x", permissions=["players.view_player"], actor=BOSS, at=at
        )
        self.somebody = ensure_staff(login="somebody", email="s@example.com", password="long enough 1", roles=[], at=at)
        waiting = change_staff_roles(
            staff_id=self.somebody,
            roles=["analyst"],
            comment="x",
            idempotency_key="r1",
            actor=get_staff_actor(administrator),
            at=at,
        )
        assert waiting
        delegation = appoint_deputy(
            principal_id=staff_id("compliance_officer"),
            deputy_id=administrator,
            kinds=["compliance.staff_roles"],
            reason="x",
            active_from=at,
            active_until=at + timedelta(days=1),
            actor=get_staff_actor(administrator),
            at=at,
        )
        excluded = exclude(
            player_id=self.other.id,
            kind=ExclusionKind.SELF,
            term="indefinite",
            idempotency_key="e1",
            actor=BOSS,
            at=at,
        )
        themself = Actor(ActorKind.PLAYER, str(self.player.id))
        for amount in ("100.00", "200.00"):  # the second is a raise, which waits
            limit = Wanted(LimitKind.DEPOSIT, LimitPeriod.DAY, Money.parse(amount, "EUR"))
            raised = set_limit(player_id=self.player.id, wanted=limit, actor=themself, at=at)
        assert raised.change
        wish = request_end(exclusion_id=excluded.id, reason="x", actor=BOSS, at=at)
        own = declare_own_account(staff_id=self.somebody, player_id=self.other.id, reason="x", actor=BOSS, at=at)
        ensure_client(client_id="casino", secret="a secret of the tests", name="Casino", scopes=SCOPES)
        rule = ApprovalRule.objects.first() or ApprovalRule.objects.create(currency="EUR", up_to_minor=1, max_score=0)
        policy, _ = WithdrawalPolicy.objects.get_or_create(country="DE")
        fee = FeeRule.objects.create(
            kind="withdrawal", currency="EUR", percent=1, fixed_minor=0, level="gold", effective_from=at
        )
        self.ids: dict[str, Any] = {
            "wallet_feerule": fee.pk,
            "bonuses_offer": offer.id,
            "bonuses_grant": bonus.id,
            "loyalty_redemption": redemption.id,
            "wallet_jackpot": Jackpot.objects.create(code="mega", name="Mega", currency="EUR").pk,
            "wallet_approvalrule": rule.pk,
            "wallet_withdrawalpolicy": policy.pk,
            "players_player": self.player.id,
            "players_user": self.somebody,
            "players_restriction": self.restriction,
            "players_ownaccount": own,
            "auth_group": Group.objects.get(name="night_shift").pk,
            "compliance_approval": adjustment.approval_id,
            "compliance_delegation": delegation.id,
            "compliance_exclusion": excluded.id,
            "compliance_endrequest": wish.id,
            "compliance_limitchange": raised.change.id,
            "kernel_serviceclient": "casino",
            "wallet_withdrawal": withdrawal.id,
            "wallet_adjustment": adjustment.id,
            "wallet_dispute": dispute.id,
            "wallet_instrument": instrument.id,
            "wallet_game": "fruits",
            "events_consumercursor": "loyalty.accrual",
        }
        for name in ("wallet_deposit", "wallet_transfer", "wallet_entry", "wallet_account", "events_event"):
            (row,) = fetch_all(f"SELECT id FROM {name} ORDER BY id DESC LIMIT 1")
            self.ids[name] = row["id"]

    def arguments(self, name: str, wanted: list[str]) -> dict[str, Any]:
        """What the address of this page needs."""
        model = "_".join(name.split("_")[:2])
        mine = self.ids.get(model, uuid4())
        known = {
            "player_id": self.player.id,
            "restriction_id": self.restriction,
            "staff_id": self.somebody,
            "role_id": self.ids["auth_group"],
            "key": "wallet",
            "pack_id": "GB",
            "version": "2026-09-30",
            "version_id": self.version,
            "key_id": 1,
            "name": "loyalty.accrual",
            "code": "nobody",
            "app_label": "players",
            "section": "contact",
            "url": "x",
            "content_type_id": 1,
        }
        found = {}
        for part in wanted:
            converter, _, word = part.rpartition(":")
            value = known.get(word, mine)
            found[word] = 1 if converter == "int" and not isinstance(value, int) else value
        return found


# Asked elsewhere: this table's own pages, the API (tests/rest/test_access.py), players' and staff's ways to log in.
OTHER_TABLES = {"admin/", "api/v1/", "_allauth/", "admin/sso/"}


def admin_pages() -> Iterator[tuple[str, list[str]]]:
    """Every address of the back office by name, with its parts ("uuid:player_id")."""
    for pattern in _walk(admin.site.get_urls()):
        if pattern.name:
            yield pattern.name, re.findall(r"<((?:\w+:)?\w+)>", str(pattern.pattern))


def other_addresses() -> Iterator[str]:
    """Every address that is neither back office nor API nor players' login."""
    for entry in get_resolver("pms.urls").url_patterns:
        prefix = str(entry.pattern)
        if prefix not in OTHER_TABLES:
            for pattern in _walk([entry]):
                yield str(pattern.name or pattern.pattern)


def _walk(entries: list[Any]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns)
        else:
            yield entry


class Views:
    """The pages themselves, asked as the person of a browser, without the middleware that is the same around each.

    A refusal that a page raises is answered with its status, as Django would; any other error ends the test.
    """

    def __init__(self, browser: Client) -> None:
        self.session = browser.session
        self.user = get_user_model().objects.get(pk=self.session[SESSION_KEY])
        self.user.otp_device = Device.from_persistent_id(self.session[DEVICE_ID_SESSION_KEY])
        self.staff_session = find_session(self.session.session_key or "")
        self.requests = RequestFactory()

    def get(self, address: str) -> HttpResponse:
        return self._ask(self.requests.get(address))

    def post(self, address: str, data: dict[str, str]) -> HttpResponse:
        return self._ask(self.requests.post(address, data))

    def _ask(self, request: Any) -> HttpResponse:
        match = request.resolver_match = resolve(request.path)
        request.session, request.user, request.staff_session = self.session, self.user, self.staff_session
        request._messages, request._dont_enforce_csrf_checks = FallbackStorage(request), True

        def view(request: HttpRequest) -> HttpResponse:
            try:
                response = match.func(request, *match.args, **match.kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response
            except PermissionDenied:
                return HttpResponse(status=403)
            except Http404:
                return HttpResponse(status=404)

        return RequestContextMiddleware(ActorMiddleware(view))(request)


# What a request may write though it is denied: that somebody asked.
NOTES = {"django_session", "events_audit"}
SEEN = {"players_staffsession"}  # and when its session was last seen, which every page notes once in a while


def everything_stored() -> dict[str, tuple[int, int]]:
    """Every table with the number of its rows and a digest over them."""
    rows = fetch_all(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition"
    )
    found = {}
    for name in sorted(row["relname"] for row in rows):
        if not any(name.startswith(note) for note in NOTES):
            digest = "''" if name in SEEN else "coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
            found[name] = fetch_one(f"SELECT count(*), {digest} FROM {name} t")
    return found  # type: ignore[return-value]

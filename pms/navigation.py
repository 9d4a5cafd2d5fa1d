"""What stands around every page of the back office: the sidebar by task, the command search, logo and badge."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from unfold.dataclasses import SearchResult

from kernel import clock
from kernel.access import prefetch
from kernel.admin import may, staff_actor
from players.selectors import UnknownPlayer, get_player
from players.services.searches import search_players

FOUND_AT_MOST = 8

# Heading, then (title, icon, list or "list/page", permission) of each entry; whoever lacks the permission does not see it.
_SIDEBAR: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    (
        "Players",
        [
            ("Players", "group", "players_player", "players.view_player"),
            ("Restrictions", "block", "players_restriction", "players.view_restriction"),
            ("Exclusions", "do_not_disturb_on", "compliance_exclusion", "compliance.view_exclusion"),
            ("Wishes to return", "undo", "compliance_endrequest", "compliance.view_endrequest"),
            ("Portfolios", "diamond", "players_player/portfolios", "players.view_portfolios"),
        ],
    ),
    (
        "Money",
        [
            ("Withdrawals", "inbox", "wallet_withdrawal", "wallet.view_withdrawal"),
            ("Deposits", "payments", "wallet_deposit", "wallet.view_deposit"),
            ("Instruments", "credit_card", "wallet_instrument", "wallet.view_instrument"),
            ("Approval rules", "rule", "wallet_approvalrule", "wallet.view_approvalrule"),
            ("Withdrawal policies", "public", "wallet_withdrawalpolicy", "wallet.view_withdrawalpolicy"),
            ("Fees", "percent", "wallet_feerule", "wallet.view_feerule"),
            ("Transfers", "swap_horiz", "wallet_transfer", "wallet.view_transfer"),
            ("Entries", "receipt_long", "wallet_entry", "wallet.view_entry"),
            ("Accounts", "account_balance_wallet", "wallet_account", "wallet.view_account"),
            ("Seals", "verified", "wallet_seal", "wallet.view_seal"),
            ("Corrections", "tune", "wallet_adjustment", "wallet.view_adjustment"),
            ("Reconciliation", "rule", "wallet_report", "wallet.view_report"),
            ("Cases", "inbox", "wallet_reconciliationcase", "wallet.view_reconciliationcase"),
            ("Report mappings", "table_chart", "wallet_reportmapping", "wallet.view_reportmapping"),
            ("Disputes", "gavel", "wallet_dispute", "wallet.view_dispute"),
            ("Exports", "download", "wallet_transferexport", "wallet.view_transferexport"),
            ("Dormant accounts", "bedtime", "wallet_dormancynotice", "wallet.view_dormancynotice"),
        ],
    ),
    (
        "Control",
        [
            ("Approvals", "how_to_reg", "compliance_approval", "compliance.view_approval"),
            ("Pending limits", "speed", "compliance_limitchange", "compliance.view_limitchange"),
            ("Review cases", "inbox", "compliance_reviewcase", "compliance.view_reviewcase"),
            ("Refusals", "do_not_disturb_on", "compliance_gatedecision", "compliance.view_gatedecision"),
            ("Deputies", "group_add", "compliance_delegation", "compliance.view_delegation"),
            ("Verification", "verified_user", "compliance_kyccase", "compliance.view_kyccase"),
            ("Documents", "id_card", "compliance_document", "compliance.view_document"),
            ("Packs of rules", "public", "compliance_packactivation", "compliance.view_packactivation"),
            ("Legal holds", "gavel", "compliance_legalhold", "compliance.view_legalhold"),
            ("Register checks", "fact_check", "compliance_registercheck", "compliance.view_registercheck"),
            ("Audit trail", "policy", "events_auditrecord", "events.view_auditrecord"),
        ],
    ),
    (
        "Bonuses",
        [
            ("Offers", "redeem", "bonuses_offer", "bonuses.view_offer"),
            ("Players' bonuses", "featured_seasonal_and_gifts", "bonuses_grant", "bonuses.view_grant"),
            ("Codes", "confirmation_number", "bonuses_codebatch", "bonuses.view_codebatch"),
            ("Lists", "playlist_add_check", "bonuses_listaward", "bonuses.view_listaward"),
            ("Simulations", "casino", "bonuses_offerrun", "bonuses.view_offerrun"),
            ("Cost", "euro", "bonuses_offer/costs", "bonuses.view_offer"),
        ],
    ),
    (
        "Loyalty",
        [
            ("Standings", "military_tech", "loyalty_standing", "loyalty.view_standing"),
            ("Redemptions", "redeem", "loyalty_redemption", "loyalty.view_redemption"),
            ("Programmes", "stairs", "loyalty_programme", "loyalty.view_programme"),
        ],
    ),
    (
        "Games",
        [
            ("Games", "casino", "wallet_game", "wallet.view_game"),
            ("Jackpots", "trophy", "wallet_jackpot", "wallet.view_jackpot"),
        ],
    ),
    (
        "Aggregators",
        [
            ("Integrations", "hub", "wallet_integration", "wallet.view_integration"),
            ("Game sessions", "sports_esports", "wallet_gamesession", "wallet.view_gamesession"),
            ("Their requests", "swap_calls", "wallet_adapterrequest", "wallet.view_adapterrequest"),
        ],
    ),
    (
        "Events",
        [
            ("Event log", "history", "events_event", "events.view_event"),
            ("Consumers", "sync_alt", "events_consumercursor", "events.view_consumercursor"),
            ("Dead letters", "report", "events_deadletter", "events.view_deadletter"),
        ],
    ),
    (
        "Access",
        [
            ("Staff", "badge", "players_user", "players.view_user"),
            ("Roles", "shield_person", "auth_group", "auth.view_group"),
            ("SMS sandbox", "sms", "players_sandboxmessage", "players.view_sandboxmessage"),
            ("Staff sessions", "devices", "players_staffsession", "players.view_staffsession"),
            ("Second factors", "phonelink_lock", "players_staffdevice", "players.view_staffdevice"),
            ("Single sign-on", "login", "players_identityprovider", "players.view_identityprovider"),
            ("IP allow-lists", "lan", "players_staffnetwork", "players.view_staffnetwork"),
            ("Who may what", "quiz", "auth_group/tester", "auth.view_group"),
            ("Policies", "policy", "auth_group/policies", "auth.view_group"),
            ("Staff's own accounts", "person_off", "players_ownaccount", "players.view_ownaccount"),
            ("API clients", "key", "kernel_serviceclient", "kernel.view_serviceclient"),
        ],
    ),
]


def _address(target: str) -> str:
    """A list by its name, or a page of a list: "auth_group/tester"."""
    return f"admin:{target.replace('/', '_')}" if "/" in target else f"admin:{target}_changelist"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = [
        {"items": [{"title": "Home", "icon": "space_dashboard", "link": reverse("admin:index")}]}
    ]
    for title, entries in _SIDEBAR:
        items = [
            {"title": name, "icon": icon, "link": reverse(_address(target))}
            for name, icon, target, permission in entries
            if may(request, permission)
        ]
        groups.append({"title": title, "items": items})
    return groups


def search(request: HttpRequest, text: str) -> list[SearchResult]:
    """Players for the command search (Ctrl+K): by id, login, email, phone or name. Logins only, nothing personal."""
    if not may(request, "players.view_player"):
        return []
    results = []
    found_ids = search_players(text=text, actor=staff_actor(request), at=clock.now())
    prefetch(found_ids)
    visible = [player_id for player_id in found_ids if may(request, "players.view_player", player_id)]
    for player_id in visible[:FOUND_AT_MOST]:
        found = _find(player_id)
        if found:
            results.append(found)
    return results


def _find(player_id: UUID) -> SearchResult | None:
    try:
        player = get_player(player_id)
    except UnknownPlayer:
        return None
    return SearchResult(
        title=player.login,
        description=f"Player · {player.country} · {player.status} · {player.id}",
        link=reverse("admin:players_player_change", args=[player.id]),
        icon="person",
    )


def logo(request: HttpRequest) -> str:
    return static("pms/logo.svg")


def stylesheet(request: HttpRequest) -> str:
    return static("pms/pms.css")


def script(request: HttpRequest) -> str:
    return static("pms/pms.js")


def session_script(request: HttpRequest) -> str:
    return static("pms/session.js")


def drafts_script(request: HttpRequest) -> str:
    return static("pms/drafts.js")


def account(request: HttpRequest) -> list[dict[str, Any]]:
    """The links at one's own name."""
    links = [{"title": "My security and sessions", "link": reverse("admin:security")}]
    if request.user.is_authenticated and request.user.has_usable_password():
        links.append({"title": "Change password", "link": reverse("admin:password_change")})
    return links


def environment(request: HttpRequest) -> tuple[str, str] | None:
    """The badge that keeps a demo from being taken for production."""
    return (settings.ENVIRONMENT_NAME, "warning") if settings.ENVIRONMENT_NAME else None

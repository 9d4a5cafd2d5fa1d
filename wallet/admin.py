"""The wallet in the back office: deposits, the ledger, games. All of it is read; money moves through services only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from events.audit_display import search_link
from kernel import clock
from kernel.admin import LatestAdmin, PageAdmin, column, may, recorded_at, staff_actor
from kernel.display import NOTHING, chip, copyable, human, money, when
from kernel.money import Money
from players.services.searches import search_players
from wallet import admin_adapters, admin_adjustments, admin_exports, admin_reconciliation  # noqa: F401  (register their screens)
from wallet.admin_rounds import RoundPages, round_link
from wallet.models import Account, Entry, Game, HouseCheckpoint, Seal, Transfer, TransferKey
from wallet.models_payments import Deposit
from wallet.selectors import find_seal_of, list_provider_messages
from wallet.selectors_instruments import label_of
from wallet.services.posting import OwnSource
from wallet.services.proofs import find_last_proof
from wallet.services.sealing import list_days
from wallet.types import AccountKind


def player_link(row: Any) -> str:
    if row.player_id is None:
        return chip("house", "accent")
    return format_html(
        '<a class="pms-link" href="{}">{}</a>',
        reverse("admin:players_player_tab", args=[row.player_id, "wallet"]),
        row.player.user.username,
    )


def transfer_link(transfer_id: object) -> str:
    if not transfer_id:
        return NOTHING
    return copyable(transfer_id, reverse("admin:wallet_transfer_change", args=[transfer_id]))


def game_link(code: str) -> str:
    return format_html('<a class="pms-link" href="{}">{}</a>', reverse("admin:wallet_game_change", args=[code]), code)


class MovementAdmin(LatestAdmin):
    """What deposits and transfers have in common: they belong to a player."""

    list_select_related = ("player__user",)
    list_display_links = None
    search_fields = ("id",)
    sortable_by = ()

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(player_id__in=search_players(text=text, actor=staff_actor(request), at=clock.now()))

    @column("Player")
    def player_(self, row: Any) -> str:
        return player_link(row)

    @column("Amount")
    def amount(self, row: Any) -> str:
        return money(Money(row.amount_minor, row.currency))


@admin.register(Deposit)
class DepositAdmin(MovementAdmin):
    page_template = "wallet/deposit.html"
    list_display = ("id_", "player_", "amount", "state_", "number_", "provider", "requested", "settled")
    list_filter = ("state", "provider")
    search_help_text = "Id, or the player's id, login, email, phone or name"

    @column("Deposit")
    def id_(self, row: Deposit) -> str:
        return copyable(row.pk, reverse("admin:wallet_deposit_change", args=[row.pk]))

    @column("State")
    def state_(self, row: Deposit) -> str:
        why = (
            format_html('<br><span class="pms-subtle">{}</span>', human(row.failure_reason))
            if row.failure_reason
            else ""
        )
        return format_html("{}{}", chip(row.state), why)

    @column("Number")
    def number_(self, row: Deposit) -> str:
        return str(row.number or "–")

    @column("Requested")
    def requested(self, row: Deposit) -> str:
        return when(row.requested_at)

    @column("Settled")
    def settled(self, row: Deposit) -> str:
        return when(row.settled_at)

    def page_title(self, obj: Deposit) -> str:
        return f"Deposit of {Money(obj.amount_minor, obj.currency)} {obj.currency}"

    def page_context(self, request: HttpRequest, obj: Deposit) -> dict[str, object]:
        key = TransferKey.objects.filter(source=OwnSource.DEPOSITS, key=str(obj.pk)).first()
        return {
            "messages_said": list_provider_messages([obj.pk], currency=obj.currency),
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", player_link(obj)),
                ("Amount", self.amount(obj)),
                ("State", chip(obj.state)),
                ("Reason given", human(obj.failure_reason)),
                ("Taken back", money(Money(obj.charged_back_minor, obj.currency)) if obj.charged_back_minor else ""),
                ("Given back again", money(Money(obj.reinstated_minor, obj.currency)) if obj.reinstated_minor else ""),
                ("Number", obj.number),
                ("Provider", obj.provider),
                ("Provider's reference", copyable(obj.provider_reference)),
                ("Instrument", label_of(obj.paid_with)),
                ("Transfer in the ledger", transfer_link(key and key.transfer_id)),
                ("Asked for by", f"{obj.source}, key {obj.key}"),
                ("Requested", when(obj.requested_at)),
                ("Settled", when(obj.settled_at)),
                ("Asked about next", when(obj.next_try_at) if obj.settled_at is None else ""),
            ],
        }


@admin.register(Transfer)
class TransferAdmin(RoundPages, MovementAdmin):
    list_display = ("id_", "kind_", "player_", "amount", "game_", "round_", "source", "occurred")
    list_filter = ("kind",)
    search_help_text = "Id, integration's key, or the player's id, login, email, phone"
    page_template = "wallet/transfer.html"

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        keys = TransferKey.objects.filter(key=text)[:20]
        ids = {found for key in keys for found in (key.transfer_id, key.win_transfer_id) if found}
        return queryset.filter(id__in=ids) if ids else super().search_by_text(request, queryset, text)

    @column("Transfer")
    def id_(self, row: Transfer) -> str:
        return transfer_link(row.pk)

    @column("Kind")
    def kind_(self, row: Transfer) -> str:
        return chip(row.kind)

    @column("Game")
    def game_(self, row: Transfer) -> str:
        return row.game or "–"

    @column("Round")
    def round_(self, row: Transfer) -> str:
        return format_html('<div class="pms-clip">{}</div>', round_link(row.player_id, row.game, row.round, row.source))

    @column("Happened")
    def occurred(self, row: Transfer) -> str:
        return when(row.occurred_at)

    def page_title(self, obj: Transfer) -> str:
        return f"{human(obj.kind)} of {Money(obj.amount_minor, obj.currency)} {obj.currency}"

    def page_context(self, request: HttpRequest, obj: Transfer) -> dict[str, object]:
        # An entry's id is never smaller than its transfer's: older partitions are left alone.
        rows = Entry.objects.filter(transfer_id=obj.pk, id__gte=obj.pk).select_related("account__player__user")
        entries: list[dict[str, Any]] = [
            {
                "row": entry,
                "account": account_link(entry.account),
                "amount": Money(entry.amount_minor, obj.currency),
                "after": None if entry.balance_after_minor is None else Money(entry.balance_after_minor, obj.currency),
            }
            for entry in rows.order_by("id")
        ]
        related = (
            Transfer.objects.filter(bet_id=obj.pk).order_by("id")[:20]
            if obj.kind in ("bet", "free_bet", "reserve")
            else []
        )
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Kind", chip(obj.kind)),
                ("Player", player_link(obj)),
                ("Amount", self.amount(obj)),
                ("Game", game_link(obj.game) if obj.game else ""),
                ("Round", round_link(obj.player_id, obj.game, obj.round, obj.source)),
                ("Bet or reservation", transfer_link(obj.bet_id)),
                ("Integration", obj.source),
                ("Its key", copyable(obj.reference)),
                ("Done by", obj.actor),
                ("Request", copyable(obj.request_id)),
                *(
                    [("On the audit trail", search_link("Records of this request", request_id=obj.request_id))]
                    if obj.request_id and may(request, "events.view_auditrecord")
                    else []
                ),
                ("Happened", when(obj.occurred_at)),
                ("Recorded", when(recorded_at(obj))),
                ("Digest", copyable(bytes(obj.digest).hex())),
                ("Sealed", seal_state(obj)),
            ],
            "entries": entries,
            "sum": Money(sum(entry["row"].amount_minor for entry in entries), obj.currency),
            "related": [(transfer_link(row.pk), row.kind, Money(row.amount_minor, row.currency)) for row in related],
        }


def seal_state(row: Transfer | Entry) -> str:
    """Which seal covers a row."""
    number = find_seal_of(row.xid, row.pk)
    if number is None:
        return chip("not sealed yet", "warn")
    href = reverse("admin:wallet_seal_change", args=[number])
    return format_html('<a class="pms-link" href="{}">Seal {}</a>', href, number)


def account_link(account: Account) -> str:
    name = human(account.kind)
    if account.player is not None:
        name += f" of {account.player.user.username}"
    href = reverse("admin:wallet_account_change", args=[account.pk])
    return format_html('<a class="pms-link" href="{}">{}</a>', href, name)


@admin.register(Entry)
class EntryAdmin(LatestAdmin):
    list_display = ("id_", "account_", "amount", "after", "sequence_", "transfer_", "recorded")
    list_display_links = None
    list_select_related = ("account__player__user",)
    search_fields = ("id",)
    search_help_text = "Id of an entry, or of its transfer"
    owner = "transfer_id"
    player_path = "account__player_id"
    sortable_by = ()

    @column("Entry")
    def id_(self, row: Entry) -> str:
        return copyable(row.pk)

    @column("Account")
    def account_(self, row: Entry) -> str:
        return account_link(row.account)

    @column("Amount")
    def amount(self, row: Entry) -> str:
        return money(Money(row.amount_minor, row.account.currency), signed=True)

    @column("Balance after")
    def after(self, row: Entry) -> str:
        return (
            NOTHING if row.balance_after_minor is None else money(Money(row.balance_after_minor, row.account.currency))
        )

    @column("Number")
    def sequence_(self, row: Entry) -> str:
        return f"{row.sequence:,}" if row.sequence else "–"

    @column("Transfer")
    def transfer_(self, row: Entry) -> str:
        return transfer_link(row.transfer_id)

    @column("Recorded")
    def recorded(self, row: Entry) -> str:
        return when(recorded_at(row))

    def _hash_before(self, obj: Entry) -> str:
        number = (obj.sequence or 0) - 1
        before = Entry.objects.filter(account_id=obj.account_id, sequence=number).first() if number > 0 else None
        return bytes(before.hash).hex() if before else ""

    def page_context(self, request: HttpRequest, obj: Entry) -> dict[str, object]:
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Transfer", transfer_link(obj.transfer_id)),
                ("Account", account_link(obj.account)),
                ("Amount", self.amount(obj)),
                ("Balance after", self.after(obj)),
                ("Number on its account", self.sequence_(obj)),
                ("Recorded", when(recorded_at(obj))),
                ("Hash", copyable(bytes(obj.hash).hex())),
                ("Hash of the entry before", copyable(self._hash_before(obj))),
                ("Sealed", seal_state(obj)),
            ]
        }


@admin.register(Account)
class AccountAdmin(LatestAdmin):
    list_display = ("id_", "kind_", "player_", "balance", "entries", "opened", "closed")
    list_display_links = None
    list_select_related = ("player__user",)
    list_filter = ("kind",)
    search_fields = ("id",)
    search_help_text = "Id, or the player's id, login, email, phone or name"
    sortable_by = ()
    page_template = "wallet/account.html"

    def listed(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        # These purses are named after the key that opened them: their ids tell nothing of time.
        named = (AccountKind.BONUS, AccountKind.FREE_SPINS, AccountKind.TOURNAMENT)
        return rows if "kind__exact" in request.GET else rows.exclude(kind__in=named)

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(player_id__in=search_players(text=text, actor=staff_actor(request), at=clock.now()))

    @column("Account")
    def id_(self, row: Account) -> str:
        return copyable(row.pk, reverse("admin:wallet_account_change", args=[row.pk]))

    @column("Kind")
    def kind_(self, row: Account) -> str:
        return chip(row.kind)

    @column("Owner")
    def player_(self, row: Account) -> str:
        return player_link(row)

    @column("Balance")
    def balance(self, row: Account) -> str:
        return NOTHING if row.balance_minor is None else money(Money(row.balance_minor, row.currency))

    @column("Entries")
    def entries(self, row: Account) -> str:
        return f"{row.sequence:,}" if row.player_id else "–"

    @column("Opened")
    def opened(self, row: Account) -> str:
        return when(row.opened_at)

    @column("Closed")
    def closed(self, row: Account) -> str:
        return when(row.closed_at)

    def page_title(self, obj: Account) -> str:
        return f"{human(obj.kind)} {obj.currency}"

    def page_context(self, request: HttpRequest, obj: Account) -> dict[str, object]:
        cap = obj.stake_cap_minor
        lines = Entry.objects.filter(account_id=obj.pk, sequence__isnull=False).order_by("-sequence")[:30]
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Kind", chip(AccountKind(obj.kind))),
                ("Owner", player_link(obj)),
                ("Currency", obj.currency),
                ("Balance", self.balance(obj) if obj.player_id else "summed from its entries in reports"),
                ("Entries", self.entries(obj)),
                ("Drawn in the order", obj.priority if obj.player_id else ""),
                ("Largest stake", money(Money(cap, obj.currency)) if cap else "no cap"),
                ("Games", ", ".join([*(obj.game_categories or ()), *(obj.game_codes or ())]) or "all"),
                ("Jackpot or tournament", obj.subject),
                ("A spin is worth", money(Money(obj.spin_value_minor, obj.currency)) if obj.spin_value_minor else ""),
                ("Wins go to", account_link(obj.winnings) if obj.winnings else ""),
                ("Usable until", when(obj.active_until)),
                ("Opened", when(obj.opened_at)),
                ("Closed", when(obj.closed_at)),
                ("Hash of its last entry", copyable(bytes(obj.last_hash).hex() if obj.last_hash else "")),
            ],
            "lines": [
                {
                    "row": line,
                    "transfer": transfer_link(line.transfer_id),
                    "at": recorded_at(line),
                    "amount": Money(line.amount_minor, obj.currency),
                    "after": Money(line.balance_after_minor or 0, obj.currency),
                }
                for line in lines
            ],
        }


@admin.register(Seal)
class SealAdmin(PageAdmin):
    list_display = ("number_", "sealed", "transfers_", "entries_", "root_", "key")
    list_display_links = None
    list_before_template = "wallet/proof.html"
    search_fields = ("=number",)
    search_help_text = "Number of a seal"
    ordering = ("-number",)
    sortable_by = ()
    page_template = "wallet/seal.html"

    @column("Seal")
    def number_(self, row: Seal) -> str:
        href = reverse("admin:wallet_seal_change", args=[row.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.pk)

    @column("Sealed")
    def sealed(self, row: Seal) -> str:
        return when(row.sealed_at)

    @column("Transfers")
    def transfers_(self, row: Seal) -> str:
        return f"{row.transfers:,}"

    @column("Entries")
    def entries_(self, row: Seal) -> str:
        return f"{row.entries:,}"

    @column("Root")
    def root_(self, row: Seal) -> str:
        return copyable(row.root)

    @column("Signed by key")
    def key(self, row: Seal) -> str:
        return copyable(row.key_id)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        proof = find_last_proof()
        finished = datetime.fromisoformat(proof.finished_at) if proof else None
        top = {"proof": proof, "finished": finished, "days": list_days()}
        return super().changelist_view(request, {**top, **(extra_context or {})})

    def page_title(self, obj: Seal) -> str:
        return f"Seal {obj.number}"

    def page_context(self, request: HttpRequest, obj: Seal) -> dict[str, object]:
        checkpoints = HouseCheckpoint.objects.filter(seal=obj).select_related("account").order_by("account_id")
        return {
            "facts": [
                ("Number", obj.number),
                ("Sealed", when(obj.sealed_at)),
                ("Transfers", f"{obj.transfers:,}"),
                ("Entries", f"{obj.entries:,}"),
                ("Merkle root", copyable(obj.root)),
                ("Hash of the seal", copyable(obj.hash)),
                ("Signed by key", copyable(obj.key_id)),
                ("Transactions below", f"{obj.xid_until:,} of epoch {obj.epoch}"),
            ],
            "checkpoints": [
                (account_link(row.account), row.entries, Money(row.total_minor, row.account.currency))
                for row in checkpoints
            ],
        }


@admin.register(Game)
class GameAdmin(PageAdmin):
    list_display = ("code_", "name", "provider", "category_", "rtp_", "exclusive_", "state")
    list_display_links = None
    list_filter = ("category", "active", "exclusive")
    search_fields = ("code", "name", "provider")
    ordering = ("name",)
    sortable_by = ("name", "provider")

    @column("Code")
    def code_(self, row: Game) -> str:
        return game_link(row.pk)

    @column("Category")
    def category_(self, row: Game) -> str:
        return human(row.category)

    @column("Return to player")
    def rtp_(self, row: Game) -> str:
        return f"{row.rtp * 100:.2f} %"

    @column("Exclusive")
    def exclusive_(self, row: Game) -> str:
        return chip("exclusive", "accent") if row.exclusive else NOTHING

    @column("State")
    def state(self, row: Game) -> str:
        return chip("active" if row.active else "switched off")

    def page_context(self, request: HttpRequest, obj: Game) -> dict[str, object]:
        return {
            "facts": [
                ("Code", copyable(obj.code)),
                ("Name", obj.name),
                ("Provider", obj.provider),
                ("Category", human(obj.category)),
                ("Return to player (theoretical)", self.rtp_(obj)),
                ("Exclusive", "yes" if obj.exclusive else "no"),
                ("State", self.state(obj)),
            ]
        }


from wallet import admin_fees, admin_jackpots, admin_payment_rules, admin_payments  # noqa: E402, F401  (they use the above)

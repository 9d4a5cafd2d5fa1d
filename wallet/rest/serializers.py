"""Forms of the wallet on the wire, off the hot path (that has ``forms``)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from kernel.rest.pagination import PageQuery
from kernel.rest.serializers import AmountField, StrictSerializer, choice
from wallet.types import PURSES, AccountKind, GameCategory, TransferKind
from wallet.types_payments import DepositState, InstrumentKind, WithdrawalState


class DepositForm(StrictSerializer):
    """A payment that a provider is to take in."""

    player_id = serializers.UUIDField()
    amount = AmountField(max_length=24, help_text="Major units as a decimal string.")
    currency = serializers.CharField(max_length=3)
    provider = serializers.CharField(max_length=40)
    instrument = serializers.CharField(max_length=120, help_text="The provider's token; never a card number.")


class DepositSerializer(serializers.Serializer):
    """A deposit: credited when its state is ``made``."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    amount = serializers.CharField()
    currency = serializers.CharField(source="amount.currency")
    provider = serializers.CharField()
    state = choice(DepositState)
    taken_back = serializers.CharField(help_text="Of the amount, by chargebacks and refunds until now.")
    failure_reason = serializers.CharField()
    provider_reference = serializers.CharField()
    number = serializers.IntegerField(allow_null=True, help_text="1 for the player's first deposit that was made.")
    requested_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


class InstrumentForm(StrictSerializer):
    """A means of payment that the player may be paid to."""

    player_id = serializers.UUIDField()
    provider = serializers.CharField(max_length=40)
    token = serializers.CharField(max_length=120, help_text="The provider's token; never a card number.")
    kind = choice(InstrumentKind, default=InstrumentKind.OTHER)
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=60, default="", allow_blank=True, help_text="For people, such as Visa •••• 4242."
    )


class InstrumentSerializer(serializers.Serializer):
    """A means of payment; its token is not told again."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    provider = serializers.CharField()
    kind = choice(InstrumentKind)
    label = serializers.CharField()  # type: ignore[assignment]
    currency = serializers.CharField(source="paid_in.currency")
    paid_in = serializers.CharField(help_text="What it paid in, without what was charged back.")
    owed_back = serializers.CharField(help_text="What is paid back to it before anything goes elsewhere.")
    added_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class WithdrawalForm(StrictSerializer):
    """Money that a player wants to be paid."""

    player_id = serializers.UUIDField()
    amount = AmountField(max_length=24, help_text="Major units as a decimal string.")
    currency = serializers.CharField(max_length=3)
    instrument_id = serializers.UUIDField(help_text="Where it should go, once what paid in has its own back.")


class WithdrawalSerializer(serializers.Serializer):
    """A withdrawal: its money is set aside until it is ``paid`` or ``returned``."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    amount = serializers.CharField()
    currency = serializers.CharField(source="amount.currency")
    approved = serializers.CharField()
    paid = serializers.CharField()
    fee = serializers.CharField(help_text="What it costs in all, part of the amount.")
    charged = serializers.CharField(help_text="What of the fee was taken, with what was paid.")
    returned = serializers.CharField()
    instrument_id = serializers.UUIDField()
    state = choice(WithdrawalState)
    cancellable = serializers.BooleanField(help_text="Whether its country lets the player take it back.")
    failure_reason = serializers.CharField()
    requested_at = serializers.DateTimeField()
    sends_from = serializers.DateTimeField(allow_null=True, help_text="The end of its cooling period.")
    settled_at = serializers.DateTimeField(allow_null=True)


class HoldsQuery(PageQuery):
    open = serializers.BooleanField(default=False, help_text="Only those with something left.")


class HoldSerializer(serializers.Serializer):
    """Money set aside for a bet; ``left`` is neither captured nor released."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    currency = serializers.CharField(source="amount.currency")
    amount = serializers.CharField()
    captured = serializers.CharField()
    released = serializers.CharField()
    left = serializers.CharField()
    game = serializers.CharField()
    round = serializers.CharField()
    source = serializers.CharField(help_text="Whose it is.")  # type: ignore[assignment]
    key = serializers.CharField(help_text="The Idempotency-Key that reserved it.")
    reserved_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="From then on it cannot be captured, and goes back.")


class TransactionSerializer(serializers.Serializer):
    """One transfer; ``amount`` is the signed change of the player's purses."""

    id = serializers.UUIDField()
    kind = choice(TransferKind)
    amount = serializers.CharField()
    currency = serializers.CharField(source="amount.currency")
    fee = serializers.CharField(
        help_text="What the house has charged with it; rake is beside the amount, fees are in it."
    )
    real_after = serializers.CharField(allow_null=True, help_text="Real money after it, where it touched any.")
    game = serializers.CharField()
    round = serializers.CharField()
    bet_id = serializers.UUIDField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]
    reference = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()


class GamesQuery(StrictSerializer):
    active = serializers.BooleanField(allow_null=True, default=None)


class GameSerializer(serializers.Serializer):
    """One game of the catalogue."""

    code = serializers.CharField()
    name = serializers.CharField()
    provider = serializers.CharField()
    category = choice(GameCategory)
    rtp = serializers.DecimalField(max_digits=5, decimal_places=4, help_text="Theoretical return to player, 0-1.")
    exclusive = serializers.BooleanField()
    active = serializers.BooleanField()


class PeriodQuery(StrictSerializer):
    since = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="Recorded from here on.")
    until = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="Recorded before this.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["since"] and attrs["until"] and attrs["until"] < attrs["since"]:
            raise serializers.ValidationError({"until": ["It must not be before `since`."]})
        return attrs


class RoundsQuery(PeriodQuery, PageQuery):
    game = serializers.CharField(max_length=80, default="")
    source = serializers.CharField(max_length=200, default="", help_text="Of this client or adapter.")  # type: ignore[assignment]


class RoundSerializer(serializers.Serializer):
    """One round of a player at one game of one source; its sums leave out the bets that were rolled back."""

    id = serializers.UUIDField(help_text="The round's first bet.")
    game = serializers.CharField()
    round = serializers.CharField()
    source = serializers.CharField(help_text="Whose round it is.")  # type: ignore[assignment]
    bets = serializers.IntegerField()
    free_bets = serializers.IntegerField(help_text="Bets that took no stake.")
    rolled_back = serializers.IntegerField(help_text="How many of both were rolled back.")
    currency = serializers.CharField(source="staked.currency")
    staked = serializers.CharField()
    won = serializers.CharField(help_text="What reached the purses, jackpots included.")
    free_won = serializers.CharField(help_text="Won on free bets.")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True, help_text="Null while bets may still be placed on it.")


class TransactionsQuery(RoundsQuery):
    kind = serializers.MultipleChoiceField(choices=[(kind.value, kind.name) for kind in TransferKind], required=False)
    purse = serializers.CharField(
        required=False, help_text=f"What touched this purse: its id, or a kind: {', '.join(PURSES)}."
    )
    round = serializers.CharField(max_length=200, default="")

    def validate_purse(self, value: str) -> AccountKind | UUID:
        if value in PURSES:
            return AccountKind(value)
        try:
            return UUID(value)
        except ValueError:
            raise serializers.ValidationError(f"Give a purse's id, or one of {', '.join(PURSES)}.") from None

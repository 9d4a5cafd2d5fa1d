"""Forms of campaigns on the wire."""

from __future__ import annotations

from rest_framework import serializers

from kernel.rest.serializers import ExactDecimalField


class CampaignSerializer(serializers.Serializer):
    """Points are multiplied by ``factor`` for bets from ``active_from`` up to ``active_until``; an empty list names all."""

    code = serializers.CharField()
    name = serializers.CharField()
    factor = ExactDecimalField()
    stacks = serializers.BooleanField(help_text="Multiplies beside others; of those that do not, the highest counts.")
    programmes = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())
    games = serializers.ListField(child=serializers.CharField())
    labels = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    active_from = serializers.DateTimeField()
    active_until = serializers.DateTimeField()
    created_by = serializers.CharField()


class MakeCampaignSerializer(serializers.Serializer):
    """A campaign. Its ``code`` is yours: the same again gives the same campaign."""

    code = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    factor = serializers.DecimalField(max_digits=6, decimal_places=3)
    stacks = serializers.BooleanField(default=False)
    programmes = serializers.ListField(child=serializers.CharField(max_length=40), max_length=50, default=list)
    categories = serializers.ListField(child=serializers.CharField(max_length=20), max_length=50, default=list)
    games = serializers.ListField(child=serializers.CharField(max_length=120), max_length=1000, default=list)
    labels = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=200), max_length=100),
        default=dict,
        help_text='Of each label one of these values, when the bet is placed: {"crm.segment": ["vip"]}.',
    )
    active_from = serializers.DateTimeField(help_text="At least ten minutes ahead.")
    active_until = serializers.DateTimeField()


class EndCampaignSerializer(serializers.Serializer):
    """An earlier end: a moment at least ten minutes ahead; none: as soon as it can be."""

    active_until = serializers.DateTimeField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=300)

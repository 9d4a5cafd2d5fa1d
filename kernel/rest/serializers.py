"""What all serializers of the API share."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt filter or setting must not be silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = set(data) - set(self.fields)
            if unknown:
                raise serializers.ValidationError(
                    {name: ["There is no such field; leave it out."] for name in sorted(unknown)}
                )
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.STR)
class ExactDecimalField(serializers.Field[Any, Any, str, Any]):
    """A Decimal as it is, written out plainly ("10000", never "1E+4")."""

    def to_representation(self, value: Decimal) -> str:
        return f"{value:f}"


class AmountField(serializers.CharField):
    """Money as a decimal string. A JSON number is refused: on its way it may have been a float."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError('Write the amount as a decimal string in major units, such as "12.34".')
        return super().to_internal_value(data)


class ProblemSerializer(serializers.Serializer[Any]):
    """An RFC 9457 problem. ``code`` is what programs decide on; some problems carry more members."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)  # type: ignore[assignment]


def choice(enum: type[StrEnum], **kwargs: Any) -> serializers.ChoiceField:
    """One of the enum's values; the error names them all."""
    choices = [(member.value, member.name) for member in enum]  # as drf-spectacular's ENUM_NAME_OVERRIDES reads an enum
    text = f"Choose one of: {', '.join(enum)}."
    return serializers.ChoiceField(choices=choices, error_messages={"invalid_choice": text}, **kwargs)


@cache
def page_of(item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The form of a list's answer, for the API's description."""
    name = item.__name__.removesuffix("Serializer")
    fields = {
        "__doc__": f"A page of {name}. ``next`` is the address of the next page, null on the last.",
        "items": item(many=True),
        "next": serializers.URLField(allow_null=True),
    }
    return type(f"{name}PageSerializer", (serializers.Serializer,), fields)

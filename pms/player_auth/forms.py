"""What a person gives when registering, beside email, login name, phone and password, which allauth asks for."""

from __future__ import annotations

import secrets
from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from kernel import clock
from kernel.errors import DomainError, FieldErrors
from players.services.registration import Registration, check_registration
from players.types_identity import ConsentChannel, ConsentProduct

_FIELDS = ("country", "region", "currency", "first_name", "last_name", "birth_date", "birth_name", "birth_place", "street",
           "city", "postcode", "national_id", "occupation", "affirmed", "declares", "language", "time_zone",
           "source")  # fmt: skip


class JsonDateField(forms.DateField):
    """Bodies are JSON: what comes may be a list or an object, which the form's own field takes for text."""

    def to_python(self, value: Any) -> Any:
        if value is not None and not isinstance(value, str):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class RegistrationFields(forms.Form):
    country = forms.CharField(max_length=2)
    region = forms.CharField(max_length=3, required=False)
    currency = forms.CharField(max_length=3, required=False)
    first_name = forms.CharField(max_length=100, required=False)
    last_name = forms.CharField(max_length=100, required=False)
    birth_date = JsonDateField(required=False)
    birth_name = forms.CharField(max_length=100, required=False)
    birth_place = forms.CharField(max_length=100, required=False)
    street = forms.CharField(max_length=100, required=False)
    city = forms.CharField(max_length=100, required=False)
    postcode = forms.CharField(max_length=20, required=False)
    national_id = forms.CharField(max_length=40, required=False)
    occupation = forms.CharField(max_length=100, required=False)
    affirmed = forms.BooleanField(required=False)
    declares = forms.JSONField(required=False)
    language = forms.CharField(max_length=6, required=False)
    time_zone = forms.CharField(max_length=50, required=False)
    source = forms.CharField(max_length=80, required=False)
    marketing = forms.JSONField(required=False)
    text_version = forms.CharField(max_length=40, required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("marketing") and not values.get("text_version"):
            self.add_error("text_version", "Say which text the player was shown.")
        if not self.errors:
            values["username"] = values.get("username") or f"player-{secrets.token_hex(6)}"
            data = self.registration()
            try:
                check_registration(data=data, at=clock.now())
            except FieldErrors as error:
                for name, texts in error.errors.items():
                    self.add_error({"login": "username"}.get(name, name), texts)
                return values
            except DomainError as error:
                self.add_error("country", error.detail)
                return values
            self._check_password(data)
        return values

    def clean_marketing(self) -> list[tuple[ConsentProduct, ConsentChannel]]:
        """[{"product": "casino", "channel": "email"}, …]"""
        try:
            return [
                (ConsentProduct(one["product"]), ConsentChannel(one["channel"]))
                for one in self.cleaned_data["marketing"] or []
            ]
        except (TypeError, KeyError, ValueError):
            raise ValidationError("Give a list of product and channel.", code="invalid") from None

    def clean_declares(self) -> tuple[str, ...]:
        """["supplier_staff", …]"""
        given = self.cleaned_data["declares"] or []
        if not isinstance(given, list) or not all(isinstance(group, str) for group in given):
            raise ValidationError("Give a list of groups.", code="invalid")
        return tuple(given)

    def registration(self) -> Registration:
        """The account that is asked for."""
        given = self.cleaned_data
        chosen = {name: given[name] for name in _FIELDS if given.get(name)}
        return Registration(
            **{"currency": settings.PLAYER_CURRENCIES[0], **chosen},
            email=given["email"],
            login=given["username"],
            phone=given.get("phone") or "",
        )

    def consents(self) -> list[tuple[ConsentProduct, ConsentChannel]]:
        return list(self.cleaned_data["marketing"])

    def signup(self, request: HttpRequest, user: Any) -> None:
        """allauth asks for it; everything is done by then."""

    def _check_password(self, data: Registration) -> None:
        """Once more, now that it is known what the person is called."""
        words = (data.first_name, data.last_name, data.city, data.phone)
        person = SimpleNamespace(username=data.login, email=data.email, own_words=words)
        try:
            validate_password(self.cleaned_data.get("password") or "", person)  # type: ignore[arg-type]
        except ValidationError as error:
            self.add_error("password", error)

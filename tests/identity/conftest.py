"""Hashes that cost nothing, where a test is not about them."""

import pytest
from pytest_django import Settings

from tests.rest.conftest import token_for  # noqa: F401  (a fixture)


@pytest.fixture
def cheap_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "kernel.client_secrets.ClientSecretHasher",
    ]

"""A process of the role `api` serves integrators and has no back office."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("db")

SCRIPT = """
import django
django.setup()
from django.test import Client
for path in ("/healthz", "/api/v1/players", "/api/schema/", "/admin/"):
    print(path, Client(raise_request_exception=False).get(path).status_code)
"""


def test_the_api_role_has_no_back_office() -> None:
    environment = os.environ | {"PMS_ROLE": "api", "DJANGO_SETTINGS_MODULE": "pms.settings", "LOG_LEVEL": "CRITICAL"}
    answers = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    assert answers.stdout.splitlines() == ["/healthz 200", "/api/v1/players 401", "/api/schema/ 200", "/admin/ 404"]

"""An identity provider of its own, as a server: a small Django project with allauth.idp, run by ``python -m``.

Arguments: port, a folder for its database, and JSON with the client's redirect address, the people, and ``saml``: the
entities that it answers, each with the address that it answers to. Each person has a password, an email address,
groups, and what ``amr`` says when they log in.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import django
from django.conf import settings

CLIENT_ID, SECRET = "back-office", "a secret between two servers"


def main(port: int, folder: Path, what: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.configure(
        SECRET_KEY="only here",
        DEBUG=True,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.identity_provider_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "idp.sqlite3")}},
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
            "allauth", "allauth.account", "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        LOGIN_URL="/accounts/login/",
        ACCOUNT_LOGIN_METHODS={"username"},
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_RATE_LIMITS=False,
        USE_TZ=True,
        IDP_OIDC_PRIVATE_KEY=key.decode(),
        IDP_OIDC_ADAPTER="tests.identity_provider_urls.Adapter",
        PEOPLE=what["people"],
        SAML_CLIENTS=what.get("saml", {}),
    )  # fmt: skip
    django.setup()
    prepare(what)
    from django.core.wsgi import get_wsgi_application

    make_server("127.0.0.1", port, get_wsgi_application()).serve_forever()


def prepare(what: dict[str, Any]) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for login, person in what["people"].items():
        user = User.objects.create_user(login, person["email"], person["password"], first_name=login.title())
        EmailAddress.objects.create(user=user, email=person["email"], verified=True, primary=True)
    client = Client(id=CLIENT_ID, name="Back office", skip_consent=True)
    client.set_redirect_uris([what["redirect"]])
    client.set_scopes(["openid", "profile", "email"])
    client.set_grant_types([Client.GrantType.AUTHORIZATION_CODE])
    client.set_response_types(["code"])
    client.set_secret(SECRET)
    client.save()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))

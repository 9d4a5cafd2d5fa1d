"""The passwords and keys of one home: made once, kept in `secrets.json`, readable by its owner only."""

import base64
import secrets
from dataclasses import asdict, dataclass, fields

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kernel.sealing import new_private_key
from pms.runtime.home import Home

FILE = "secrets.json"


@dataclass(frozen=True)
class Credentials:
    """Passwords of the database's superuser, owner and application roles and of Valkey; Django's key,
    the keys of clients' and of players' tokens, the key that seals the ledger, and the keys of personal data and of its
    index."""

    superuser_password: str
    owner_password: str
    app_password: str
    valkey_password: str
    secret_key: str
    jwt_private_key: str
    player_jwt_private_key: str
    seal_private_key: str
    personal_key: str
    personal_index_key: str


def load_credentials(home: Home) -> Credentials:
    """Read the home's credentials; what is missing is generated and kept."""
    kept = home.read_json(FILE, {})
    missing = [field.name for field in fields(Credentials) if field.name not in kept]
    makers = {
        "jwt_private_key": _private_key,
        "player_jwt_private_key": _private_key,
        "seal_private_key": new_private_key,
        "personal_key": _master_key,
        "personal_index_key": _master_key,
    }
    for name in missing:
        kept[name] = makers[name]() if name in makers else secrets.token_urlsafe(36)
    credentials = Credentials(**{field.name: kept[field.name] for field in fields(Credentials)})
    if missing:
        home.write_json(FILE, asdict(credentials))
    return credentials


def _master_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

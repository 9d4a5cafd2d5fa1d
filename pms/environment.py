"""Where settings come from: the environment, or for NAME the file that NAME_FILE names (secrets mounted as files)."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

import environ
from environ.fileaware_mapping import FileAwareMapping


class _Environment(FileAwareMapping):
    def __getitem__(self, key: str) -> str:
        try:
            return str(super().__getitem__(key)).rstrip("\r\n")  # editors end files with a newline
        except OSError as error:
            raise environ.ImproperlyConfigured(f"{key}_FILE names a file that can't be read: {error}") from None


class Env(environ.Env):
    ENVIRON = _Environment()


def become_owner() -> None:
    """For commands that change the schema: go to the databases as their owner, where the environment names one."""
    given = _Environment(cache=False)
    for name in ("DATABASE", "KEYS_DATABASE"):
        if owner_url := given.get(f"{name}_OWNER_URL"):
            os.environ.pop(f"{name}_URL_FILE", None)
            os.environ[f"{name}_URL"] = owner_url


def split_keys(text: str) -> list[str]:
    """The private keys in PEM that stand one after the other in this text; its lines may be divided by "\\n"."""
    return re.findall(r"-----BEGIN [^-]+-----.+?-----END [^-]+-----\n?", text.replace("\\n", "\n"), re.DOTALL)


def issued_keys(text: str) -> list[dict[str, object]]:
    """The same as allauth takes them: the last one counts as issued last, and signs."""
    return [{"pem": pem, "issued_at": datetime.fromtimestamp(place, UTC)} for place, pem in enumerate(split_keys(text))]

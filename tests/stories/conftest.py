"""What stories are told with: an API client with a real token, as integrators have it."""

from tests.rest.conftest import _fresh_tokens, api, token_for

__all__ = ["_fresh_tokens", "api", "token_for"]

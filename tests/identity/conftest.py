from tests.rest.conftest import token_for  # noqa: F401  (a fixture)

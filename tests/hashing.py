"""Password hashes that cost nothing, and that a server which a test has started can still read."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    iterations = 1

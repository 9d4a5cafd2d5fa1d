"""Bonuses in the back office: Django looks for screens here."""

from bonuses import admin_grants, admin_offers  # noqa: F401

"""Bonuses in the back office: Django looks for screens here."""

from bonuses import admin_codes, admin_grants, admin_lists, admin_offers, admin_runs  # noqa: F401

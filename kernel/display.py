"""How values look in the back office: states, money, moments and ids. Lists and templates use the same functions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from kernel.money import Money

NOTHING = mark_safe('<span class="pms-subtle">–</span>')

# Words of states and kinds, and the colour of their chip. What is not here is neutral.
TONES = {
    **dict.fromkeys(
        ("active", "approved", "done", "made", "confirmed", "replayed", "running", "low", "win", "deposit", "paid"),
        "good",
    ),
    **dict.fromkeys(
        ("pending", "requested", "submitted", "in_review", "medium", "behind", "paused", "parked", "sent", "planned"),
        "warn",
    ),
    **dict.fromkeys(
        ("suspended", "failed", "rejected_retry", "rejected_final", "high", "prohibited", "poisoned"), "bad"
    ),
    **dict.fromkeys(("rollback", "expired", "down", "restricted", "rejected", "charged_back", "returned"), "bad"),
    **dict.fromkeys(("posted", "resolved", "matched", "done", "reinstated"), "good"),
    **dict.fromkeys(("awaiting_approval", "open", "investigating", "waiting", "matching", "writing"), "warn"),
    **dict.fromkeys(("missing", "unmatched"), "warn"),
    **dict.fromkeys(("differing", "bad", "denied"), "bad"),
}


ACRONYMS = {"aml": "AML", "kyc": "KYC", "crm": "CRM", "mlro": "MLRO", "vip": "VIP", "api": "API"}


def human(code: str) -> str:
    """A code such as "self_excluded" as a person reads it: "Self excluded"."""
    text = " ".join(ACRONYMS.get(word, word) for word in code.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def chip(text: str, tone: str = "") -> SafeString:
    """A state as a coloured label; the tone follows the word unless given."""
    if not text:
        return NOTHING
    return format_html('<span class="pms-chip" data-tone="{}">{}</span>', tone or TONES.get(text, ""), human(text))


def money(amount: Money | None, *, signed: bool = False) -> SafeString:
    """An amount with its currency's code, in digits of equal width."""
    if amount is None:
        return NOTHING
    sign = "+" if signed and amount.amount_minor > 0 else ""
    return format_html(
        '<span class="pms-money" data-sign="{}">{}{}<span class="pms-currency">{}</span></span>',
        ((amount.amount_minor > 0) - (amount.amount_minor < 0)) if signed else "",
        sign,
        f"{amount.major:,f}".replace("-", "\N{MINUS SIGN}"),
        amount.currency,
    )


def when(at: datetime | None) -> SafeString:
    """A moment: the browser shows it in the viewer's zone, and UTC on hover. Without scripts it is UTC."""
    if at is None:
        return NOTHING
    utc = at.astimezone(UTC)
    return format_html(
        '<time class="pms-time" datetime="{}" title="{} UTC">{} UTC</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S}",
        f"{utc:%Y-%m-%d %H:%M}",
    )


def copyable(value: object, href: str = "") -> SafeString:
    """An id, shortened in the middle of the page but copied whole; a link when ``href`` leads somewhere."""
    text = str(value or "")
    if not text:
        return NOTHING
    short = f"{text[:8]}…{text[-4:]}" if len(text) > 20 else text
    label = format_html('<a href="{}">{}</a>', href, short) if href else format_html("<span>{}</span>", short)
    return format_html(
        '<span class="pms-id" title="{}">{}<button type="button" class="pms-copy" data-copy="{}"'
        ' aria-label="Copy {}"></button></span>',
        text,
        label,
        text,
        text,
    )


def pretty_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)

"""The terms of an offer in words, made from its rule: what the player is shown, what the second person reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from bonuses.types_offer import AwardKind, Counts, OfferRule, OnWithdrawal, Stacking, TriggerKind, WageringOf

LANGUAGES = ("en", "de", "sv")

# A sentence for each language; braces are filled in. A term that is missing in a language fails its test.
_TEXTS: dict[str, dict[str, str]] = {
    "match": {
        "en": "{percent} % of the deposit as bonus money, at most {cap}.",
        "de": "{percent} % der Einzahlung als Bonusguthaben, höchstens {cap}.",
        "sv": "{percent} % av insättningen som bonuspengar, högst {cap}.",
    },
    "fixed": {
        "en": "{amount} of bonus money.",
        "de": "{amount} Bonusguthaben.",
        "sv": "{amount} i bonuspengar.",
    },
    "fixed_real": {
        "en": "{amount}, paid as real money.",
        "de": "{amount}, ausgezahlt als Echtgeld.",
        "sv": "{amount}, betalas som riktiga pengar.",
    },
    "spins": {
        "en": "{spins} free spins worth {value} each, on {games}, to be used within {days} days.",
        "de": "{spins} Freispiele im Wert von je {value}, für {games}, einzusetzen innerhalb von {days} Tagen.",
        "sv": "{spins} gratissnurr värda {value} styck, på {games}, att använda inom {days} dagar.",
    },
    "spins_real": {
        "en": "What they win is real money.",
        "de": "Gewinne daraus sind Echtgeld.",
        "sv": "Vinsterna är riktiga pengar.",
    },
    "spins_bonus": {
        "en": "What they win is bonus money.",
        "de": "Gewinne daraus sind Bonusguthaben.",
        "sv": "Vinsterna är bonuspengar.",
    },
    "points": {
        "en": "What the loyalty points are worth, as bonus money, at most {cap}.",
        "de": "Der Wert der Treuepunkte als Bonusguthaben, höchstens {cap}.",
        "sv": "Lojalitetspoängens värde som bonuspengar, högst {cap}.",
    },
    "points_real": {
        "en": "What the loyalty points are worth, paid as real money, at most {cap}.",
        "de": "Der Wert der Treuepunkte, ausgezahlt als Echtgeld, höchstens {cap}.",
        "sv": "Lojalitetspoängens värde, betalas som riktiga pengar, högst {cap}.",
    },
    "cashback": {
        "en": "{percent} % of what was lost, net, in {days} days, at most {cap}.",
        "de": "{percent} % des Nettoverlusts aus {days} Tagen, höchstens {cap}.",
        "sv": "{percent} % av nettoförlusten under {days} dagar, högst {cap}.",
    },
    "min_deposit": {
        "en": "The deposit is at least {amount}.",
        "de": "Die Einzahlung beträgt mindestens {amount}.",
        "sv": "Insättningen är minst {amount}.",
    },
    "wager_bonus": {
        "en": "To become real money, {multiple} times the bonus has to be staked within {days} days.",
        "de": "Damit daraus Echtgeld wird, ist das {multiple}-Fache des Bonus innerhalb von {days} Tagen einzusetzen.",
        "sv": "För att bli riktiga pengar ska {multiple} gånger bonusen satsas inom {days} dagar.",
    },
    "wager_both": {
        "en": "To become real money, {multiple} times the bonus and the deposit has to be staked within {days} days.",
        "de": "Damit daraus Echtgeld wird, ist das {multiple}-Fache von Bonus und Einzahlung innerhalb von {days} Tagen"
        " einzusetzen.",
        "sv": "För att bli riktiga pengar ska {multiple} gånger bonusen och insättningen satsas inom {days} dagar.",
    },
    "wager_wins": {
        "en": "To become real money, {multiple} times what the spins won has to be staked within {days} days.",
        "de": "Damit daraus Echtgeld wird, ist das {multiple}-Fache der Gewinne innerhalb von {days} Tagen einzusetzen.",
        "sv": "För att bli riktiga pengar ska {multiple} gånger vinsterna satsas inom {days} dagar.",
    },
    "no_wager": {
        "en": "Nothing has to be staked for it.",
        "de": "Dafür ist nichts einzusetzen.",
        "sv": "Inget behöver satsas för den.",
    },
    "counts_bonus": {
        "en": "Only stakes paid from the bonus count.",
        "de": "Nur Einsätze aus dem Bonus zählen.",
        "sv": "Endast insatser från bonusen räknas.",
    },
    "contribution": {
        "en": "Of a stake on {name}, {percent} % count.",
        "de": "Von Einsätzen auf {name} zählen {percent} %.",
        "sv": "Av insatser på {name} räknas {percent} %.",
    },
    "max_stake": {
        "en": "While it is wagered, a stake is at most {amount}.",
        "de": "Während des Umsetzens beträgt ein Einsatz höchstens {amount}.",
        "sv": "Under omsättningen är en insats högst {amount}.",
    },
    "excluded": {
        "en": "These games are not played while it is wagered: {games}.",
        "de": "Während des Umsetzens werden diese Spiele nicht gespielt: {games}.",
        "sv": "Dessa spel spelas inte under omsättningen: {games}.",
    },
    "breach": {
        "en": "A bet that breaks these terms ends the bonus.",
        "de": "Ein Einsatz gegen diese Bedingungen beendet den Bonus.",
        "sv": "En insats som bryter mot villkoren avslutar bonusen.",
    },
    "max_conversion": {
        "en": "At most {amount} of it becomes real money.",
        "de": "Höchstens {amount} davon werden zu Echtgeld.",
        "sv": "Högst {amount} av den blir riktiga pengar.",
    },
    "withdraw_forfeit": {
        "en": "Who withdraws before that loses the bonus.",
        "de": "Wer vorher auszahlt, verliert den Bonus.",
        "sv": "Den som tar ut pengar innan dess förlorar bonusen.",
    },
    "withdraw_refuse": {
        "en": "Money can be withdrawn when the bonus has ended, or was given up.",
        "de": "Auszahlungen sind möglich, sobald der Bonus beendet oder aufgegeben ist.",
        "sv": "Uttag kan göras när bonusen har avslutats eller avståtts.",
    },
    "queue": {
        "en": "It begins when another bonus of the player's has ended.",
        "de": "Er beginnt, wenn ein anderer Bonus beendet ist.",
        "sv": "Den börjar när en annan bonus har avslutats.",
    },
    "exclusive": {
        "en": "It is not given beside another bonus that is being wagered.",
        "de": "Er wird nicht neben einem anderen laufenden Bonus vergeben.",
        "sv": "Den ges inte samtidigt som en annan pågående bonus.",
    },
    "once": {
        "en": "Each player gets it once.",
        "de": "Jede Person erhält ihn einmal.",
        "sv": "Varje spelare får den en gång.",
    },
    "times": {
        "en": "Each player gets it at most {count} times.",
        "de": "Jede Person erhält ihn höchstens {count}-mal.",
        "sv": "Varje spelare får den högst {count} gånger.",
    },
    "claim": {
        "en": "It has to be taken within {days} days.",
        "de": "Er muss innerhalb von {days} Tagen angenommen werden.",
        "sv": "Den ska tas emot inom {days} dagar.",
    },
    "dates": {
        "en": "The offer stands from {start} to {end} (UTC).",
        "de": "Das Angebot gilt von {start} bis {end} (UTC).",
        "sv": "Erbjudandet gäller från {start} till {end} (UTC).",
    },
    "all_games": {"en": "all games", "de": "alle Spiele", "sv": "alla spel"},
    "open_end": {"en": "further notice", "de": "auf Weiteres", "sv": "vidare"},
    "open_start": {"en": "now", "de": "jetzt", "sv": "nu"},
}

_WHEN = {
    TriggerKind.REGISTRATION: "to whoever registers",
    TriggerKind.CODE: "to whoever enters a code",
    TriggerKind.BIRTHDAY: "on a player's birthday",
    TriggerKind.VIP: "to whoever becomes a VIP",
    TriggerKind.REFERRAL: "to whoever brings a new player",
    TriggerKind.MANUAL: "by hand, by API or for a list of players",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def describe(rule: OfferRule, language: str, currency: str = "") -> list[str]:
    """All terms, a sentence each. ``currency``: only its amounts. A language that is not known reads English."""
    language = language.partition("-")[0].lower()
    language = language if language in LANGUAGES else "en"
    return [_TEXTS[name][language].format(**values) for name, values in _terms(rule, language, currency)]


def title_of(rule: OfferRule, language: str) -> str:
    return rule.titles.get(language.partition("-")[0].lower()) or rule.titles["en"]


def short(rule: OfferRule) -> tuple[str, str]:
    """What is given and when, for a line of a list."""
    return describe(rule, "en")[0], _when(rule)


def summary(rule: OfferRule) -> str:
    """The rule in one sentence, for staff: when it is given, what, and to whom."""
    fit = rule.eligibility
    whom = [f"in {', '.join(fit.jurisdictions)}"] if fit.jurisdictions else []
    whom += [f"with {label} {' or '.join(values)}" for label, values in sorted(fit.labels.items())]
    whom += ["whose identity is confirmed"] if fit.confirmed_only else []
    to = f" to players {' and '.join(whom)}" if whom else ""
    return f"Given {_when(rule)}{to}: {' '.join(describe(rule, 'en'))}"


def _when(rule: OfferRule) -> str:
    trigger = rule.trigger
    match trigger.kind:
        case TriggerKind.DEPOSIT:
            return f"with deposit number {trigger.nth}" if trigger.nth else "with each deposit"
        case TriggerKind.TURNOVER:
            return f"when {trigger.amount_eur} EUR have been staked"
        case TriggerKind.LEVEL:
            return f"to whoever reaches level {trigger.value}"
        case TriggerKind.SEGMENT:
            return f"to whoever gets {trigger.label} = {trigger.value or 'any value'}"
        case TriggerKind.INACTIVITY:
            return f"to whoever has not played for {trigger.days} days"
        case TriggerKind.SCHEDULE:
            day = "every day" if trigger.weekday < 0 else f"every {_DAYS[trigger.weekday]}"
            return f"{day} at {trigger.hour:02}:00 UTC"
    return _WHEN[trigger.kind]


def _terms(rule: OfferRule, language: str, currency: str) -> Iterator[tuple[str, dict[str, object]]]:
    award, wagering = rule.award, rule.wagering

    def sums(amounts: Mapping[str, Decimal]) -> str:
        chosen = {currency: amounts[currency]} if currency in amounts else amounts
        return " / ".join(f"{amount:f} {code}" for code, amount in sorted(chosen.items()))

    match award.kind:
        case AwardKind.DEPOSIT_MATCH:
            yield "match", {"percent": _plain(award.percent), "cap": sums(award.cap)}
        case AwardKind.FIXED:
            yield ("fixed" if wagering.multiple else "fixed_real"), {"amount": sums(award.amount)}
        case AwardKind.POINTS_REDEMPTION:
            yield "points" if rule.wagering.multiple else "points_real", {"cap": sums(award.cap)}
        case AwardKind.CASHBACK:
            percents = [award.percent, *award.percent_by_level.values()]
            shown = (
                _plain(min(percents)) if len(set(percents)) == 1 else f"{_plain(min(percents))}–{_plain(max(percents))}"
            )
            yield "cashback", {"percent": shown, "days": award.window_days, "cap": sums(award.cap)}
        case AwardKind.FREE_SPINS:
            games = ", ".join(award.games) or _TEXTS["all_games"][language]
            yield (
                "spins",
                {"spins": award.spins, "value": sums(award.spin_value), "games": games, "days": award.spin_days},
            )
            yield f"spins_{award.spin_wins}", {}
    if award.min_deposit:
        yield "min_deposit", {"amount": sums(award.min_deposit)}
    if wagering.multiple:
        kind = "wager_wins" if award.kind is AwardKind.FREE_SPINS else "wager_bonus"
        kind = "wager_both" if wagering.of is WageringOf.BONUS_AND_DEPOSIT else kind
        yield kind, {"multiple": _plain(wagering.multiple), "days": wagering.days}
        yield from _wagering_terms(rule, sums)
    else:
        yield "no_wager", {}
    if rule.eligibility.per_player == 1:
        yield "once", {}
    elif rule.eligibility.per_player:
        yield "times", {"count": rule.eligibility.per_player}
    if rule.claim == "player":
        yield "claim", {"days": rule.claim_days}
    if rule.starts_at or rule.ends_at:
        start = f"{rule.starts_at:%Y-%m-%d %H:%M}" if rule.starts_at else _TEXTS["open_start"][language]
        end = f"{rule.ends_at:%Y-%m-%d %H:%M}" if rule.ends_at else _TEXTS["open_end"][language]
        yield "dates", {"start": start, "end": end}


def _wagering_terms(
    rule: OfferRule, sums: Callable[[Mapping[str, Decimal]], str]
) -> Iterator[tuple[str, dict[str, object]]]:
    wagering = rule.wagering
    if wagering.counts is Counts.BONUS:
        yield "counts_bonus", {}
    for name, percent in sorted({**wagering.contribution, **wagering.game_contribution}.items()):
        if percent != 100:
            yield "contribution", {"name": name, "percent": _plain(percent)}
    if wagering.max_stake:
        yield "max_stake", {"amount": sums(wagering.max_stake)}
    if wagering.excluded_games:
        yield "excluded", {"games": ", ".join(wagering.excluded_games)}
    if wagering.breach_forfeits:
        yield "breach", {}
    if wagering.max_conversion:
        yield "max_conversion", {"amount": sums(wagering.max_conversion)}
    if rule.on_withdrawal is not OnWithdrawal.KEEP:
        yield f"withdraw_{rule.on_withdrawal}", {}
    yield ("queue" if rule.stacking is Stacking.QUEUE else "exclusive"), {}


def _plain(number: Decimal) -> str:
    """Without zeros at its end: "35", "12.5"."""
    return f"{number.normalize():f}"

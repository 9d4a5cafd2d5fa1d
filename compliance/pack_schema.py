"""Every key that may stand in a jurisdiction pack: its type and unit, what it means, and which way it binds more.

A key whose ``needed_by`` names actions must be there, or those actions are denied. Every other key that is missing makes
no demand.
"""

from __future__ import annotations

from kernel.packs import (
    AMOUNT,
    FLAG,
    TERM,
    TEXT,
    Key,
    Kind,
    Schema,
    Tighter,
    amount_by,
    choice,
    choices,
    integer,
    integer_by,
    integers,
    terms,
)

LOWER, HIGHER, TRUE, FALSE = Tighter.LOWER, Tighter.HIGHER, Tighter.TRUE, Tighter.FALSE
MORE, LATER, NONE = Tighter.MORE, Tighter.LATER, Tighter.NONE

FIELDS = (
    "first_name", "last_name", "birth_date", "phone", "street", "city", "postcode", "birth_name", "birth_place",
    "national_id", "occupation",
)  # fmt: skip
BANDS = ("default", "young")
PERIODS = ("24h", "7d", "30d", "day", "week", "4w", "month")
MONEY_LIMITS = ("deposit", "loss", "stake", "wagering")
LIMIT_KINDS = (*MONEY_LIMITS, "session_time", "login_time", "balance")
# "deposit" asks for one of any period, "deposit:day" for one of that period.
LIMIT_DEMANDS = (*LIMIT_KINDS, *(f"{kind}:{period}" for kind in MONEY_LIMITS for period in PERIODS))
GAMES = ("slots", "table", "live", "crash", "other")
MOMENTS = ("registration", "login", "deposit", "first_game", "marketing")

HOURS, DAYS, MONTHS, YEARS, MINUTES = "hours", "days", "months", "years", "minutes"


def _flag(tighter: Tighter, means: str) -> Key:
    return Key(FLAG, means, tighter)


def _int(unit: str, tighter: Tighter, means: str, *, low: int = 1, high: int = 100_000) -> Key:
    return Key(integer(unit, low, high), means, tighter)


def _key(kind: Kind, tighter: Tighter, means: str, *needs: str) -> Key:
    return Key(kind, means, tighter, needs=needs)


_AGE: Schema = {
    "age.min": Key(
        integer(YEARS, 16, 99), "Nobody younger may have an account.", HIGHER, ("registration", "deposit", "bet")
    ),
    "age.min_in": _key(
        integer_by(YEARS, "EE", "GR", "CA", "US", low=16, high=99),
        HIGHER,
        "The same for single countries of residence, where no pack of their own is in force.",
    ),
    "age.bands": _key(
        integer_by(YEARS, "young", low=16, high=99), HIGHER, "The oldest age that still belongs to the band."
    ),
}

_REGISTRATION: Schema = {
    "registration.fields": Key(
        choices(*FIELDS), "What a person must give to open an account.", MORE, ("registration",)
    ),
    "registration.player_affirms_data": _flag(TRUE, "The person affirms that what they gave is right."),
    "registration.one_account": _flag(TRUE, "One account per person."),
    "registration.ineligible_groups": _key(
        choices("court_order", "operator_officer", "regulator_staff", "supplier_staff"),
        MORE,
        "Who may have no account, beside the young and the excluded.",
    ),
}

_VERIFICATION: Schema = {
    "verification.age_before": _key(
        choices("deposit", "bet", "bonus", "withdrawal"), MORE, "What is denied until the age is verified."
    ),
    "verification.identity_before": _key(
        choices("deposit", "bet", "bonus", "withdrawal"), MORE, "What is denied until the identity is verified."
    ),
    "verification.fields": _key(
        choices("name", "birth_date", "address", "birth_name", "birth_place", "national_id", "contact", "occupation"),
        MORE,
        "What is verified of a person's identity.",
    ),
    "verification.late_documents": _flag(
        FALSE, "A withdrawal may wait for a document that could have been asked for earlier."
    ),
    "verification.grace_hours": Key(
        integer(HOURS, 1, 720),
        "For so long after registration a person may play unverified.",
        LOWER,
        needs=("verification.grace_deposit_cap",),
    ),
    "verification.grace_deposit_cap": _key(AMOUNT, LOWER, "What an unverified person may deposit in all."),
    "verification.grace_withdrawal": _flag(FALSE, "An unverified person may withdraw."),
    "verification.grace_ack_required": _flag(TRUE, "The person is told of grace play and says so."),
    "verification.unfinished_locks_funds": _flag(
        TRUE,
        "Due diligence that is due and not finished locks the funds; what came in goes back to where it came from.",
    ),
}

_REGISTERS: Schema = {
    "registers.exclusion_name": _key(
        TEXT, NONE, "The national register of excluded persons.", "registers.exclusion_check_on",
        "registers.exclusion_on_error",
    ),
    "registers.exclusion_check_on": _key(choices(*MOMENTS), MORE, "When the register is asked."),
    "registers.exclusion_on_error": _key(choice("allow", "deny"), LATER, "What holds when it does not answer."),
    "registers.exclusion_min_term": _key(TERM, HIGHER, "The shortest exclusion in the register."),
    "registers.limit_file_name": _key(
        TEXT, NONE, "The register of limits across operators.", "registers.limit_file_check_on",
        "registers.limit_file_on_error",
    ),
    "registers.limit_file_check_on": _key(choices(*MOMENTS), MORE, "When the limit file is asked."),
    "registers.limit_file_on_error": _key(choice("allow", "deny"), LATER, "What holds when it does not answer."),
    "registers.limit_file_failed_deposits_count": _flag(
        TRUE, "A deposit that fails after the limit file counted it stays counted there."
    ),
    "registers.activity_file_name": _key(
        TEXT, NONE, "The register of who plays where just now.", "registers.activity_file_check_on",
        "registers.activity_file_on_error", "registers.activity_switch_wait_minutes",
    ),
    "registers.activity_file_check_on": _key(choices(*MOMENTS), MORE, "When the activity file is asked."),
    "registers.activity_file_on_error": _key(choice("allow", "deny"), LATER, "What holds when it does not answer."),
    "registers.activity_switch_wait_minutes": _int(
        MINUTES, HIGHER, "How long a person waits before playing with another operator."
    ),
}  # fmt: skip

_LIMITS: Schema = {
    "limits.kinds_offered": _key(choices(*LIMIT_KINDS), MORE, "Limits that a player must be able to set."),
    "limits.periods": _key(choices(*PERIODS), NONE, "The periods that money limits are offered for."),
    "limits.mandatory": _key(
        choices(*LIMIT_DEMANDS), MORE, "Limits that must be set before play; of any period where none is named."
    ),
    "limits.deposit_basis": _key(
        choice("net", "gross"), LATER, "Gross: a withdrawal frees nothing of a deposit limit; net: it does."
    ),
    "limits.scope": _key(choice("brand", "account"), LATER, "What one limit covers."),
    "limits.input": _key(
        choice("any", "free_text", "free_text_no_presets"), LATER, "How the player names a limit."
    ),
    "limits.prefilled": _flag(FALSE, "A limit may be filled in before the player names one."),
    "limits.prompt_at": _key(
        choices("registration", "first_deposit"), MORE, "When the player is asked to set limits, and opts out actively."
    ),
    "limits.links_at": _key(choices("home", "deposit"), MORE, "Where a link to the limits must stand."),
    "limits.lowest_wins": _flag(TRUE, "Of several limits at once the lowest holds."),
    "limits.decrease_immediate": _flag(TRUE, "A lower limit holds at once."),
    "limits.increase_delay_hours": _int(HOURS, HIGHER, "A raise waits so long."),
    "limits.increase_not_before_period_end": _flag(TRUE, "A raise waits for the end of the running period as well."),
    "limits.increase_needs_confirmation": _flag(TRUE, "After the wait the player confirms a raise again."),
    "limits.increase_needs_player_request": _flag(TRUE, "Only the player's own request raises a limit."),
    "limits.block_deposits_at_limit": _flag(TRUE, "No deposit is taken that would go over the limit."),
    "limits.activity_reminder_months": _int(MONTHS, LOWER, "The player is shown their activity so often."),
    "limits.no_limit_review_months": _int(MONTHS, LOWER, "Who set no limit is asked again so often."),
    "limits.deposit_contact_above": _key(
        amount_by(*BANDS), LOWER, "A deposit limit above it needs contact with the player.",
        "limits.deposit_contact_period", "limits.deposit_contact",
    ),
    "limits.deposit_contact_period": _key(choice(*PERIODS), NONE, "The period of the limit that is looked at."),
    "limits.deposit_contact": _key(
        choice("after", "before"), LATER, "Whether the contact comes after the limit, or before it holds."
    ),
    "limits.net_deposit_cap": _key(
        amount_by(*BANDS), LOWER, "Net deposits above it block deposits until affordability is shown.",
        "limits.net_deposit_period",
    ),
    "limits.net_deposit_period": _key(choice(*PERIODS), NONE, "The period of the net deposit cap."),
    "limits.four_weeks_from": _key(TEXT, NONE, "A day (2026-09-29) from which periods of four weeks are counted."),
    "limits.deposit_caps": _key(
        amount_by(*PERIODS), LOWER, "The highest deposit limit per period with this operator; it holds without one too."
    ),
    "limits.cross_operator_deposit_cap": _key(
        AMOUNT, LOWER, "Deposits with all operators together.", "limits.cross_operator_period"
    ),
    "limits.cross_operator_period": _key(choice(*PERIODS), NONE, "The period of the cap across operators."),
    "limits.joint_deposit_caps": _key(
        amount_by(*PERIODS), LOWER, "Deposits with all operators together, per period, where there are several."
    ),
    "limits.cross_operator_raise_max": _key(AMOUNT, LOWER, "No raise of that cap goes above."),
    "limits.default_deposit_day": _key(amount_by(*BANDS), LOWER, "A new player's deposit limit a day, until changed."),
    "limits.default_loss_day": _key(amount_by(*BANDS), LOWER, "A new player's spend a day, until changed."),
    "limits.default_session_minutes": _key(
        integer_by(MINUTES, *BANDS, low=1, high=1440), LOWER, "A new player's time of play a day, until changed."
    ),
    "limits.warn_at_percent": _key(integers("percent", 1, 100), MORE, "The player is warned at these parts of a limit."),
    "limits.logout_at_time_limit": _flag(TRUE, "Who reaches a time limit is logged out."),
}  # fmt: skip

_SESSION: Schema = {
    "session.reality_check": _key(
        choice("none", "customer_set", "fixed"), LATER, "Who says how often play is interrupted by a reality check."
    ),
    "session.reality_check_minutes": _int(MINUTES, LOWER, "The longest time between two reality checks."),
    "session.reality_check_ack": _flag(TRUE, "The player acknowledges it; no stake is taken until then."),
    "session.reality_check_shows": _key(
        choices("time", "stakes", "wins", "losses"), MORE, "What a reality check shows."
    ),
    "session.break_minutes": _int(MINUTES, HIGHER, "So long no slot can be played after a reality check."),
    "session.show_elapsed_time": _flag(TRUE, "The time of the whole session is shown."),
    "session.show_net_position": _flag(TRUE, "What was won or lost in the whole session is shown."),
    "session.login_summary_days": _int(DAYS, NONE, "A login shows stakes, wins and losses of so many days."),
    "session.login_summary_repeat_hours": _int(HOURS, LOWER, "The summary is shown again after so long."),
    "session.login_summary_ack": _flag(TRUE, "No play until the summary is acknowledged."),
    "session.idle_reauth_minutes": _int(MINUTES, LOWER, "Who was idle for so long proves again who they are."),
}

_GAMES: Schema = {
    "games.slot_stake_cap": _key(
        amount_by("default", "young", "from_21_optin", "after_90d_monitoring"), LOWER,
        "The highest stake on one spin of a slot, by age band or by what was shown of the player.",
    ),
    "games.min_cycle_ms": _key(
        integer_by("milliseconds", *GAMES, low=1, high=60_000), HIGHER, "From one stake to the next, by game category."
    ),
    "games.autoplay": _flag(FALSE, "A game may play on by itself."),
    "games.parallel_play": _flag(FALSE, "Several games may be played at once."),
    "games.table_games": _flag(FALSE, "Table games, live ones included, may be offered online."),
}  # fmt: skip

_EXCLUSION: Schema = {
    "exclusion.panic_hours": _int(HOURS, HIGHER, "One press of a button excludes for so long."),
    "exclusion.breaks": _key(terms(), MORE, "Breaks from play that are offered."),
    "exclusion.terms": _key(terms("indefinite"), MORE, "Self-exclusions that are offered."),
    "exclusion.any_term": _flag(TRUE, "The person may name any length between the shortest and the longest."),
    "exclusion.min_term": _key(TERM, HIGHER, "No self-exclusion is shorter."),
    "exclusion.longest_offered": _key(TERM, HIGHER, "Self-exclusion is offered for at least so long."),
    "exclusion.default_term": _key(TERM, HIGHER, "What holds when the person names no length."),
    "exclusion.third_party_min_term": _key(TERM, HIGHER, "No exclusion by somebody else is shorter."),
    "exclusion.indefinite_min_term": _key(
        TERM, HIGHER, "One without an end can be ended after so long at the earliest."
    ),
    "exclusion.ends": _key(choice("by_itself", "on_request"), LATER, "Whether it ends, or the person must ask for it."),
    "exclusion.early_revoke": _flag(FALSE, "It may be revoked before its end."),
    "exclusion.return_cooling_hours": _int(HOURS, HIGHER, "Who asks to return waits so long."),
    "exclusion.revoke_definite_hours": _int(HOURS, HIGHER, "A revoked exclusion with an end holds on for so long."),
    "exclusion.revoke_indefinite_hours": _int(
        HOURS, HIGHER, "A revoked exclusion without an end holds on for so long."
    ),
    "exclusion.revoke_needs_reason": _flag(TRUE, "A revocation needs a reason."),
    "exclusion.revoke_answer_days": _int(DAYS, LOWER, "A request to revoke is answered within so long."),
    "exclusion.withdrawal_allowed": _flag(TRUE, "An excluded person can withdraw what is theirs."),
    "exclusion.brand_scope_question": _flag(TRUE, "The person is asked whether it is for one brand or all."),
    "exclusion.permanent_closes_account": _flag(TRUE, "An exclusion without an end closes the account."),
    "exclusion.immediate_logout": _flag(TRUE, "Who is excluded is logged out everywhere at once."),
    "exclusion.close_and_refund_hours": _int(HOURS, LOWER, "The account is closed and paid out within so long."),
    "exclusion.refund_open_bets": _flag(TRUE, "Open bets are refunded where the event has not begun."),
    "exclusion.marketing_suppress_hours": _int(HOURS, LOWER, "Messages that are on their way stop within so long."),
}

_BONUS_AND_MARKETING: Schema = {
    "bonus.max_wagering_multiple": _int("times", LOWER, "The highest multiple of a bonus to be wagered.", high=1000),
    "bonus.max_amount": _key(AMOUNT, LOWER, "The highest value of one bonus, instalments summed."),
    "bonus.min_days_to_fulfil": _int(DAYS, HIGHER, "So long a player has to meet the conditions."),
    "bonus.mixed_products": _flag(FALSE, "One incentive may span several products."),
    "bonus.equal_terms": _flag(TRUE, "The same conditions for everybody."),
    "bonus.terms_shown_at": _key(choices("first_presentation", "offer", "use"), MORE, "When all conditions are shown."),
    "bonus.first_occasion_only": _flag(TRUE, "One bonus per player, at the first occasion of play."),
    "bonus.scope": _key(choice("brand", "licensee"), LATER, "Whose first occasion counts."),
    "bonus.public_advertising": _flag(FALSE, "Bonuses may be advertised in public."),
    "bonus.during_play": _flag(FALSE, "A bonus may be offered during play."),
    "bonus.excluded_bands": _key(choices("young"), MORE, "Age bands that get no bonus."),
    "bonus.block_on_strong_harm_marker": _flag(TRUE, "No new bonus for whom strong signs of harm are known."),
    "marketing.consent_dimensions": _key(choices("product", "channel"), MORE, "What a consent must name."),
    "marketing.consent_on_site": _flag(TRUE, "Consent is given actively, on the operator's site."),
    "marketing.reactivation_of_inactive": _flag(FALSE, "People who stopped playing may be written to."),
    "marketing.block_on_strong_harm_marker": _flag(
        TRUE, "No direct marketing for whom strong signs of harm are known."
    ),
}

_MONEY: Schema = {
    "payments.withdrawal_reversal": _flag(FALSE, "The player may take back a withdrawal."),
    "payments.withdrawal_debited_at_request": _flag(TRUE, "The balance falls when the withdrawal is asked for."),
    "payments.credit_card": _flag(FALSE, "Deposits by credit card are taken."),
    "payments.credit": _flag(FALSE, "Deposits from credit of any kind are taken."),
    "payments.own_name_account_only": _flag(TRUE, "Only accounts in the player's own name pay in and are paid out to."),
    "payments.anonymous_methods": _flag(FALSE, "Anonymous ways to pay are taken."),
    "payments.player_to_player": _flag(FALSE, "Money may go from player to player."),
    "payments.auto_withdraw_above_setting": _flag(TRUE, "The player can set a balance above which money is paid out."),
    "payments.winnings_over_balance_limit": _key(
        choice("keep", "pay_to_bank"), LATER, "What becomes of a win above the balance limit."
    ),
    "wallet.player_funds_segregated": _flag(TRUE, "Players' money is kept apart from the operator's."),
    "wallet.inactive_after_months": _int(MONTHS, NONE, "An account without play counts as inactive after so long."),
    "wallet.inactive_fee_notice_days": _int(DAYS, HIGHER, "So long before a fee for inactivity the player is told."),
    "wallet.dormant_after_months": _int(MONTHS, NONE, "An account counts as dormant after so long."),
    "wallet.dormant_balance_recoverable": _flag(TRUE, "A dormant balance can be asked for at any time."),
    "wallet.dormant_notice": _flag(TRUE, "The player is told before an account becomes dormant."),
}

_WATCH_AND_REPORT: Schema = {
    "harm.net_deposit_check": _key(
        AMOUNT, LOWER, "Net deposits above it lead to a check of vulnerability.", "harm.net_deposit_window_days"
    ),
    "harm.net_deposit_window_days": _int(DAYS, NONE, "The rolling window of that check."),
    "harm.markers_required": _key(
        choices("deposit_amount", "deposit_frequency", "multiple_payment_methods", "withdrawal_reversal", "complaints",
                "rg_tool_use"),
        MORE, "Signs of harm that must be watched.",
    ),
    "harm.reaction_minutes": _int(MINUTES, LOWER, "A sign of harm is acted on within so long."),
    "harm.monitoring": _key(choice("daily", "near_real_time"), LATER, "How soon signs of harm are seen."),
    "harm.automated_detection": _flag(TRUE, "Signs of harm are found by a system."),
    "history.self_service_months": _int(MONTHS, HIGHER, "So far back a player sees their own history."),
    "history.on_request_months": _int(MONTHS, HIGHER, "So far back it is given on request."),
    "aml.cdd_threshold": Key(
        AMOUNT, "At this sum customer due diligence is due.", LOWER, needs=("aml.cdd_basis",), any_currency=True
    ),
    "aml.cdd_basis": _key(choice("deposits", "transactions"), LATER, "What is summed: deposits, or stakes and payouts too."),
    "aml.cdd_linked": _flag(TRUE, "Transactions that belong together are summed."),
    "aml.cdd_window_days": _int(DAYS, NONE, "The rolling window of the sum, beside the sum over the account's life."),
    "aml.str_channel": _key(TEXT, NONE, "Where suspicious transactions are reported."),
    "retention.years_after_relationship": _int(YEARS, NONE, "Records are kept so long after the account's end."),
    "retention.delete_after": _flag(TRUE, "After that they are deleted."),
    "retention.registrar_records_years": _int(YEARS, NONE, "Records for the registrar are kept so long."),
    "reporting.format": _key(TEXT, NONE, "The form of the regulator's records."),
    "reporting.player_id": _key(TEXT, NONE, "How a player is named to the regulator."),
    "reporting.timestamps": _key(TEXT, NONE, "How moments are written."),
    "reporting.casino_unit": _key(TEXT, NONE, "What one record of casino play is."),
    "reporting.daily_totals": _flag(TRUE, "Totals of each day are reported."),
    "reporting.pseudonymised": _flag(TRUE, "Players are pseudonyms to the regulator."),
    "reporting.corrections": _key(TEXT, NONE, "How a record is corrected."),
    "reporting.continuous_logs": _flag(TRUE, "Logs are kept without gaps."),
    "reporting.safe_server": _key(
        choices("immutable", "pseudonymised", "regulator_direct_access"), MORE, "What the regulator's server must be."
    ),
    "fairness.per_player_rtp": _flag(FALSE, "A game may return another share to one player than to others."),
}  # fmt: skip

SCHEMA: Schema = {
    **_AGE, **_REGISTRATION, **_VERIFICATION, **_REGISTERS, **_LIMITS, **_SESSION, **_GAMES, **_EXCLUSION,
    **_BONUS_AND_MARKETING, **_MONEY, **_WATCH_AND_REPORT,
}  # fmt: skip

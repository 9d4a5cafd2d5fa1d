"""Settings: everything that differs between deployments comes from the environment (docs/operators/README.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
import structlog
from celery.schedules import crontab
from redis.backoff import NoBackoff
from redis.retry import Retry

from kernel.pan import mask_log
from pms.environment import Env, issued_keys, split_keys

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

PMS_HOME = Path(env("PMS_HOME", default=str(BASE_DIR / ".pms")))
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG and not env.bool("PMS_BUILD", default=False):
        raise environ.ImproperlyConfigured(
            'SECRET_KEY is not set. Use `make demo`, or `eval "$(make -s env)"` for a shell with the demo\'s settings.'
        )
    SECRET_KEY = "build-only"  # noqa: S105  (PMS_BUILD: linters and type checkers, nothing is served)

# Former ones, while what they signed and sealed is still about: `manage.py rotate_keys --secrets` seals it anew.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=False)
# Networks of the proxies before us ("10.0.0.0/8"): only what these write into X-Forwarded-For is believed.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])

# --- the operator ------------------------------------------------------------------------------------------------
OPERATOR_NAME = env("OPERATOR_NAME", default="Player Management System")
# Currencies that players may hold. Loyalty counts in EUR: others wait for exchange rates.
PLAYER_CURRENCIES = env.list("PLAYER_CURRENCIES", default=["EUR"])

# Folders with packs of rules of the operator's own, beside the shipped ones: a house policy, a licence's own terms.
PACK_FOLDERS = env.list("PACK_FOLDERS", default=[])

# --- personal data -----------------------------------------------------------------------------------------------
# How long a reveal lasts, and how many one person may make in an hour.
REVEAL_MINUTES = env.int("REVEAL_MINUTES", default=10)
REVEALS_PER_HOUR = env.int("REVEALS_PER_HOUR", default=30)

# --- corrections of balances -------------------------------------------------------------------------------------
ADJUSTMENT_REASONS = env.list(
    "ADJUSTMENT_REASONS",
    default=["goodwill", "game_malfunction", "payment_correction", "duplicate_payment", "bonus_correction",
             "fraud_reversal", "dispute", "reconciliation"],
)  # fmt: skip
WRITE_OFF_REASONS = env.list("WRITE_OFF_REASONS", default=["untraceable", "deceased", "below_payout_minimum"])
# What one member of staff may correct of one player within 24 hours without a second person, in major units by
# currency ("EUR=100.00,SEK=1000.00"). In a currency that is not named every correction needs one.
ADJUSTMENT_APPROVAL_ABOVE = env.dict("ADJUSTMENT_APPROVAL_ABOVE", default={"EUR": "100.00"})
# What one member of staff may correct of one player's loyalty points within 24 hours without a second person.
LOYALTY_CORRECTION_ABOVE = env.int("LOYALTY_CORRECTION_ABOVE", default=10_000)
LOYALTY_CORRECTION_REASONS = env.list(
    "LOYALTY_CORRECTION_REASONS", default=["goodwill", "missing_points", "game_malfunction", "abuse", "merged_account"]
)
# What one member of staff may let through of one player's withdrawals within 24 hours without a second person; rules
# approve nothing above it. In a currency that is not named every payout needs one.
WITHDRAWAL_APPROVAL_ABOVE = env.dict("WITHDRAWAL_APPROVAL_ABOVE", default={"EUR": "5000.00"})
# Within how many hours a withdrawal should be decided, by loyalty level; the inbox colours it by that.
WITHDRAWAL_TARGET_HOURS = env.dict("WITHDRAWAL_TARGET_HOURS", default={"any": "24", "gold": "8", "platinum": "4"})
# How long money stays reserved for a bet, where the game does not say: then it goes back to the player.
HOLD_HOURS = env.int("HOLD_HOURS", default=24 * 7)
# The monthly fee of dormant accounts, in major units by currency. None by default: whether it may be taken, and what
# a player must be told before, is the regulator's to say.
DORMANT_FEE = env.dict("DORMANT_FEE", default={})
DORMANT_AFTER_MONTHS = env.int("DORMANT_AFTER_MONTHS", default=12)
DORMANT_NOTICE_DAYS = env.int("DORMANT_NOTICE_DAYS", default=30)

# --- access ------------------------------------------------------------------------------------------------------
# Parameters of access policies, over those in the code: {"working_hours": {"actions": ["wallet.approve_withdrawal"]}}.
ACCESS_POLICIES = env.json("ACCESS_POLICIES", default={})
# What takes a second person: giving roles to staff, changing what a role may do, making service clients.
FOUR_EYES = env.list("FOUR_EYES", default=["staff_roles", "role_permissions", "service_clients", "single_sign_on"])
# A MaxMind-format file of countries, for policies over the address; without it every address is of unknown country.
GEOIP_DATABASE = env("GEOIP_DATABASE", default="")
# Permissions on single objects are read by kernel.objects alone.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

# --- rounds ------------------------------------------------------------------------------------------------------
# Rounds that their games leave open are closed after so many hours; 0: never.
ROUNDS_CLOSE_AFTER_HOURS = env.int("ROUNDS_CLOSE_AFTER_HOURS", default=24)

# --- apps --------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "pms.admin_config.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "django_filters",
    "guardian",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.headless",
    "allauth.idp.oidc",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_structlog",
    "auditlog",
    "kernel",
    "events",
    "players",
    "compliance",
    "wallet",
    "bonuses",
    "loyalty",
    "crm",
    "helpdesk",
    "analytics",
    "pms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "kernel.middleware.RequestContextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pms.staff_middleware.StaffMiddleware",
    "kernel.admin.ActorMiddleware",
    "pms.player_auth.middleware.PlayerLoginMiddleware",
]

ROOT_URLCONF = "pms.urls"
# A process of the role `api` serves integrators only: no sessions, no pages, and a third less work per request.
PMS_ROLE = env("PMS_ROLE", default="all")
if PMS_ROLE == "api":
    ROOT_URLCONF = "pms.urls_api"
    MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "csp.middleware.CSPMiddleware",
        "kernel.middleware.RequestContextMiddleware",
        "django.middleware.common.CommonMiddleware",  # Content-Length: without it connections are not kept
        "allauth.account.middleware.AccountMiddleware",
    ]
WSGI_APPLICATION = "pms.wsgi.application"
ASGI_APPLICATION = "pms.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "players.User"
AUTH_PASSWORD_VALIDATORS = [{"NAME": "players.services.passwords.PasswordRules"}]
# Memory-hard; what was hashed otherwise is hashed anew at the next login. Costs: docs/operators/player-login.md.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "kernel.client_secrets.ClientSecretHasher",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- PostgreSQL --------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url("DATABASE_URL", default="postgres://pms_app@127.0.0.1:5432/pms"),
        "ENGINE": "kernel.postgres",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
# Keys of sealed personal data: a database of their own, on another server where it can be had (kernel.vault).
DATABASES["keys"] = DATABASES["default"] | env.db_url(
    "KEYS_DATABASE_URL", default="postgres://pms_app@127.0.0.1:5432/pms_keys"
)
DATABASES["keys"]["ENGINE"] = "django.db.backends.postgresql"
DATABASE_ROUTERS = ["kernel.routers.KeysRouter"]
# Master keys, 32 bytes in base64 each, oldest first: the last one seals. `manage.py rotate_keys --new` makes one.
PERSONAL_KEYS = env.list("PERSONAL_KEYS", default=[])
# The key of blind indexes. It cannot be rotated without indexing anew: `manage.py rotate_keys --index`.
PERSONAL_INDEX_KEY = env("PERSONAL_INDEX_KEY", default="")
# ASGI gives every request a thread of its own, and a connection kept by a thread that is gone serves nobody: such
# processes share a pool of this many connections instead.
DATABASE_POOL = env.int("DATABASE_POOL", default=0)
if DATABASE_POOL:
    for database in DATABASES.values():
        database["CONN_MAX_AGE"] = 0
        database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 10}}

# --- Redis: cache, channels, Celery ------------------------------------------------------------------------------
REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    # Raises when Redis is away, so that nothing which counts attempts lets everybody through.
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL},
    # Finds nothing instead: for sessions, which stand in the database too, and for what is computed again.
    "forgiving": {
        "BACKEND": "kernel.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 0)},
    },
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    # A year of partitions is always there; once a day is many times too often, which is the point.
    "ensure-partitions": {"task": "events.tasks.ensure_partitions", "schedule": 24 * 3600},
    "expire-approvals": {"task": "compliance.tasks.expire_approvals", "schedule": 300},
    "end-exclusions": {"task": "compliance.tasks.end_exclusions", "schedule": 30},
    "close-excluded-accounts": {"task": "compliance.tasks.close_excluded_accounts", "schedule": 60},
    "chase-verification": {"task": "compliance.tasks.chase_verification", "schedule": 60},
    "return-funds": {"task": "compliance.tasks.return_funds", "schedule": 300},
    "expire-verification": {"task": "compliance.tasks.expire_verification", "schedule": 600},
    "charge-dormant-accounts": {"task": "wallet.tasks.charge_dormant_accounts", "schedule": crontab(hour=4, minute=10)},
    "write-exports": {"task": "wallet.tasks.write_exports", "schedule": 60},
    "expire-exports": {"task": "wallet.tasks.expire_exports", "schedule": 600},
    "match-reports": {"task": "wallet.tasks.match_reports", "schedule": 60},
    "close-liability-days": {"task": "wallet.tasks.close_liability_days", "schedule": 3600},
    "chase-pending-deposits": {"task": "wallet.tasks.chase_pending_deposits", "schedule": 60},
    "sweep-documents": {"task": "compliance.tasks.sweep_documents", "schedule": crontab(hour=3, minute=50)},
    "purge": {"task": "compliance.tasks.purge", "schedule": crontab(hour=3, minute=30)},
    "watch-play": {"task": "compliance.tasks.watch_play", "schedule": 60},
    "end-spent-logins": {"task": "compliance.tasks.end_spent_logins", "schedule": 30},
    "end-idle-play": {"task": "compliance.tasks.end_idle_play", "schedule": 60},
    "work-limit-changes": {"task": "compliance.tasks.work_limit_changes", "schedule": 60.0},
    "remind-of-limits": {"task": "compliance.tasks.remind_of_limits", "schedule": crontab(hour=8, minute=20)},
    # Withdrawals go out by this job alone: what it has not sent yet waits as rows.
    "send-payouts": {"task": "wallet.tasks.send_payouts", "schedule": 5},
    "pay-out-excess": {"task": "wallet.tasks.pay_out_excess", "schedule": 60},
    "close-forgotten-rounds": {"task": "wallet.tasks.close_forgotten_rounds", "schedule": 300},
    "expire-free-spins": {"task": "wallet.tasks.expire_free_spins", "schedule": 300},
    "expire-bonus-purses": {"task": "wallet.tasks.expire_bonus_purses", "schedule": 60},
    "award-due-bonuses": {"task": "bonuses.tasks.award_due", "schedule": 300},
    "work-bonus-lists": {"task": "bonuses.tasks.work_lists", "schedule": 10},
    "work-spins-handouts": {"task": "bonuses.tasks.work_handouts", "schedule": 30},
    "end-bonuses": {"task": "bonuses.tasks.end_bonuses", "schedule": 300},
    "work-offer-runs": {"task": "bonuses.tasks.work_runs", "schedule": 10},
    "review-levels": {"task": "loyalty.tasks.review_levels", "schedule": crontab(hour=0, minute=20)},
    "end-level-orders": {"task": "loyalty.tasks.end_level_orders", "schedule": 60},
    "expire-points": {"task": "loyalty.tasks.expire_points", "schedule": crontab(hour=1, minute=40)},
    "expire-redemptions": {"task": "loyalty.tasks.expire_redemptions", "schedule": 60},
    # At the full minute, however often beat was started anew since: an interval would begin again each time.
    "seal-ledger": {"task": "wallet.tasks.seal_ledger", "schedule": crontab()},
    # Nightly what is new, on Sundays all of it.
    "verify-ledger": {
        "task": "wallet.tasks.verify_ledger",
        "schedule": crontab(hour=2, minute=40, day_of_week="1-6"),
        "kwargs": {"since_last": True},
    },
    "verify-whole-ledger": {
        "task": "wallet.tasks.verify_ledger",
        "schedule": crontab(hour=2, minute=40, day_of_week="0"),
        "kwargs": {"since_last": False},
    },
    "expire-holds": {"task": "wallet.tasks.expire_holds", "schedule": 60},
    "seal-audit": {"task": "events.tasks.seal_audit", "schedule": crontab()},
    "end-expired-sessions": {"task": "players.tasks.end_expired_sessions", "schedule": 300},
    "prune-logins": {"task": "players.tasks.prune_logins", "schedule": 24 * 3600},
}

# --- security ----------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
if HTTPS:
    # Browsers keep such a cookie only from this very host, over HTTPS: no neighbouring host can plant one.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "forgiving"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Hosts on private networks that the system may call nevertheless: outgoing requests go to public addresses only.
OUTGOING_PRIVATE_HOSTS = env.list("OUTGOING_PRIVATE_HOSTS", default=[])
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # Unfold's Alpine needs eval, and its components set style attributes.
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# --- configuration on the audit trail ------------------------------------------------------------------------------
# What staff configure in the admin: django-auditlog finds what differs, the audit trail keeps it. Secrets and personal
# data stay out. Services that write by bulk or SQL record by themselves.
MIGRATION_MODULES = {"auditlog": None}  # its table stays away
AUDITLOG_LOGENTRY_MODEL = "events.ConfigurationChange"
AUDITLOG_INCLUDE_TRACKING_MODELS = [
    {"model": "auth.Group", "m2m_fields": ["permissions"]},
    {"model": "allauth_idp_oidc.Client", "exclude_fields": ["secret", "owner", "data", "created_at"]},
    {"model": "loyalty.Campaign"},
    {"model": "players.StaffNetwork"},
    {"model": "wallet.ApprovalRule"},
    {"model": "wallet.FeeRule"},
    {"model": "wallet.Game"},
    {"model": "wallet.Jackpot"},
    {"model": "wallet.WithdrawalPolicy"},
]

# --- language and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- static files ------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env("STATIC_ROOT", default=str(PMS_HOME / "static"))
STATICFILES_DIRS = [BASE_DIR / "pms" / "static"]

# --- back office -------------------------------------------------------------------------------------------------
# A word such as "Demo" or "Staging", shown at the top of every page; empty in production.
ENVIRONMENT_NAME = env("ENVIRONMENT_NAME", default="")
UNFOLD = {
    "SITE_TITLE": OPERATOR_NAME,
    "SITE_HEADER": "PMS",
    "SITE_SUBHEADER": OPERATOR_NAME,
    "SITE_URL": None,
    "SITE_ICON": "pms.navigation.logo",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "pms.navigation.logo"}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "pms.navigation.environment",
    "BORDER_RADIUS": "8px",
    "STYLES": ["pms.navigation.stylesheet"],
    "SCRIPTS": ["pms.navigation.script", "pms.navigation.session_script", "pms.navigation.drafts_script"],
    "ACCOUNT": {"navigation": "pms.navigation.account"},
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": "pms.navigation.sidebar"},
    "COMMAND": {"search_callback": "pms.navigation.search"},
    "COLORS": {
        # Petrol: 600 carries white text, 400 and 500 are read on dark ground (both at least 4.5 to 1).
        "primary": {
            "50": "oklch(97.5% .015 195)",
            "100": "oklch(94% .035 195)",
            "200": "oklch(88.5% .065 195)",
            "300": "oklch(81% .095 195)",
            "400": "oklch(77% .11 195)",
            "500": "oklch(70% .11 197)",
            "600": "oklch(47% .085 207)",
            "700": "oklch(41% .075 208)",
            "800": "oklch(35% .06 209)",
            "900": "oklch(29% .05 210)",
            "950": "oklch(21% .04 212)",
        },
        "font": {
            "subtle-light": "var(--color-base-600)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-700)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-100)",
        },
    },
}

# --- REST --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["kernel.rest.authentication.ClientTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["kernel.rest.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["kernel.rest.parsers.JsonParser"],
    "DEFAULT_THROTTLE_CLASSES": ["kernel.rest.throttling.ClientThrottle"],
    "DEFAULT_SCHEMA_CLASS": "kernel.rest.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "kernel.rest.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
API_MAX_BODY_BYTES = 65_536
# Per service client, over all processes; the wallet's hot path is not counted.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=6_000)
# Requests for tokens per service client, and four times as many per address.
TOKEN_REQUESTS_PER_MINUTE = env.int("TOKEN_REQUESTS_PER_MINUTE", default=60)
SPECTACULAR_SETTINGS = {
    "TITLE": "Player Management System API",
    "OAS_VERSION": "3.1.0",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "wallet.rest.schema.add_hot_path",
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "PlayerStatus": "players.types.Status",
        "RestrictionKind": "players.types.RestrictionKind",
        "PublicRestrictionKind": "players.types.PUBLIC_RESTRICTION_KINDS",
        "TransferKind": "wallet.types.TransferKind",
        "InstrumentKind": "wallet.types_payments.InstrumentKind",
        "LimitKind": "compliance.types_limits.LimitKind",
        "LimitPeriod": "compliance.types_limits.LimitPeriod",
        "LimitSetBy": "compliance.types_limits.SetBy",
        "ConfirmStatus": "players.types.ConfirmStatus",
        "ExclusionKind": "compliance.types_exclusion.ExclusionKind",
        "VerificationStepKind": "compliance.types_kyc.StepKind",
        "VerificationStepState": "compliance.types_kyc.StepState",
        "BonusOfferState": "bonuses.types.OfferState",
        "BonusVersionState": "bonuses.types.VersionState",
        "BonusGrantState": "bonuses.types.GrantState",
    },
}

# --- payment providers -------------------------------------------------------------------------------------------
# The sandbox takes no money and pays none: leave it off where real players are.
PAYMENTS_SANDBOX = env.bool("PAYMENTS_SANDBOX", default=True)
STRIPE_API_KEY = env("STRIPE_API_KEY", default="")
STRIPE_API_BASE = env("STRIPE_API_BASE", default="https://api.stripe.com")
# Several, separated by commas, while a secret is rotated.
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])

# --- registers ---------------------------------------------------------------------------------------------------
# Sandboxes of national registers know nobody and count for nobody else: leave them off where real players are.
REGISTERS_SANDBOX = env.bool("REGISTERS_SANDBOX", default=True)

# --- verification of players -------------------------------------------------------------------------------------
# The sandbox looks at no document: leave it off where real players are.
KYC_SANDBOX = env.bool("KYC_SANDBOX", default=True)
SUMSUB_APP_TOKEN = env("SUMSUB_APP_TOKEN", default="")
SUMSUB_SECRET_KEY = env("SUMSUB_SECRET_KEY", default="")
# Several, separated by commas, while a secret is rotated.
SUMSUB_WEBHOOK_SECRETS = env.list("SUMSUB_WEBHOOK_SECRETS", default=[])
SUMSUB_API_BASE = env("SUMSUB_API_BASE", default="https://api.sumsub.com")
SUMSUB_LEVEL = env("SUMSUB_LEVEL", default="basic-kyc-level")
# Countries (ISO 3166-1) whose players are at high risk from the start.
HIGH_RISK_COUNTRIES = env.list("HIGH_RISK_COUNTRIES", default=[])

# --- players' login ----------------------------------------------------------------------------------------------
# Several while they are changed, one after the other: the last one signs, all of them verify.
PLAYER_JWT_PRIVATE_KEYS = split_keys(env("PLAYER_JWT_PRIVATE_KEY", default=""))
PLAYER_TOKEN_ISSUER = env("PLAYER_TOKEN_ISSUER", default="pms")
PLAYER_ACCESS_TOKEN_SECONDS = env.int("PLAYER_ACCESS_TOKEN_SECONDS", default=300)
PLAYER_REFRESH_TOKEN_SECONDS = env.int("PLAYER_REFRESH_TOKEN_SECONDS", default=24 * 3600)
PLAYER_SESSION_SECONDS = env.int("PLAYER_SESSION_SECONDS", default=30 * 24 * 3600)
PLAYER_DEVICE_TRUST_SECONDS = env.int("PLAYER_DEVICE_TRUST_SECONDS", default=30 * 24 * 3600)
PLAYER_STEP_UP_SECONDS = env.int("PLAYER_STEP_UP_SECONDS", default=300)
# Failed logins of one account from devices that it does not know, before it is locked for a while.
PLAYER_LOGIN_ATTEMPTS = env.int("PLAYER_LOGIN_ATTEMPTS", default=10)
PLAYER_LOGIN_LOCK_SECONDS = env.int("PLAYER_LOGIN_LOCK_SECONDS", default=900)
PLAYER_LOGIN_ATTEMPTS_PER_IP = env.int("PLAYER_LOGIN_ATTEMPTS_PER_IP", default=60)
PLAYER_REQUESTS_PER_MINUTE = env.int("PLAYER_REQUESTS_PER_MINUTE", default=300)
COMMON_PASSWORDS_FILE = env("COMMON_PASSWORDS_FILE", default="")
# The domain that passkeys are bound to; without it the host that was called.
PASSKEY_DOMAIN = env("PASSKEY_DOMAIN", default="")
SMS_SANDBOX = env.bool("SMS_SANDBOX", default=True)
GEOIP_DATABASE = env("GEOIP_DATABASE", default="")

ACCOUNT_ADAPTER = "pms.player_auth.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username", "phone"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username", "phone", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "pms.player_auth.forms.RegistrationFields"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
# Codes by mail and SMS are good for ten minutes (ASVS 5, 6.5.5).
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = ACCOUNT_PHONE_VERIFICATION_TIMEOUT = 600
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = PLAYER_STEP_UP_SECONDS
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{OPERATOR_NAME}: "
# Limits of our own, that hold while Redis is away too (pms.player_auth.middleware, players.services.attempts).
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ["app"]
HEADLESS_ADAPTER = "pms.player_auth.adapters.HeadlessAdapter"
HEADLESS_TOKEN_STRATEGY = "pms.player_auth.tokens.PlayerTokens"  # noqa: S105
HEADLESS_SERVE_SPECIFICATION = True
HEADLESS_SPECIFICATION_TEMPLATE_NAME = None
PLAYER_SITE = env("PLAYER_SITE", default="http://localhost:3000")
HEADLESS_FRONTEND_URLS = {
    "account_signup": f"{PLAYER_SITE}/register",
    "account_reset_password": f"{PLAYER_SITE}/password",
    "account_reset_password_from_key": f"{PLAYER_SITE}/password?key={{key}}",
    "account_confirm_email": f"{PLAYER_SITE}/verify?key={{key}}",
}
MFA_ADAPTER = "pms.player_auth.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = OPERATOR_NAME
MFA_TOTP_TOLERANCE = 1

# --- mail --------------------------------------------------------------------------------------------------------
# smtp+tls://user:password@host:587, or consolemail://; files in a folder where EMAIL_FOLDER is set.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Casino <no-reply@localhost>")
EMAIL_FOLDER = env("EMAIL_FOLDER", default="")
if EMAIL_FOLDER:
    EMAIL_BACKEND, EMAIL_FILE_PATH = "django.core.mail.backends.filebased.EmailBackend", EMAIL_FOLDER

# --- identity of service clients ---------------------------------------------------------------------------------
# As with players' keys; all of them are published.
IDP_OIDC_PRIVATE_KEYS = issued_keys(env("PMS_JWT_PRIVATE_KEY", default=""))
IDP_OIDC_ACCESS_TOKEN_FORMAT = "jwt"  # noqa: S105
IDP_OIDC_ADAPTER = "pms.identity.ClientAdapter"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "pms.player_auth.backend.PlayerBackend",
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

# --- staff: login and sessions (docs/operators/staff-access.md) --------------------------------------------------
# Roles that need a second factor; "*" is every role. Whoever has none enrols at the next login.
STAFF_SECOND_FACTOR_ROLES = env.list("STAFF_SECOND_FACTOR_ROLES", default=["*"])
STAFF_SESSION_IDLE_MINUTES = env.int("STAFF_SESSION_IDLE_MINUTES", default=30)
STAFF_SESSION_MINUTES = env.int("STAFF_SESSION_MINUTES", default=600)
# Stricter ones by role, minutes of rest and minutes in all: "administrator=15/480,mlro=15/480".
STAFF_SESSION_LIMITS = env.dict("STAFF_SESSION_LIMITS", default={"administrator": "15/480"})
STAFF_SESSION_WARNING_SECONDS = env.int("STAFF_SESSION_WARNING_SECONDS", default=120)
STAFF_REAUTHENTICATE_MINUTES = env.int("STAFF_REAUTHENTICATE_MINUTES", default=15)
# Who is told by mail when the break-glass account is used.
BREAK_GLASS_NOTICE_TO = env.list("BREAK_GLASS_NOTICE_TO", default=[])
SOCIALACCOUNT_ADAPTER = "pms.staff_sso.StaffSsoAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
# Links lead to the identity provider: the content security policy lets no form be sent on to another host.
SOCIALACCOUNT_LOGIN_ON_GET = True

# --- exports -----------------------------------------------------------------------------------------------------
# Files that staff asked for; web and worker both reach the folder.
EXPORTS_PATH = Path(env("EXPORTS_PATH", default=str(PMS_HOME / "exports")))
EXPORT_KEEP_HOURS = env.int("EXPORT_KEEP_HOURS", default=24)

# --- documents that players hand in ------------------------------------------------------------------------------
# Sealed under each player's key; every process role that takes or shows documents reaches the folder.
DOCUMENTS_PATH = Path(env("DOCUMENTS_PATH", default=str(PMS_HOME / "documents")))
# "clamd://host:port"; the sandbox knows the EICAR test file and nothing else. Empty: no document is taken.
DOCUMENT_SCANNER = env("DOCUMENT_SCANNER", default="sandbox")
# Uploads up to this size stay in memory: a document never lies on a disk unsealed.
FILE_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

# --- seals -------------------------------------------------------------------------------------------------------
# Keep the folder on another machine's disk than the database's: it proves what the database says.
SEALS_PATH = Path(env("SEALS_PATH", default=str(PMS_HOME / "seals")))
# ed25519, each 32 bytes in base64, oldest first: the last one seals. `manage.py seal_ledger --new-key` makes one.
SEAL_PRIVATE_KEYS = env.list("SEAL_PRIVATE_KEYS", default=[])

# --- logs --------------------------------------------------------------------------------------------------------
LOG_LEVEL = env("LOG_LEVEL", default="INFO")
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]
_last_processors: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_log]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [*_last_processors, structlog.processors.JSONRenderer()],
            "foreign_pre_chain": _shared_processors,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"level": "WARNING"}, "celery": {"level": "WARNING"}},
}
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

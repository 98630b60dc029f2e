"""Settings. Everything that an operator may change is an environment variable, listed in the README."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from tcs_site import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("TCS_DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()

DEBUG = env.flag("TCS_DEBUG")
SECRET_KEY = env.secret_key(DATA_DIR)

# --- Where it is served -----------------------------------------------------------------------------------
TRUSTED_ORIGINS = env.names("TCS_TRUSTED_ORIGINS")  # https://experts.example.org, ...: set behind a proxy
BEHIND_TLS = any(origin.startswith("https://") for origin in TRUSTED_ORIGINS)
ALLOWED_HOSTS = [
    *env.names("TCS_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
    *(host for origin in TRUSTED_ORIGINS if (host := urlsplit(origin).hostname)),
]
CSRF_TRUSTED_ORIGINS = TRUSTED_ORIGINS
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked for by the balancer itself, without TLS
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

INSTALLED_APPS = [
    "tcs_site.admin_site.OrderedAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "django_htmx",
    "csp",
    "tcs_site.admin_site.SignIns",
    "ninja",
    "tcs_site",
    "experts",
    "indexing",
]

MIDDLEWARE = [
    "indexing.api.errors.json_errors",  # outermost: what the others refuse under /api/ is JSON too
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "tcs_site.threads.one_thread",  # innermost: see there
]

ROOT_URLCONF = "tcs_site.urls"
ASGI_APPLICATION = "tcs_site.asgi.application"

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

# --- Data -------------------------------------------------------------------------------------------------
# SQLite ignores SELECT ... FOR UPDATE. BEGIN IMMEDIATE takes the write lock at the start of the transaction
# instead, which gives the lock row the same meaning as on PostgreSQL (and no "database is locked" after a read).
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": env.number("TCS_SQLITE_TIMEOUT", 20, at_least=1),
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
}
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {"ENGINE": "tcs_site.sqlite", "OPTIONS": SQLITE_OPTIONS}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url("REDIS_URL")
CHANNEL_LAYERS = {
    "default": (
        {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}

# --- People -----------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "search"
AXES_FAILURE_LIMIT = env.integer("TCS_LOGIN_ATTEMPTS", 10, at_least=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "tcs_site.error_pages.locked_out"
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False
TCS_TOKEN_HOURS = env.number("TCS_TOKEN_HOURS", 24, at_least=0.01)

# --- Language, time, static files -------------------------------------------------------------------------
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
LANGUAGE_CODE = env.choice("TCS_LANGUAGE", "en", ("en", "nl"))  # of what is stored, and of browsers that want neither
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = env.text("TCS_TIME_ZONE", "UTC")
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = True  # served from where they lie: no collect step between clone and start

# --- Security headers -------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "https:"],  # photos of experts lie elsewhere
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- Uploads ----------------------------------------------------------------------------------------------
TCS_IMPORT_MAX_MB = env.integer("TCS_IMPORT_MAX_MB", 100, at_least=1)
TCS_IMPORT_MAX_ROWS = env.integer("TCS_IMPORT_MAX_ROWS", 1_000_000, at_least=1)
FILE_UPLOAD_HANDLERS = [
    "experts.importing.uploads.CappedUpload",  # Django itself caps no uploads
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- The index --------------------------------------------------------------------------------------------
TCS_ENCODER = env.text("TCS_ENCODER", "indexing.encoders.ModelEncoder")
TCS_MODEL_PATH = env.text("TCS_MODEL_PATH")  # a sentence-transformers folder; empty: the packaged default
TCS_WORKER = env.choice("TCS_WORKER", "subprocess", ("subprocess", "external"))
# Threads of a worker started for a run. One processor stays free: a search that wakes up finds it at once, where low
# priority alone lets it wait for the end of a slice, several times over.
TCS_WORKER_THREADS = env.integer("TCS_WORKER_THREADS", max((os.cpu_count() or 1) - 1, 1), at_least=1)
TCS_KEEP_VERSIONS = env.integer("TCS_KEEP_VERSIONS", 5, at_least=1)
TCS_LEASE_SECONDS = env.number("TCS_LEASE_SECONDS", 60, at_least=2)
TCS_EXACT_UP_TO = env.integer("TCS_EXACT_UP_TO", 50_000)  # experts; beyond it the vector index is approximate
TCS_TAG_THRESHOLD = env.number("TCS_TAG_THRESHOLD", 0.30)

# --- How the hybrid search weighs meaning and words: see indexing/ranking.py ------------------------------------
# nDCG@10 of 500 sentences over 10,501 people: meaning alone .227, words alone .233, fusion by rank .269 (k = 60) and
# .275 (k = 10), this .300; .295 where the weight is chosen on one half of the queries and judged on the other. Any
# weight from 8 to 16 is within .006 of it, and within .011 over fewer people, over people of one trade, with queries
# of three words, with sentences held out of profiles, and over documentation of programs (there fusion by rank .780,
# this .819).
TCS_SEARCH_KEYWORD_WEIGHT = env.number("TCS_SEARCH_KEYWORD_WEIGHT", 10)
TCS_SEARCH_SEMANTIC_DEPTH = env.integer("TCS_SEARCH_SEMANTIC_DEPTH", 100, at_least=1)  # 50 does as well
TCS_SEARCH_KEYWORD_DEPTH = env.integer("TCS_SEARCH_KEYWORD_DEPTH", 300, at_least=1)  # 100: .293, 200: .297

# --- The gate: what a version must show before it is published. A breach holds it for a person to decide --------
TCS_APPROVE = env.choice("TCS_APPROVE", "never", ("never", "always"))  # always: another person must publish
TCS_GATE_MAX_LOST = env.share("TCS_GATE_MAX_LOST", 0.10)  # of the live version's experts
TCS_GATE_MIN_EXPERTS = env.integer("TCS_GATE_MIN_EXPERTS", 1)
TCS_GATE_MAX_WITHOUT_TEXT = env.share("TCS_GATE_MAX_WITHOUT_TEXT", 0.50)
TCS_GATE_MAX_FAILED = env.share("TCS_GATE_MAX_FAILED", 0.0)  # encodings that gave no usable vector
TCS_GATE_MIN_RECALL = env.share("TCS_GATE_MIN_RECALL", 0.95)  # of an approximate index, at 10
TCS_GATE_MAX_QUERIES_BROKEN = env.integer(
    "TCS_GATE_MAX_QUERIES_BROKEN", 0
)  # saved queries missing an expected expert
TCS_GATE_MIN_OVERLAP = env.share("TCS_GATE_MIN_OVERLAP", 0.50)  # of saved queries at 10; below it only a warning

# --- Drift: what the live version does not know yet. Shares are of its experts -------------------------------------
TCS_DRIFT_CURRENT = env.share("TCS_DRIFT_CURRENT", 0)  # up to here, and younger than that, it is current
TCS_DRIFT_CURRENT_DAYS = env.number("TCS_DRIFT_CURRENT_DAYS", 7)
TCS_DRIFT_STALE = env.share("TCS_DRIFT_STALE", 0.10)  # from here on, or as old as that, it is stale
TCS_DRIFT_STALE_DAYS = env.number("TCS_DRIFT_STALE_DAYS", 30)

# --- What people search for -----------------------------------------------------------------------------------
TCS_SEARCH_LOG_DAYS = env.integer("TCS_SEARCH_LOG_DAYS", 30)  # 0: nothing is kept
# A hit this similar to the query is on topic. It depends on the model.
TCS_ON_TOPIC = env.share("TCS_ON_TOPIC", 0.60)

# --- Watching ---------------------------------------------------------------------------------------------
TCS_METRICS_TOKEN = env.text("TCS_METRICS_TOKEN")  # what Prometheus sends to /metrics; without it only staff may look

# --- Telling others ---------------------------------------------------------------------------------------
TCS_NOTIFY_EMAILS = env.names("TCS_NOTIFY_EMAILS")
TCS_WEBHOOK_URL = env.url("TCS_WEBHOOK_URL")
TCS_WEBHOOK_SECRET = env.text("TCS_WEBHOOK_SECRET")
if TCS_WEBHOOK_URL and not TCS_WEBHOOK_SECRET:
    raise ImproperlyConfigured("TCS_WEBHOOK_URL is set without TCS_WEBHOOK_SECRET, which signs what is sent there.")
EMAIL_HOST = env.text("TCS_EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("TCS_EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("TCS_EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("TCS_EMAIL_PASSWORD")
EMAIL_USE_TLS = env.flag("TCS_EMAIL_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("TCS_EMAIL_FROM", "tcs@localhost")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "experts.safe_text.SafeFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "indexing": {"level": "INFO"},
        "experts": {"level": "INFO"},
    },
}

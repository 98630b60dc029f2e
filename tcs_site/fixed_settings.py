"""Settings that are the same everywhere. What an operator may change is in `settings`."""

from pathlib import Path

from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = [
    "tcs_site.app_configs.OrderedAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "django_htmx",
    "csp",
    "tcs_site.app_configs.SignIns",
    "ninja",
    "tcs_site",
    "experts",
    "indexing",
    "accounts",
]

MIDDLEWARE = [
    "indexing.api.errors.json_errors",  # outermost: what the others refuse under /api/ is JSON too
    "tcs_site.threads.SecurityHeaders",
    "servestatic.middleware.ServeStaticMiddleware",
    "tcs_site.caching.private_by_default",
    "tcs_site.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "tcs_site.time_zone.reader_time_zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "indexing.sign_in.devices.remember_device",
    "indexing.api.usernames.keep_slashes_of_usernames",
    "tcs_site.threads.one_thread",  # innermost: see there
]

SILENCED_SYSTEM_CHECKS = ["security.W001"]  # it looks for Django's SecurityMiddleware, of which ours is a subclass
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

# --- Signing in -------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "accounts.permissions.PermissionBackend",
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "search"
AXES_HANDLER = "indexing.sign_in.axes_handler.GrowingDelays"  # who waits for how long
AXES_LOCK_OUT_AT_FAILURE = False  # axes itself locks nobody out
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # what had to wait does not count
AXES_COOLOFF_TIME = 24  # hours that the list of failed attempts is kept
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # a success removes these failures from the list
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "tcs_site.error_pages.must_wait"
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False

# --- Language, time, static files -------------------------------------------------------------------------
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["tcs_site.formats"]
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_ALLOW_ALL_ORIGINS = False

# --- Security headers -------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # the load balancer requests them without TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600  # for requests with TLS
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"

# --- Uploads and logs -------------------------------------------------------------------------------------
FILE_UPLOAD_HANDLERS = [
    "experts.importing.uploads.CappedUpload",  # Django itself caps no uploads
    "experts.importing.received.StoreInPlace",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

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
        "psycopg.pool": {"level": "ERROR"},  # whoever needed the connection hears of it
    },
}

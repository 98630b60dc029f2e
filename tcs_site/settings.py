"""Settings. Everything that an operator may change is an environment variable, declared here with what it does.

`manage.py settings` lists them; docs/operating.md holds its output.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from tcs_site import environment as env
from tcs_site.backends import channel_layer, storages, with_options
from tcs_site.fixed_settings import *  # noqa: F403
from tcs_site.fixed_settings import AUTHENTICATION_BACKENDS, BASE_DIR
from tcs_site.web_processes.count import suitable

# Whatever a process of TCS writes is for its own user: sessions, password hashes and keys are among it.
os.umask(0o077)

env.section("Serving")
HOST = env.text("HOST", "127.0.0.1", about="Address that `make run` listens on")
PORT = env.text("PORT", "8000", about="Port that `make run` listens on")
DATA_DIR = (
    Path(
        env.text("TCS_DATA_DIR", str(BASE_DIR / "var"), about="Folder for everything that TCS stores", shown="./var")
    )
    .expanduser()
    .resolve()
)
TCS_ADMIN_PASSWORD = env.text(
    "TCS_ADMIN_PASSWORD",
    about="Password of the first user, `admin`",
    shown="random, shown by `manage.py first_password`",
)
SECRET_KEY = env.secret_key(DATA_DIR, about="Signs sessions and tokens", shown="generated into the data folder")
DEBUG = env.flag("TCS_DEBUG", about="Show tracebacks in the browser; never on a server that others can reach")
TRUSTED_ORIGINS = env.names(
    "TCS_TRUSTED_ORIGINS", about="Public addresses behind a proxy, such as `https://experts.example.org`"
)
TCS_WEB_PROCESSES = env.integer(
    "TCS_WEB_PROCESSES",
    suitable(),
    at_least=1,
    about="Processes that `serve` starts behind one port; each loads the model for itself",
    shown="1 with less than 2 GB of memory, else the number of processors, up to 4",
)
TCS_MAX_CONNECTIONS = env.integer(
    "TCS_MAX_CONNECTIONS", 500, at_least=10, about="Connections of each process at once; beyond, idle ones are closed"
)
TCS_MAX_CONNECTIONS_PER_ADDRESS = env.integer(
    "TCS_MAX_CONNECTIONS_PER_ADDRESS",
    100,
    at_least=10,
    about="The same for each address; does not apply behind a proxy with `TCS_TRUSTED_ORIGINS`, nor to this machine",
)
BEHIND_TLS = any(origin.startswith("https://") for origin in TRUSTED_ORIGINS)
ALLOWED_HOSTS = [
    *env.names("TCS_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", about="Host names that TCS answers to"),
    *(host for origin in TRUSTED_ORIGINS if (host := urlsplit(origin).hostname)),
]
CSRF_TRUSTED_ORIGINS = TRUSTED_ORIGINS
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
TCS_PREPARE_STATIC = env.flag(
    "TCS_PREPARE_STATIC", True, about="Let `serve` compress style sheets and scripts; `0` while they are developed"
)
STATIC_ROOT = (
    env.text(
        "TCS_STATIC_ROOT",
        about="Folder that `manage.py collectstatic` has filled, in an image; else `serve` fills one at its start",
    )
    or None
)
SERVESTATIC_USE_FINDERS = not STATIC_ROOT
STORAGES = storages(STATIC_ROOT)

env.section("Database")
SQLITE_TIMEOUT = env.number(
    "TCS_SQLITE_TIMEOUT", 20, at_least=1, about="Seconds to wait for a locked SQLite database"
)
DATABASES = {
    "default": with_options(
        env.database(
            "DATABASE_URL",
            f"sqlite:///{DATA_DIR / 'db.sqlite3'}",
            about="Such as `postgres://user:password@host/name`",
            shown="SQLite in the data folder",
        ),
        sqlite_timeout=SQLITE_TIMEOUT,
    )
}
TCS_DATABASE_POOL = env.integer(
    "TCS_DATABASE_POOL",
    4,
    at_least=0,
    about="Connections to PostgreSQL that each web process uses at most; `0`: one for each request",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url(
    "REDIS_URL", about="Passes news of the live log between machines; one machine does not need it"
)
CHANNEL_LAYERS = {"default": channel_layer(REDIS_URL)}

env.section("Signing in")
TCS_LOGIN_ATTEMPTS = env.integer(
    "TCS_LOGIN_ATTEMPTS",
    10,
    at_least=1,
    about="Failed sign-ins before one has to wait: 5 seconds, then twice as long each time, up to 15 minutes",
)
TCS_TOKEN_HOURS = env.number(
    "TCS_TOKEN_HOURS", 24, at_least=0.01, about="Hours that an API token is valid that a program got by signing in"
)
TCS_TOKEN_MAX_DAYS = env.integer(
    "TCS_TOKEN_MAX_DAYS", 365, at_least=1, about="Most days that an API token created at `/api/docs` is valid"
)
TCS_INVITATION_DAYS = env.integer(
    "TCS_INVITATION_DAYS", 7, at_least=1, about="Days that an invitation can be accepted"
)

env.section("Single sign-on")
TCS_OIDC_ISSUER = env.url(
    "TCS_OIDC_ISSUER", about="Address of an OpenID Connect provider; without one there is no single sign-on"
)
TCS_OIDC_CLIENT_ID = env.text("TCS_OIDC_CLIENT_ID", about="Name under which TCS is registered with the provider")
TCS_OIDC_CLIENT_SECRET = env.text("TCS_OIDC_CLIENT_SECRET", about="Secret that the provider gave to TCS")
if TCS_OIDC_ISSUER and not (TCS_OIDC_CLIENT_ID and TCS_OIDC_CLIENT_SECRET):
    raise ImproperlyConfigured("TCS_OIDC_ISSUER is set without TCS_OIDC_CLIENT_ID and TCS_OIDC_CLIENT_SECRET.")
TCS_OIDC_NAME = env.text("TCS_OIDC_NAME", about="What the provider is called on the page to sign in")
TCS_OIDC_SCOPES = env.text("TCS_OIDC_SCOPES", "openid email profile", about="What TCS asks the provider for")
TCS_OIDC_GROUPS_CLAIM = env.text("TCS_OIDC_GROUPS_CLAIM", "groups", about="Claim in which the provider lists groups")
TCS_OIDC_GROUPS = env.pairs(
    "TCS_OIDC_GROUPS",
    about="Groups of the provider and of TCS, such as `consultants=Searcher,hr=Directory editor`; without it, "
    "everybody who signs in with the provider may search",
)
TCS_OIDC_LINK_STAFF = env.flag(
    "TCS_OIDC_LINK_STAFF",
    about="Let the provider sign in to existing staff accounts by their e-mail address, too",
)
if TCS_OIDC_ISSUER:
    AUTHENTICATION_BACKENDS = [*AUTHENTICATION_BACKENDS, "accounts.oidc.backend.OidcBackend"]

env.section("Language and time")
# The texts are the same in both kinds of English; dates and times are not (tcs_site/formats).
LANGUAGES = [("en", "English"), ("en-us", "English (United States)"), ("nl", "Nederlands")]
LANGUAGE_CODE = env.choice(
    "TCS_LANGUAGE",
    "en",
    ("en", "nl"),
    about="`en` or `nl`: language of mails and the history; pages follow the browser, and fall back to this",
)
TIME_ZONE = env.time_zone(
    "TCS_TIME_ZONE", "UTC", about="Time zone, such as `Europe/Amsterdam`, where the browser does not name its own"
)
env.section("Import")
TCS_IMPORT_MAX_MB = env.integer("TCS_IMPORT_MAX_MB", 100, at_least=1, about="Largest file to import, in MB")
TCS_IMPORT_MAX_ROWS = env.integer("TCS_IMPORT_MAX_ROWS", 1_000_000, at_least=1, about="Most rows in one file")
env.section("Documents of experts")
TCS_DOCUMENT_MAX_MB = env.integer(
    "TCS_DOCUMENT_MAX_MB", 10, at_least=1, about="Largest document of an expert, such as a CV, in MB"
)
from tcs_site.index_settings import *  # noqa: E402, F403  here, where its sections belong in the list

env.section("Retention")
# indexing/ops/retention.py deletes what is older, once a day.
TCS_KEEP_RUNS = env.integer(
    "TCS_KEEP_RUNS",
    200,
    at_least=50,
    about="Runs to keep, with their logs; those of versions that are not deleted are kept in addition",
)
TCS_SIGN_IN_DAYS = env.integer(
    "TCS_SIGN_IN_DAYS", 90, at_least=1, about="Days that sign-ins, and API tokens that have ended, are stored"
)
TCS_SEARCH_LOG_DAYS = env.integer(
    "TCS_SEARCH_LOG_DAYS", 30, about="Days that searches are stored, never with who searched; `0`: not at all"
)
TCS_UNDO_DAYS = env.integer(
    "TCS_UNDO_DAYS", 30, at_least=1, about="Days that an import can be undone; only the last twenty can be at all"
)
TCS_NOTIFICATION_DAYS = env.integer(
    "TCS_NOTIFICATION_DAYS", 30, at_least=1, about="Days that notifications are stored"
)

env.section("Monitoring and notifications")
TCS_METRICS_TOKEN = env.text(
    "TCS_METRICS_TOKEN", about="Token with which Prometheus reads `/metrics`; without it only staff can"
)
TCS_NOTIFY_EMAILS = env.names(
    "TCS_NOTIFY_EMAILS", about="Addresses, separated by commas, that get mail when a run fails or a version goes live"
)
TCS_WEBHOOK_URL = env.url("TCS_WEBHOOK_URL", about="Address that gets the same news as JSON")
TCS_WEBHOOK_SECRET = env.text("TCS_WEBHOOK_SECRET", about="Signs what is sent to the webhook; required with it")
if TCS_WEBHOOK_URL and not TCS_WEBHOOK_SECRET:
    raise ImproperlyConfigured("TCS_WEBHOOK_URL is set without TCS_WEBHOOK_SECRET, which signs what is sent there.")
EMAIL_HOST = env.text(
    "TCS_EMAIL_HOST",
    "localhost",
    about="Mail server; only if it is set are invitations sent, and passwords reset, by mail",
)
MAIL_IS_SET = bool(env.text("TCS_EMAIL_HOST"))
EMAIL_PORT = env.integer("TCS_EMAIL_PORT", 25, about="Port of the mail server")
EMAIL_HOST_USER = env.text("TCS_EMAIL_USER", about="User name at the mail server")
EMAIL_HOST_PASSWORD = env.text("TCS_EMAIL_PASSWORD", about="Password at the mail server")
EMAIL_USE_TLS = env.flag("TCS_EMAIL_TLS", about="Use STARTTLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("TCS_EMAIL_FROM", "tcs@localhost", about="Sender of mails")

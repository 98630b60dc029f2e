"""Django's settings of the database, the doorbell and the static files, from where they are."""

from __future__ import annotations

from typing import Any

from dj_database_url import DBConfig

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"


def with_options(config: DBConfig, *, sqlite_timeout: float) -> DBConfig:
    """The settings of a database with the options that TCS needs. `sqlite_timeout`: seconds to wait for a lock.

    SQLite ignores SELECT ... FOR UPDATE. BEGIN IMMEDIATE takes the write lock at the start of the transaction
    instead, which gives the lock row the same meaning as on PostgreSQL (and no "database is locked" after a read).
    """
    if config["ENGINE"] == SQLITE:
        config["ENGINE"] = "tcs_site.sqlite"
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": sqlite_timeout,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        }
    elif config["ENGINE"] == POSTGRESQL:
        config["ENGINE"] = "tcs_site.postgresql"
    return config


def channel_layer(redis_url: str) -> dict[str, Any]:
    """Redis passes news between machines. The processes of one machine look at the tables and need none."""
    if redis_url:
        return {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    return {"BACKEND": "channels.layers.InMemoryChannelLayer"}


def storages(static_root: str | None) -> dict[str, Any]:
    """Static files that were prepared in that folder, or else the sources as they are."""
    static: dict[str, Any] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    if static_root:
        private = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
        static = {"BACKEND": "tcs_site.static_files.storage.BundlingStorage", "OPTIONS": private}
    return {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}, "staticfiles": static}

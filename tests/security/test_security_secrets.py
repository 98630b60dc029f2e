"""Passwords, tokens and keys appear in no log, no run, no row and no page, whatever fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.utils import timezone

from indexing import notifications
from indexing.lib import paths
from indexing.models import ApiToken, Notification, RebuildRun
from indexing.serving import live
from tcs_site import environment
from tests.support import cast, forked
from tests.support.services import free_port

SECRET = "s3cr3t-that-nobody-may-read"
INSIDE = "db.internal.example"


def everything_kept() -> str:
    """Every row of every table."""
    return "\n".join(str(row) for model in apps.get_models() for row in model.objects.values_list())


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.django_db
def test_tokens_are_kept_and_logged_nowhere(caplog, settings):
    settings.TCS_METRICS_TOKEN = f"metrics-{SECRET}"
    user = cast.staff("indexing.view")
    _token, issued = ApiToken.objects.issue(user)
    client = Client(raise_request_exception=False)
    with caplog.at_level("DEBUG"):
        body = {"username": "sam", "password": cast.PASSWORD}
        signed_in = client.post("/api/admin/auth", body, content_type="application/json").json()["token"]
        secrets = [issued, signed_in, settings.TCS_METRICS_TOKEN, settings.SECRET_KEY, cast.PASSWORD, SECRET]
        for bearer in (issued, signed_in, SECRET, settings.TCS_METRICS_TOKEN):
            headers = {"Authorization": f"Bearer {bearer}"}
            for path in ("/api/admin/ingest/status", "/api/nothing", "/metrics", "/admin/index/"):
                answer = client.get(path, headers=headers)
                assert not [secret for secret in secrets if secret in answer.content.decode()], path
    assert not [secret for secret in secrets if secret in caplog.text or secret in everything_kept()]


@pytest.mark.django_db
def test_what_signs_and_signs_in_elsewhere_is_not_in_what_is_said_of_a_failure(caplog, settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    settings.TCS_WEBHOOK_URL = f"http://127.0.0.1:{free_port()}/hook/{SECRET}"
    settings.TCS_WEBHOOK_SECRET = f"hook-{SECRET}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "tcs", f"mail-{SECRET}"
    notifications.run_ended(RebuildRun.objects.create(state="failed", error="x", finished_at=timezone.now()))
    with caplog.at_level("DEBUG"):
        assert notifications.deliver_due() == 0
    failed = Notification.objects.all()
    assert len(failed) == 2
    assert all(each.attempts == 1 and each.last_error for each in failed)
    assert SECRET not in caplog.text
    assert SECRET not in everything_kept()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"postgres://tcs:se/{SECRET}@db/x"),
        ("DATABASE_URL", f"postgres://tcs:{SECRET}@db:port/x"),
        ("DATABASE_URL", f"magic://tcs:{SECRET}@db/x"),
        ("REDIS_URL", f"redis://:{SECRET}/x@cache:6379/0"),
        ("REDIS_URL", f"redis://:{SECRET}#x@cache:6379/0"),
        ("REDIS_URL", f"http://:{SECRET}@cache:6379/0"),
        ("TCS_WEBHOOK_URL", f"ftp://example.org/{SECRET}"),
    ],
)
def test_an_address_that_is_wrong_is_named_and_not_shown(monkeypatch, name, value):
    readers = {
        "DATABASE_URL": lambda: environment.database(name, ""),
        "REDIS_URL": lambda: environment.redis_url(name),
        "TCS_WEBHOOK_URL": lambda: environment.url(name),
    }
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as wrong:
        readers[name]()
    assert name in str(wrong.value)
    assert SECRET not in str(wrong.value)
    assert wrong.value.__suppress_context__ or wrong.value.__context__ is None


@pytest.mark.parametrize(
    "value",
    ["", "redis://cache", "redis://:pass%2Fword@cache:6379/0", "rediss://user:x@[::1]:6380", "unix:///run/redis"],
)
def test_an_address_that_is_right_is_taken(monkeypatch, value):
    monkeypatch.setenv("REDIS_URL", value)
    assert environment.redis_url("REDIS_URL") == value


def run(folder: Path, *command: str, **variables: str) -> forked.Ended:
    given = {"TCS_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "tcs_site.settings", "DATABASE_URL": ""}
    return forked.manage(command, os.environ | given | variables)


def test_a_database_that_is_away_gets_its_password_into_no_message(tmp_path):
    address = f"postgres://tcs:{SECRET}@127.0.0.1:{free_port()}/tcs"
    ended = run(tmp_path, "index_status", DATABASE_URL=address)
    assert ended.returncode != 0
    assert ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


def test_a_redis_that_is_away_gets_its_password_into_no_log_and_no_run(tmp_path):
    address = f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"
    code = (
        "from django.core.management import call_command; call_command('migrate', verbosity=0);"
        "from tests.support import cast; cast.experts(); call_command('rebuild_index', '--kind', 'tags')"
    )
    ended = run(tmp_path, "shell", "--verbosity", "0", "-c", code, REDIS_URL=address, TCS_METRICS_TOKEN=SECRET)
    assert ended.returncode == 0, ended.stderr
    assert "doorbell" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr
    assert SECRET.encode() not in everything_on_disk(tmp_path)
    key = (tmp_path / "secret_key").read_text().strip()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "secret_key"]
    assert key not in ended.stdout + ended.stderr
    assert not [path for path in kept if key.encode() in path.read_bytes()]


class TestDatabaseAway:
    """Its own words name hosts and users: they are for the log."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def away(self, monkeypatch):
        def fail(*_arguments: object, **_named: object) -> None:
            raise OperationalError(f'connection to "{INSIDE}" failed: password authentication failed for user "tcs"')

        def now() -> None:
            for name in ("execute", "executemany"):
                monkeypatch.setattr(CursorWrapper, name, fail)

        return now

    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/admin/",
            "/admin/login/",
            "/admin/index/",
            "/api/search?q=x",
            "/api/admin/ingest/status",
            "/api/admin/embedding-map",
            "/api/docs",
            "/readyz",
            "/healthz",
            "/metrics",
            "/nothing",
        ],
    )
    def test_no_visitor_reads_its_words(self, away, path):
        signed_in = Client(raise_request_exception=False)
        signed_in.force_login(cast.staff("indexing.view"))
        visitors = [
            (Client(raise_request_exception=False), {}),
            (signed_in, {}),
            (Client(raise_request_exception=False), {"Authorization": f"Bearer {SECRET}"}),
        ]
        away()
        for client, headers in visitors:
            answer = client.get(path, headers=headers)
            words = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert INSIDE not in words.decode()
            assert "OperationalError" not in words.decode()
            assert answer.status_code in (200, 302, 401, 404, 503), answer.status_code

    def test_nor_does_whoever_tries_to_sign_in(self, away):
        client = Client(raise_request_exception=False)
        away()
        body = {"username": "sam", "password": SECRET}
        for answer in (
            client.post("/admin/login/", body),
            client.post("/api/admin/auth", body, content_type="application/json"),
        ):
            assert answer.status_code == 503
            assert INSIDE not in answer.content.decode()
            assert SECRET not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_readiness_tells_no_stranger_where_files_lie(client):
    cast.published()
    damaged = paths.version_folder(cast.rebuild().version_id) / "vectors.npy"
    damaged.unlink()
    live.load_now()
    detail = client.get("/readyz").json()["checks"]["live_version"]["detail"]
    assert "vectors.npy" in detail
    assert str(django_settings.DATA_DIR) not in detail

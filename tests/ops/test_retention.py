"""What is too old is deleted, what is needed stays, and one process at a time does it."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from experts.attachments import storage
from experts.importing.records import Changes
from experts.models import ImportRecord
from indexing.models import (
    ApiToken,
    DriftSample,
    IndexState,
    IndexVersion,
    Notification,
    RebuildRun,
    RunLogLine,
    SearchLog,
    SignInCount,
)
from indexing.ops import retention
from indexing.search import log
from indexing.sign_in import counting
from tests.search.test_log import results
from tests.support import cast

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def test_sessions_that_have_expired_are_deleted():
    for days in (-1, 1):
        Session.objects.create(session_key=f"expires-{days}", session_data="x", expire_date=ago(days))
    assert retention.clean_up()["sessions"] == 1
    assert Session.objects.get().session_key == "expires--1"


def test_sign_ins_are_kept_for_their_days(settings):
    settings.TCS_SIGN_IN_DAYS = 10
    for days in (9, 11):
        seen = {"username": f"{days}", "ip_address": "192.0.2.1", "user_agent": "x"}
        AccessLog.objects.create(**seen)
        AccessAttempt.objects.create(failures_since_start=1, **seen)
        for model in (AccessLog, AccessAttempt):
            model.objects.filter(username=f"{days}").update(attempt_time=ago(days))
    assert retention.clean_up()["sign-ins"] == 2
    assert [AccessLog.objects.get().username, AccessAttempt.objects.get().username] == ["9", "9"]


def test_counts_of_failures_are_kept_while_they_count():
    counting.remember("sam", "192.0.2.1")
    SignInCount.objects.update(last_at=ago(89))
    SignInCount.objects.create(key="pair:new", failures=3, last_at=ago(0.9))
    SignInCount.objects.create(key="pair:old", failures=3, last_at=ago(1.1))
    assert retention.clean_up()["sign-ins"] == 1
    assert counting.is_known("sam", "192.0.2.1")
    assert SignInCount.objects.filter(key="pair:new").exists()
    SignInCount.objects.update(last_at=ago(91))
    retention.clean_up()
    assert not SignInCount.objects.exists()


def test_tokens_are_deleted_some_time_after_they_have_ended(settings):
    settings.TCS_SIGN_IN_DAYS = 10
    user = cast.staff()
    valid, lately, long, revoked = (ApiToken.objects.issue(user)[0].pk for _ in range(4))
    ApiToken.objects.filter(pk=lately).update(expires_at=ago(9))
    ApiToken.objects.filter(pk=long).update(expires_at=ago(11))
    ApiToken.objects.filter(pk=revoked).update(revoked_at=ago(11))
    assert retention.clean_up()["tokens"] == 2
    assert set(ApiToken.objects.values_list("pk", flat=True)) == {valid, lately}


@pytest.mark.parametrize(("days", "kept"), [(30, {"0", "29"}), (0, set())])
def test_searches_are_kept_for_their_days(settings, days, kept):
    settings.TCS_SEARCH_LOG_DAYS = days
    for age in (0, 29, 31):
        log.row_of(results(query=f"{age}"), 10, ago(age)).save()
    retention.clean_up()
    assert set(SearchLog.objects.values_list("query", flat=True)) == kept


def test_notifications_and_drift_samples_are_kept_for_their_days(settings):
    settings.TCS_NOTIFICATION_DAYS = 10
    for days in (9, 11):
        Notification.objects.create(event=f"{days}", subject="x", body="x", created_at=ago(days))
    for days in (99, 101):
        figures = dict.fromkeys(("experts", "version_experts", "added", "changed", "removed"), days)
        DriftSample.objects.create(hour=ago(days), at=ago(days), version=1, **figures)
    counts = retention.clean_up()
    assert (counts["notifications"], counts["drift samples"]) == (1, 1)
    assert (Notification.objects.get().event, DriftSample.objects.get().experts) == ("9", 99)


def test_runs_before_the_last_ones_go_with_their_logs_but_not_those_of_versions_that_exist(settings):
    settings.TCS_KEEP_RUNS = 3
    runs = [RebuildRun.objects.create(state=RebuildRun.State.FAILED) for _ in range(9)]
    for run in runs:
        RunLogLine.objects.create(run=run, seq=1, message=f"{run.pk}")
    versions = [
        IndexVersion.objects.create(number=number, state=state)
        for number, state in enumerate((*IndexVersion.State,), 1)
    ]
    for run, version in zip(runs, versions, strict=False):
        RebuildRun.objects.filter(pk=run.pk).update(version=version)
    RebuildRun.objects.filter(pk=runs[5].pk).update(state=RebuildRun.State.QUEUED)
    gone = {runs[number].pk for number, version in enumerate(versions) if version.state == "deleted"}
    assert len(gone) == 1
    expected = {run.pk for run in runs} - gone
    assert retention.clean_up()["runs"] == 1
    assert set(RebuildRun.objects.values_list("pk", flat=True)) == expected
    assert set(RunLogLine.objects.values_list("run", flat=True)) == expected
    RebuildRun.objects.filter(pk=runs[5].pk).update(state=RebuildRun.State.FAILED)
    assert retention.clean_up()["runs"] == 1
    assert not RebuildRun.objects.filter(pk=runs[5].pk).exists()


def test_what_an_import_replaced_is_kept_for_its_days(settings):
    settings.TCS_UNDO_DAYS = 10
    for days in (9, 11):
        ImportRecord.objects.create(at=ago(days), file_name=f"{days}", changes=Changes([], {}, []).packed())
    assert retention.clean_up()["imports to undo"] == 1
    assert ImportRecord.objects.get().file_name == "9"


def test_files_that_belong_to_nobody_are_deleted():
    lost = storage.path_of(storage.DOCUMENTS, storage.store(storage.DOCUMENTS, [b"its row was never written"]))
    old = time.time() - storage.UNKNOWN_FOR - 10
    assert retention.clean_up()["files of nobody"] == 0
    os.utime(lost, (old, old))
    assert retention.clean_up()["files of nobody"] == 1
    assert not lost.exists()


def test_uploads_that_nobody_imported_are_deleted():
    folder = Path(django_settings.DATA_DIR) / "imports"
    folder.mkdir(exist_ok=True)
    for name, hours in (("new", 23), ("old", 25)):
        (folder / f"{name}.csv").write_text("x")
        moment = time.time() - hours * 3600
        os.utime(folder / f"{name}.csv", (moment, moment))
    assert retention.clean_up()["uploads"] == 1
    assert [path.name for path in folder.iterdir()] == ["new.csv"]


def test_a_clean_up_says_in_the_log_what_it_did(caplog):
    Session.objects.create(session_key="x", session_data="x", expire_date=ago(1))
    with caplog.at_level("INFO"):
        retention.clean_up()
        retention.clean_up()
    assert [record.getMessage() for record in caplog.records if record.name == "indexing.ops.retention"] == [
        "Clean-up: deleted 1 sessions.",
        "Clean-up: deleted nothing, since nothing is old enough.",
    ]


def test_it_is_due_once_a_day_for_all_processes():
    now = timezone.now()
    assert retention.clean_up_if_due(now) is not None
    assert retention.clean_up_if_due(now + timedelta(hours=23)) is None
    assert retention.clean_up_if_due(now + timedelta(hours=24)) is not None
    IndexState.objects.update(cleaned_up_at=now + timedelta(days=400))  # a clock was wrong
    assert retention.clean_up_if_due(now) is not None


def test_a_clean_up_that_fails_is_tried_again(monkeypatch):
    def fail(_now: Any) -> int:
        raise OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setitem(retention.KINDS, "runs", fail)
        with pytest.raises(OperationalError):
            retention.clean_up_if_due()
    assert retention.clean_up_if_due() is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_cleans_up():
    together, done = threading.Barrier(6, timeout=30), []

    def look() -> None:
        together.wait()
        done.append(retention.clean_up_if_due() is not None)
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [False] * 5 + [True]


def test_the_command_does_the_same():
    Session.objects.create(session_key="x", session_data="x", expire_date=ago(1))
    said = StringIO()
    call_command("clean_up", "--json", stdout=said)
    assert json.loads(said.getvalue())["sessions"] == 1
    call_command("clean_up", stdout=said)
    assert "sessions" in said.getvalue()


def test_the_pages_do_without_the_runs_that_are_gone(client: Client, settings):
    settings.TCS_KEEP_RUNS = 1
    old = [RebuildRun.objects.create(state=RebuildRun.State.FAILED) for _ in range(3)]
    retention.clean_up()
    client.force_login(cast.staff("indexing.view"))
    assert client.get("/admin/index/").status_code == 200
    assert client.get(f"/admin/index/runs/{old[-1].pk}/").status_code == 200
    assert client.get(f"/admin/index/runs/{old[0].pk}/").status_code == 404

"""A worker on a copy of the data folder publishes nothing: no web process has what it builds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from indexing import runs
from indexing.errors import FolderNotShared
from indexing.lib import paths, processes
from indexing.models import IndexState, RebuildRun, ServingProcess
from indexing.serving import live
from indexing.versions import shared_folder
from indexing.versions.shared_folder import FolderToken
from indexing.worker import execute
from tests.support import cast
from tests.support.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


@pytest.fixture
def web(monkeypatch) -> Iterator[None]:
    """This process serves, as a web process does, and reports often."""
    monkeypatch.setattr(live, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    live.start()
    until(ServingProcess.objects.exclude(folder_token="").exists)
    yield
    live.stop()


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(shared_folder, "PATIENCE_SECONDS", 0.0)


def copied(folder: Path) -> Path:
    """A copy of the data folder, as somebody makes it who sets up a worker on another machine."""
    return Path(shutil.copytree(django_settings.DATA_DIR, folder, ignore=shutil.ignore_patterns("db.*")))


def claimed() -> RebuildRun:
    run = runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk)
    assert run is not None
    return run


def stands_still(web: ServingProcess) -> bool:
    """Whether the web process has counted so far that a copy made before is too old."""
    return ServingProcess.objects.get(pk=web.pk).folder_beats > web.folder_beats + shared_folder.BEATS_BEHIND + 1


def test_a_worker_on_a_copy_fails_its_run_and_publishes_nothing(web, impatient, tmp_path, monkeypatch):
    """The copy is made while the web process runs, so its file is in it too: but there it stands still."""
    cast.experts(3)
    first = cast.rebuild()
    copy = copied(tmp_path / "copy")
    process = ServingProcess.objects.get()
    until(lambda: stands_still(process))
    live.stop()  # in this process it would follow the setting; its row is as if it had just reported
    process.seen_at = timezone.now()
    process.folder_beats += shared_folder.BEATS_BEHIND + 2
    process.save(force_insert=True)
    monkeypatch.setattr(django_settings, "DATA_DIR", copy)
    run = execute.execute(claimed())
    assert run.state == RebuildRun.State.FAILED
    assert "does not share the data folder" in run.error
    assert str(copy) in run.error
    assert IndexState.read().live_version_id == first.version_id
    assert {path.name for path in paths.versions_folder().iterdir()} == {"000001"}


def test_a_copy_made_before_the_web_process_started_is_noticed_at_once(web, impatient, tmp_path, monkeypatch):
    live.stop()
    copy = copied(tmp_path / "copy")
    live.served.forget()
    live.start()
    until(ServingProcess.objects.exclude(folder_token="").exists)
    shared_folder.require_shared()
    folder = django_settings.DATA_DIR
    monkeypatch.setattr(paths, "tokens_folder", lambda: copy / "processes")
    assert not shared_folder.is_shared()
    with pytest.raises(FolderNotShared):
        shared_folder.require_shared()
    monkeypatch.undo()
    assert folder == django_settings.DATA_DIR


def test_the_folder_is_compared_again_before_publishing(impatient, monkeypatch):
    """The web processes come up on another folder while the worker builds."""
    cast.experts(3)

    def start_elsewhere(*arguments: object) -> object:
        built = gathered(*arguments)
        ServingProcess.objects.create(host="web1", pid=7, process_start="1", folder_token="f" * 32, folder_beats=1)
        return built

    gathered = execute.gate_evidence.gather
    monkeypatch.setattr(execute.gate_evidence, "gather", start_elsewhere)
    run = execute.execute(claimed())
    assert run.state == RebuildRun.State.FAILED
    assert "web1:7" in run.error
    assert IndexState.read().live_version_id is None
    assert not list(paths.versions_folder().iterdir())


def test_a_worker_in_the_same_folder_builds(web):
    cast.experts(3)
    assert cast.rebuild().state == RebuildRun.State.DONE


def test_without_a_web_process_the_command_builds(impatient):
    long_ago = timezone.now() - timedelta(seconds=30)
    ServingProcess.objects.create(host="gone", pid=7, process_start="1", folder_token="f" * 32, seen_at=long_ago)
    ServingProcess.objects.create(host="old", pid=8, process_start="1")  # of an earlier release, or it cannot write
    cast.experts(3)
    assert cast.rebuild().state == RebuildRun.State.DONE


def test_one_web_host_with_another_folder_is_named_and_holds_up_nobody(web, caplog):
    ServingProcess.objects.create(host="web2", pid=7, process_start="1", folder_token="f" * 32, folder_beats=9)
    shared_folder.require_shared()
    assert "Web process web2:7 has another data folder" in caplog.text


def test_a_file_that_shows_late_is_waited_for():
    """As on a network file system."""
    token = FolderToken()
    ServingProcess.objects.create(host="web1", pid=7, process_start="1", folder_token=token.name, folder_beats=1)
    shared_folder.require_shared(sleep=lambda _seconds: token.count())


def test_the_file_ends_with_its_process_and_those_of_killed_ones_go(web, monkeypatch):
    killed = FolderToken()
    killed.count()
    row = ServingProcess.objects.get()
    assert {path.name for path in paths.tokens_folder().iterdir()} == {killed.name, row.folder_token}
    shared_folder.remove_abandoned()
    assert (paths.tokens_folder() / killed.name).exists()  # young: its process may not have reported yet
    monkeypatch.setattr(shared_folder, "ABANDONED_SECONDS", 0.0)
    shared_folder.remove_abandoned()
    assert [path.name for path in paths.tokens_folder().iterdir()] == [row.folder_token]
    live.stop()
    assert not list(paths.tokens_folder().iterdir())


def test_the_file_of_a_killed_process_goes_once_its_row_has_expired(web, monkeypatch):
    monkeypatch.setattr(shared_folder, "ABANDONED_SECONDS", 0.0)
    killed = FolderToken()
    killed.count()
    long_ago = timezone.now() - timedelta(hours=1)
    row = ServingProcess.objects.create(host="web2", pid=7, process_start="1", folder_token=killed.name)
    ServingProcess.objects.filter(pk=row.pk).update(seen_at=long_ago)
    until(lambda: not (paths.tokens_folder() / killed.name).exists())
    assert ServingProcess.objects.count() == 1


def test_a_folder_that_cannot_be_written_is_said_once(monkeypatch, caplog):
    Path(paths.tokens_folder()).write_text("a file in its place")
    token = FolderToken()
    token.count()
    token.count()
    assert token.written == ""
    assert caplog.text.count("cannot check") == 1
    paths.tokens_folder().unlink()
    token.count()
    assert token.written == token.name

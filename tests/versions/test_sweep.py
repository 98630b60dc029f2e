"""Old versions and leftovers go; what is kept or being built stays."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indexing import runs
from indexing.lib import ownership, paths
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions import collections, sweep

pytestmark = pytest.mark.django_db
State = IndexVersion.State
DATABASE = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _database_id(db: None) -> None:
    IndexState.objects.update(database_id=DATABASE)


def version(number: int, state: str, *, folder: bool = True) -> None:
    IndexVersion.objects.create(number=number, state=state)
    if folder:
        target = paths.building_folder(number, 3) if state == State.BUILDING else paths.version_folder(number)
        made(target)
        (target / "manifest.json").write_text("{}")


def made(folder: Path) -> None:
    """A folder that this database wrote."""
    folder.mkdir(parents=True)
    ownership.mark(folder, DATABASE)


def folders() -> set[str]:
    return {path.name for path in paths.versions_folder().iterdir()}


def test_the_last_versions_are_kept_and_the_live_one_counts(settings):
    settings.TCS_KEEP_VERSIONS = 3
    for number in range(1, 6):
        version(number, State.KEPT)
    version(6, State.LIVE)
    version(7, State.HELD)
    sweep.mark_old_deleted()
    sweep.delete_leftovers()
    assert folders() == {"000004", "000005", "000006", "000007"}
    assert IndexVersion.objects.filter(state=State.DELETED).count() == 3


def test_a_live_version_older_than_those_kept_stays(settings):
    settings.TCS_KEEP_VERSIONS = 1
    version(1, State.LIVE)
    version(2, State.KEPT)
    sweep.mark_old_deleted()
    sweep.delete_leftovers()
    assert folders() == {"000001"}


def test_leftovers_of_failed_runs_are_deleted_and_a_running_build_stays():
    version(4, State.LIVE)
    version(5, State.BUILDING)
    for name in ("000003", "000004.2.building", "000009", "000008.1.building"):
        made(paths.versions_folder() / name)
    (paths.versions_folder() / "notes").mkdir()
    sweep.delete_leftovers()
    assert folders() == {"000004", "000005.3.building", "notes"}


def test_a_version_renamed_but_not_yet_published_stays():
    version(5, State.BUILDING)
    paths.version_folder(5).mkdir()
    sweep.delete_leftovers()
    assert "000005" in folders()


def test_the_map_of_a_removed_version_is_deleted():
    version(1, State.DELETED, folder=False)
    version(2, State.LIVE)
    paths.map_file(1).parent.mkdir(parents=True)
    paths.map_file(1).write_bytes(b"")
    paths.map_file(2).write_bytes(b"")
    sweep.delete_leftovers()
    assert [path.name for path in paths.map_file(1).parent.iterdir()] == ["000002.npy"]


def test_an_export_left_by_a_killed_run_is_deleted_and_an_active_one_stays():
    """89 MB each with the packaged model."""
    models = paths.models_folder()
    for name in ("abc", "abc.77.exporting", "abc.77.old"):
        made(models / name)
    run = RebuildRun.objects.create(state=RebuildRun.State.RUNNING)
    sweep.delete_leftovers()
    assert len(list(models.iterdir())) == 3
    assert runs.mark_crashed(run, "Killed.")
    sweep.delete_leftovers()
    assert [path.name for path in models.iterdir()] == ["abc"]
    shutil.rmtree(models)


def test_half_a_map_is_deleted_unless_it_is_being_computed():
    version(1, State.KEPT, folder=False)
    version(2, State.LIVE, folder=False)
    IndexVersion.objects.filter(number=2).update(map_state=IndexVersion.MapState.COMPUTING)
    folder = paths.map_file(1).parent
    folder.mkdir(parents=True)
    for name in ("000001.npy", "000001.npy.77.tmp", "000002.npy.78.tmp"):
        (folder / name).write_bytes(b"")
    sweep.delete_leftovers()
    assert {path.name for path in folder.iterdir()} == {"000001.npy", "000002.npy.78.tmp"}


def refuse(_path: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_what_cannot_be_deleted_is_reported_and_left_for_the_next_run(monkeypatch, caplog):
    made(paths.versions_folder() / "000009")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(sweep.shutil, "rmtree", refuse)
        sweep.delete_leftovers()
    assert "Could not delete 000009 (Permission denied)" in caplog.text


def test_what_runs_encoded_is_deleted_once_it_is_older_than_it_is_kept():
    now = datetime(2026, 11, 29, tzinfo=UTC)
    folder = paths.encoded_folder() / "model"
    folder.mkdir(parents=True)
    for name, age in (("old", 1), ("older", 90_000), ("in time", 0), ("new", -1)):
        (folder / name).write_bytes(b"")
        moment = (now - sweep.ENCODED_KEPT).timestamp() - age
        os.utime(folder / name, (moment, moment))
    assert sweep.delete_old_encoded(now) == 2
    assert {path.name for path in folder.iterdir()} == {"in time", "new"}
    assert sweep.delete_old_encoded(now) == 0


def test_collections_of_no_version_are_looked_for_too(monkeypatch):
    asked: list[None] = []
    monkeypatch.setattr(collections, "sweep", lambda: asked.append(None))
    sweep.delete_leftovers()
    assert len(asked) == 1


def test_without_a_mark_a_folder_is_known_by_its_manifest_and_a_map_by_its_folder():
    manifest = b"{}"
    for number, state in ((1, State.DELETED), (2, State.DELETED), (3, State.DELETED)):
        IndexVersion.objects.create(number=number, state=state, manifest_sha256=hashlib.sha256(manifest).hexdigest())
    for number, content in ((1, manifest), (2, b"another"), (3, None), (9, manifest)):
        paths.version_folder(number).mkdir(parents=True)
        if content is not None:
            (paths.version_folder(number) / "manifest.json").write_bytes(content)
    maps = paths.map_file(0).parent
    maps.mkdir(parents=True, exist_ok=True)
    for number in (1, 2, 3, 9):
        paths.map_file(number).write_bytes(b"")
    (maps / "notes.txt").write_text("")
    foreign = {"000002", "000003", "000009", *(paths.map_file(number).name for number in (2, 3, 9)), "notes.txt"}
    assert set(sweep.foreign()) == foreign
    sweep.delete_leftovers()
    assert folders() | {path.name for path in maps.iterdir()} == foreign

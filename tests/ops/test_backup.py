"""What was backed up can be used in another place, and the database alone is enough to rebuild."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from experts.attachments import documents
from indexing import runs
from indexing.lib import paths, processes
from indexing.models import IndexState, RebuildRun
from indexing.ops import backup
from indexing.serving import live
from indexing.versions import pinning
from indexing.worker import execute
from tests.support import attachments_cast, cast, damage, forked

pytestmark = pytest.mark.django_db(transaction=True)


def rebuild() -> RebuildRun:
    run = runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk)
    assert run is not None
    return execute.execute(run)


def elsewhere(folder: Path, *arguments: str) -> forked.Ended:
    """A command in an installation that has `folder` as its data folder."""
    return forked.manage(arguments, os.environ | {"TCS_DATA_DIR": str(folder)})


@pytest.mark.skipif("sqlite" not in settings.DATABASES["default"]["ENGINE"], reason="pg_dump copies PostgreSQL")
def test_a_copy_serves_in_another_place(tmp_path):
    cast.experts(8)
    pinning.pin(rebuild().version_id, cast.command_actor(), "Shown at the fair.")
    call_command("backup", str(tmp_path / "copy"), verbosity=0)
    found = elsewhere(tmp_path / "copy", "search_experts", "sourdough bread", "--mode", "keyword")
    assert found.returncode == 0, found.stderr
    assert "Baker" in found.stdout
    assert elsewhere(tmp_path / "copy", "verify_index").returncode == 0
    unpinned = elsewhere(tmp_path / "copy", "pin_version", "1", "--unpin", "--reason", "The fair is over.")
    assert unpinned.returncode == 0, unpinned.stderr  # the pin was in the copy


def test_the_database_alone_is_enough_to_rebuild():
    cast.experts(8)
    lost = rebuild().version_id
    shutil.rmtree(paths.versions_folder())
    live.served.forget()
    run = rebuild()
    assert run.state == RebuildRun.State.DONE
    assert IndexState.read().live_version_id == run.version_id != lost
    assert len(live.load_now()) == 8


def test_what_is_being_built_is_not_copied(tmp_path):
    cast.experts(3)
    rebuild()
    paths.building_folder(9, 9).mkdir()
    backup.make(tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy" / "versions").iterdir()] == ["000001"]


def test_documents_and_photos_are_copied_also_those_deleted_or_added_meanwhile(tmp_path, monkeypatch):
    rich, *_others = cast.experts(3)
    kept, deleted = attachments_cast.document(rich), attachments_cast.document(rich, "b.txt", "Deleted meanwhile")
    attachments_cast.photo(rich)
    copy_database = backup._copy_database

    def copied_meanwhile(folder: Path) -> tuple[int, str]:
        found = copy_database(folder)
        documents.remove(deleted)
        return found

    monkeypatch.setattr(backup, "_copy_database", copied_meanwhile)
    (Path(settings.DATA_DIR) / "documents" / "0.new").touch()
    backup.make(tmp_path / "copy")
    names = {path.name for path in (tmp_path / "copy" / "documents").iterdir()}
    assert names == {kept.stored_name, deleted.stored_name}
    assert (tmp_path / "copy" / "photos" / rich.photo_file).read_bytes()[8:12] == b"WEBP"


def test_nothing_is_overwritten_and_nothing_copied_into_itself(tmp_path):
    (tmp_path / "copy").mkdir()
    with pytest.raises(CommandError, match="already exists"):
        call_command("backup", str(tmp_path / "copy"))
    with pytest.raises(CommandError, match="inside the data folder"):
        call_command("backup", str(settings.DATA_DIR / "copy"))


def test_a_copy_of_damaged_files_is_not_a_backup(tmp_path):
    cast.experts(3)
    rebuild()
    damage.replace(paths.version_folder(1) / "ids.npy", b"garbage")
    with pytest.raises(CommandError, match="ids.npy"):
        call_command("backup", str(tmp_path / "copy"))
    assert list(tmp_path.iterdir()) == []


def test_the_copy_is_for_its_owner_only(tmp_path):
    backup.make(tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert connection.vendor != "sqlite" or (tmp_path / "copy" / "db.sqlite3").exists()

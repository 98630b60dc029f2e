"""A data folder has one database, and what another one wrote in it is never deleted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import reverse

from indexing import runs
from indexing.errors import WrongDatabase
from indexing.lib import ownership, paths, processes
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions import data_folder, sweep
from indexing.worker import execute
from tests.support import cast, forked, version_cast

pytestmark = pytest.mark.django_db(transaction=True)

ANOTHER = "0123456789abcdef0123456789abcdef"
MARK = Path(settings.DATA_DIR) / ownership.MARK


def database_id() -> str:
    return IndexState.read().database_id


def folders() -> set[str]:
    return {path.name for path in paths.versions_folder().iterdir()}


def of_another_database() -> None:
    """The folder is another database's from now on, as is all that lies in it; this one is as on its first day."""
    MARK.write_text(f"{ANOTHER}\nPostgreSQL tcs, db.internal\n")
    for folder in paths.versions_folder().iterdir():
        ownership.mark(folder, ANOTHER)
    RebuildRun.objects.all().delete()
    IndexState.objects.update(live_version=None, database_id="", last_version_number=0)
    IndexVersion.objects.all().delete()


@pytest.mark.services
class TestComparing:
    def test_the_first_use_gives_both_one_id(self):
        data_folder.require()
        assert not MARK.exists()
        data_folder.claim()
        assert database_id()
        assert ownership.marked_by(MARK.parent) == database_id()
        assert MARK.stat().st_mode & 0o077 == 0
        assert [path.name for path in MARK.parent.glob(f"{ownership.MARK}*")] == [ownership.MARK]
        data_folder.claim()
        data_folder.require()

    def test_an_upgrade_is_silent(self, caplog):
        """A folder and a database of a release that gave no ids."""
        version_cast.two_versions()
        MARK.unlink()
        IndexState.objects.update(database_id="")
        data_folder.claim()
        assert ownership.marked_by(MARK.parent) == database_id() != ""
        assert "new to this database" not in caplog.text

    def test_versions_that_the_database_does_not_know_are_anothers(self):
        version_cast.two_versions()
        MARK.unlink()
        of_another_database()
        MARK.unlink()
        with pytest.raises(WrongDatabase, match="holds 2 versions, none of which the database knows") as refused:
            data_folder.claim()
        assert "Nothing was changed" in str(refused.value)
        assert "--adopt" in str(refused.value)
        assert not MARK.exists()
        assert not database_id()

    def test_another_id_is_refused_and_says_whose_it_is(self):
        data_folder.claim()
        MARK.write_text(f"{ANOTHER}\nPostgreSQL tcs, db.internal\n")
        with pytest.raises(WrongDatabase, match=r"another database \(PostgreSQL tcs, db\.internal\)"):
            data_folder.require()

    def test_the_words_hold_no_password(self):
        assert str(settings.DATABASES["default"].get("PASSWORD") or "secret") not in data_folder.describe()

    def test_a_dump_from_before_the_ids_takes_the_folder_s(self):
        cast.experts(3)
        cast.rebuild()
        before = database_id()
        IndexState.objects.update(database_id="")
        data_folder.claim()
        assert database_id() == before == ownership.marked_by(MARK.parent)

    def test_an_empty_database_is_refused_even_where_no_version_lies_yet(self):
        MARK.write_text(f"{ANOTHER}\n")
        with pytest.raises(WrongDatabase):
            data_folder.claim()

    def test_a_lost_folder_is_said_and_no_hindrance(self, caplog):
        cast.experts(3)
        cast.rebuild()
        shutil.rmtree(paths.versions_folder())
        MARK.unlink()
        data_folder.claim()
        assert "new to this database, and has none of its versions" in caplog.text
        assert ownership.marked_by(MARK.parent) == database_id()

    def test_of_two_that_come_at_once_one_gets_the_folder(self, monkeypatch):
        """The other database's file appears between the comparison and the writing."""
        monkeypatch.setattr(data_folder, "_give_id", lambda _written: MARK.write_text(ANOTHER) and "f" * 32)
        with pytest.raises(WrongDatabase):
            data_folder.claim()
        assert ownership.marked_by(MARK.parent) == ANOTHER
        assert not list(MARK.parent.glob(f"{ownership.MARK}.*"))

    def test_adopting_says_that_it_is_meant(self):
        version_cast.two_versions()
        of_another_database()
        data_folder.claim(adopt=True)
        data_folder.require()
        assert ownership.marked_by(MARK.parent) == database_id() not in ("", ANOTHER)


@pytest.mark.services
def test_a_run_with_the_wrong_database_fails_and_deletes_nothing():
    """Past the checks at the start: as when DATABASE_URL changed under a worker that waits for runs."""
    version_cast.two_versions()
    of_another_database()
    before = folders()
    run = runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk)
    run = execute.execute(run)
    assert run.state == RebuildRun.State.FAILED
    assert "belongs to another database" in run.error
    assert folders() == before == {"000001", "000002"}


class TestAfterAdopting:
    @pytest.fixture
    def adopted(self) -> set[str]:
        """The names of what another database left behind: two versions, maps, a build that was killed."""
        version_cast.two_versions()
        left = paths.building_folder(3, 7)
        left.mkdir()
        paths.map_file(1).parent.mkdir(parents=True)
        paths.map_file(1).write_bytes(b"map")
        of_another_database()
        data_folder.claim(adopt=True)
        return {"000001", "000002", left.name}

    def test_runs_leave_alone_what_another_database_wrote(self, adopted, settings):
        settings.TCS_KEEP_VERSIONS = 1
        assert cast.rebuild().version_id == 4
        assert cast.rebuild().version_id == 5
        assert folders() == {*adopted, "000005"}
        assert paths.map_file(1).exists()

    def test_leftovers_of_this_database_go(self, adopted):
        ownership_of = paths.building_folder(8, 9)
        ownership_of.mkdir()
        ownership.mark(ownership_of, database_id())
        assert sweep.forecast().leftovers == (ownership_of.name,)
        sweep.delete_leftovers()
        assert folders() == adopted

    def test_the_page_the_api_and_the_command_name_them(self, adopted, publisher, capsys):
        page = publisher.get(reverse("index:versions")).content.decode()
        assert "4 items on disk were not written by this installation and are never deleted" in page
        answer = publisher.get("/api/admin/versions").json()
        assert set(answer["sweep"]["foreign"]) == {*adopted, "000001.npy"}
        assert answer["sweep"]["leftovers"] == []
        call_command("index_status")
        assert "000003.7.building" in capsys.readouterr().out
        call_command("index_status", json=True)
        assert set(json.loads(capsys.readouterr().out)["foreign"]) == {*adopted, "000001.npy"}


def test_a_version_of_an_earlier_release_is_known_by_its_hash():
    cast.experts(3)
    cast.rebuild()
    folder = paths.version_folder(1)
    (folder / ownership.MARK).unlink()
    IndexState.objects.update(live_version=None)
    IndexVersion.objects.update(state=IndexVersion.State.DELETED)
    assert sweep.forecast().leftovers == ("000001",)
    (folder / "manifest.json").write_text("{}")
    assert sweep.forecast().foreign == ("000001",)
    sweep.delete_leftovers()
    assert folder.exists()


def daphne(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daphne", "tcs_site.asgi:application"],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def everything_in(folder: Path) -> dict[str, Any]:
    """The content of every file but those of the database and of logs."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(("db.", "serve.lock"))
    }


@pytest.mark.services
@pytest.mark.parametrize(
    "command",
    ["serve", "index_worker --once", "index_status", "migrate", "daphne"],
)
def test_nothing_starts_with_the_wrong_database_and_nothing_is_removed(command, tmp_path):
    """The fall-back to an empty SQLite, for real: with another file than the tests' own, where that is SQLite too."""
    version_cast.two_versions()
    before = everything_in(Path(settings.DATA_DIR))
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty"}
    ended = daphne(environment) if command == "daphne" else forked.manage(command.split(), environment)
    assert ended.returncode == 1
    said = " ".join((ended.stdout + ended.stderr).split())
    assert "belongs to another database" in said
    assert f"{tmp_path}/empty, is empty or does not exist. Nothing was changed." in said
    assert "Traceback" not in said
    assert not (tmp_path / "empty").exists()
    assert everything_in(Path(settings.DATA_DIR)) == before

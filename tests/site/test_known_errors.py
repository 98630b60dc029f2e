"""What the machine can do to a command is said in a sentence, with exit code 1 and no traceback."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

from tcs_site.web_processes.process import server_command
from tests.support import forked
from tests.support.server import Site
from tests.support.services import free_port
from tests.support.small_disk import Disk, mounted

SERVE = ("serve", "--port")
WORKER = ("index_worker", "--once")


@pytest.fixture
def disk(migrated: Path) -> Iterator[Disk]:
    with mounted(megabytes=2) as disk:
        Site.like(migrated, disk.folder)
        yield disk


@pytest.fixture
def people(tmp_path: Path) -> str:
    file = tmp_path / "people.csv"
    file.write_text("Username,Bio\n" + "".join(f"person{number},{'bees ' * 400}\n" for number in range(500)))
    return str(file)


def failed(site: Site, *arguments: str, executed: bool = False) -> str:
    """What a command says before it ends with exit code 1. `executed`: what is wrong shows as settings are read."""
    if arguments == SERVE:
        arguments = (*SERVE, str(free_port()))
    if executed:
        process = site.start(*arguments)
        said = process.communicate(timeout=60)[0]
        code = process.returncode
    else:
        ended = forked.manage(arguments, site.variables())
        code, said = ended.returncode, ended.stdout + ended.stderr
    assert code == 1, said
    assert "Traceback" not in said
    return said


def test_a_full_disk(disk, people, subtests):
    site = Site(disk.folder)
    with subtests.test("import_experts"):
        assert "The disk is full" in failed(site, "import_experts", people)
        with closing(sqlite3.connect(disk.folder / "db.sqlite3")) as database:
            assert database.execute("SELECT count(*) FROM experts_expert").fetchone() == (0,)
    disk.fill()
    for command in (SERVE, ("rebuild_index",)):
        with subtests.test(command[0]):
            assert "The disk is full" in failed(site, *command)


def test_a_first_start_on_a_full_disk(subtests):
    with mounted(megabytes=1) as disk:
        with subtests.test("some room"):
            assert "The disk is full" in failed(Site(disk.folder), *SERVE)
        disk.fill()
        with subtests.test("no room"):
            said = failed(Site(disk.folder / "new"), *SERVE, executed=True)
            assert "No space left on device. Free some space." in said


def test_a_folder_that_is_read_only(disk, people, subtests):
    disk.make_read_only()
    for command in (SERVE, WORKER, ("import_experts", people)):
        with subtests.test(command[0]):
            assert "cannot be used" in failed(Site(disk.folder), *command, executed=True)


def test_a_database_that_is_none(tmp_path, migrated, subtests):
    site = Site.like(migrated, tmp_path)
    with (tmp_path / "db.sqlite3").open("r+b") as file:
        file.write(b"garbage" * 20)
    for command in (SERVE, WORKER):
        with subtests.test(command[0]):
            said = failed(site, *command)
            assert "is damaged (file is not a database)" in said
            assert "backup" in said


def test_a_database_of_a_newer_release(tmp_path, migrated, subtests):
    site = Site.like(migrated, tmp_path)
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('indexing', '9999_future', '2031-01-01')"
        )
        database.commit()
    for command in (SERVE, WORKER):
        with subtests.test(command[0]):
            assert "from a newer release of TCS: it has the migration indexing.9999_future" in failed(site, *command)
    with subtests.test("help"):
        assert "usage" in site.manage("rebuild_index", "--help")


def test_a_database_that_is_not_prepared(tmp_path, people):
    assert "Run: manage.py migrate" in failed(Site(tmp_path), "import_experts", people)


def test_a_time_zone_that_is_unknown(tmp_path):
    site = Site(tmp_path, {"TCS_TIME_ZONE": "Mars/Olympus"})
    assert "TCS_TIME_ZONE='Mars/Olympus' is not a time zone" in failed(site, *SERVE, executed=True)


def test_a_server_that_is_started_by_hand_says_it_too(tmp_path):
    site = Site(tmp_path, {"TCS_TIME_ZONE": "Mars/Olympus"})
    ended = subprocess.run(
        server_command("-b", "127.0.0.1", "-p", str(free_port())),
        cwd=settings.BASE_DIR,
        env=site.variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "TCS cannot start: TCS_TIME_ZONE" in ended.stderr
    assert "Traceback" not in ended.stderr

"""The first user's random password can be had until it is used, whatever happened to the first start."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.server import Site, serve_once, serving
from tests.support.services import free_port
from tests.support.waiting import until


@pytest.fixture
def clogged() -> Iterator[int]:
    """The writing end of a pipe that is full: whoever prints into it waits."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def site(tmp_path: Path, migrated: Path) -> Site:
    site = Site.like(migrated, tmp_path / "data", {"TCS_ENCODER": "tests.support.fakes.HashEncoder"})
    site.run("from tests.support import cast; cast.experts(3); cast.rebuild()")
    return site


def users(site: Site) -> int:
    with closing(sqlite3.connect(site.folder / "db.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM auth_user").fetchone()[0])


def test_a_start_that_is_killed_before_it_prints_the_password_loses_nothing(site, clogged):
    process = site.start("serve", "--port", str(free_port()), stdout=clogged, stderr=subprocess.DEVNULL)
    try:
        until(lambda: users(site))
    finally:
        process.kill()
        process.wait(timeout=60)
    assert (site.folder / "first_password").stat().st_mode & 0o077 == 0
    password = re.search(r"Password  (\S+)", site.manage("first_password"))[1]
    with serving(site) as server:
        assert server.sign_in("admin", password).status_code == 200
    assert not (site.folder / "first_password").exists()
    assert site.manage("first_password", expect=1) == ""


def test_a_start_that_is_killed_before_there_is_a_user_keeps_its_choice(site):
    code = "from tcs_site import first_password; print(first_password.choose())"
    chosen = site.run(code)
    assert site.run(code) == chosen
    assert site.manage("first_password", expect=1) == ""
    site.run("from tcs_site import first_start; first_start.create_administrator('')")
    assert chosen.strip() in site.manage("first_password")
    site.run(
        "from django.contrib.auth.models import User\nuser = User.objects.get()\n"
        "user.set_password('another one')\nuser.save()"
    )
    assert not (site.folder / "first_password").exists()


def test_a_terminal_that_has_only_ascii_shows_it(site):
    site.environment["PYTHONIOENCODING"] = "ascii"
    said = serve_once(site)
    assert said.isascii()
    assert re.search(r"\|  Password  \S{16} +\|", said), said
    assert "UnicodeEncodeError" not in said

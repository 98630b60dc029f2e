"""`manage.py serve`: from an empty folder to a page, and everything ends with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import settings
from django.core.management.base import CommandError

from tcs_site.management.commands.serve import port_number
from tcs_site.supervising import MARK, can_listen
from tests.faults.marks import GO_ON, PAUSED
from tests.support import cast, forked
from tests.support.server import PLAIN, Server, Site, said_until, serve_once
from tests.support.services import free_port
from tests.support.waiting import until

FAKE = {"TCS_ENCODER": "tests.support.fakes.HashEncoder"}


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> tuple[Site, str]:
    """An installation after its first start, and what that start said."""
    site = Site(tmp_path_factory.mktemp("first"))
    port = free_port()
    process = site.start("serve", "--port", str(port), umask=0)
    try:
        said = said_until(process, "TCS is at")
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60, verify=PLAIN).status_code == 200
    finally:
        process.terminate()
        said += process.communicate(timeout=60)[0]
    return site, said


@pytest.fixture(scope="module")
def small(tmp_path_factory, migrated) -> Path:
    """A data folder with a version of three experts, for what does not depend on the model."""
    site = Site.like(migrated, tmp_path_factory.mktemp("small"), FAKE)
    site.run("from tests.support import cast; cast.experts(3); cast.rebuild()")
    return site.folder


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if path.stat().st_mode & 0o077]


def marked() -> dict[int, str]:
    """Processes that a serve started, by pid."""
    found = {}
    for process in psutil.process_iter():
        try:
            if mark := process.environ().get(MARK):
                found[process.pid] = mark
        except (psutil.Error, OSError):
            continue
    return found


def family_of(process: subprocess.Popen[str]) -> set[int]:
    (mark,) = {marked()[child.pid] for child in psutil.Process(process.pid).children()}
    return {pid for pid, other in marked().items() if other == mark}


class TestFirstStart:
    def test_it_loads_samples_makes_a_user_and_a_version_and_says_so(self, first):
        site, said = first
        assert "1,500 fictional experts" in said
        assert "version 1 is live" in said
        output = site.run(
            "from experts.models import Expert, Tag\nfrom django.contrib.auth.models import User\n"
            "from indexing.models import IndexState\n"
            "print(Expert.objects.count(), Tag.objects.count() > 50, User.objects.get().username,"
            " IndexState.read().live_version_id)"
        )
        assert output.split() == ["1500", "True", "admin", "1"]

    def test_the_password_is_shown_and_opens_the_door(self, first):
        site, said = first
        password = re.search(r"Password +(\S+)", said)[1]
        code = f"from django.contrib.auth.models import User; print(User.objects.get().check_password({password!r}))"
        assert site.run(code).split() == ["True"]

    def test_a_second_start_does_none_of_it_again(self, first):
        site, _said = first
        said = serve_once(site)
        for step in ("Preparing", "Loaded", "Password", "Building", "private"):
            assert step not in said
        assert "admin has not signed in yet" in said

    def test_what_it_keeps_lies_in_the_data_folder_for_its_user_alone(self, first):
        """Also with a umask of 0, with which it was started."""
        site, _said = first
        assert {"db.sqlite3", "secret_key", "versions"} <= {path.name for path in site.folder.iterdir()}
        assert open_to_others(site.folder) == []


class TestSteps:
    """Each looks by itself whether it is needed."""

    def test_a_directory_of_ones_own_gets_no_samples(self, tmp_path, migrated):
        site = Site.like(migrated, tmp_path, FAKE | {"TCS_ADMIN_PASSWORD": "opensesame"})
        site.run("from tests.support import cast; cast.experts(3)")
        for path in (site.folder, *site.folder.rglob("*")):  # as the first releases left it
            path.chmod(0o755 if path.is_dir() else 0o644)
        said = serve_once(site)
        assert said.count("only this user can read it now") == 1
        assert open_to_others(site.folder) == []
        assert "fictional" not in said
        assert "3 experts" in said
        assert "opensesame" not in said
        code = "from django.contrib.auth.models import User; print(User.objects.get().check_password('opensesame'))"
        assert site.run(code).split() == ["True"]

    def test_a_first_version_that_fails_is_said_and_does_not_stop_it(self, tmp_path, migrated):
        site = Site.like(migrated, tmp_path, {"TCS_ENCODER": "tests.support.fakes.NoSuchEncoder"})
        site.run("from tests.support import cast; cast.experts(3)")
        port = free_port()
        process = site.start("serve", "--port", str(port))
        try:
            said = said_until(process, "TCS is at")
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60, verify=PLAIN).status_code == 503
        finally:
            process.terminate()
            process.communicate(timeout=60)
        assert "NoSuchEncoder" in said
        assert "could not be built" in said


class TestRefusing:
    def refused(self, site: Site, *arguments: str) -> str:
        ended = forked.manage(("serve", *arguments), site.variables())
        said = ended.stdout + ended.stderr
        assert ended.returncode == 1, said
        assert "Traceback" not in said
        return said

    def test_a_port_that_is_taken_is_said_before_anything_is_done(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            said = self.refused(Site(tmp_path), "--port", str(port))
        assert f"127.0.0.1:{port}" in said
        assert "running already" in said
        assert not (tmp_path / "db.sqlite3").exists()

    def test_a_port_that_is_none_is_named(self, tmp_path):
        assert "'http'" in self.refused(Site(tmp_path), "--port", "http")
        for port in ("0", "65536"):
            with pytest.raises(CommandError, match=f"'{port}'"):
                port_number(port)

    def test_a_data_folder_that_cannot_be_is_named(self, tmp_path):
        (tmp_path / "file").write_text("not a folder")
        process = Site(tmp_path / "file" / "data").start("serve")  # a forked one has its settings before it starts
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 1
        assert "Traceback" not in said
        assert str(tmp_path / "file") in said
        assert "TCS_DATA_DIR" in said

    def test_a_second_start_while_the_first_prepares_has_to_wait(self, tmp_path):
        site = Site(tmp_path)
        process = site.start("serve", "--port", str(free_port()))
        try:
            until(lambda: (tmp_path / "serve.lock").exists() and (tmp_path / "serve.lock").read_text())
            said = self.refused(site, "--port", str(free_port()))
        finally:
            process.terminate()
            process.communicate(timeout=60)
        assert str(process.pid) in said
        assert "preparing" in said


DEAF = """
import os, signal, time
from tcs_site.supervising import Stopped, ignore_signals, raise_on_signals

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

try:
    raise_on_signals()
    Deaf()
    print("not yet", flush=True)
    time.sleep(60)
except Stopped as stopped:
    ignore_signals()
    print(stopped.signal.name)
"""


class TestEnding:
    def test_a_signal_that_meets_a_finalizer_is_not_lost(self):
        output = subprocess.run([sys.executable, "-c", DEAF], capture_output=True, text=True, timeout=60, check=True)
        assert output.stdout.split("\n")[:2] == ["not yet", "SIGTERM"]
        assert "Exception ignored" in output.stderr

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_every_process_it_started_a_worker_too(self, small, tmp_path, number):
        site = Site.like(small, tmp_path, FAKE)
        process = site.start("serve", "--port", str(free_port()))
        said_until(process, "TCS is at")
        server = psutil.Process(process.pid).children()[0]
        # a child in a session of its own, as workers are: only the mark tells that it belongs to this serve
        stray = subprocess.Popen(
            ["sleep", "600"], start_new_session=True, env=os.environ | {MARK: server.environ()[MARK]}
        )
        assert {server.pid, stray.pid} <= family_of(process)
        process.send_signal(number)
        stray.wait(timeout=60)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 0
        assert not server.is_running()
        assert f"Stopping ({number.name})" in said
        assert "Traceback" not in said

    def test_one_that_will_not_end_is_killed(self, tmp_path):
        code = (
            "import pathlib\n"
            "from tcs_site import supervising\n"
            "supervising.END_SECONDS = 0.5\n"
            "group = supervising.ProcessGroup()\n"
            "group.start(['sh', '-c', \"trap '' TERM; touch deaf; sleep 600\"], pathlib.Path())\n"
            "while not pathlib.Path('deaf').exists(): pass\n"
            "group.end()\n"
            "print(len(group.members()))"
        )
        environment = os.environ | {"PYTHONPATH": str(settings.BASE_DIR)}
        output = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert output.stdout.split() == ["0"]

    def test_a_build_outlives_its_server_and_its_serve(self, small, tmp_path):
        """A killed server is started again. A killed serve takes the server along, so that its port is free."""
        given = {"TCS_ENCODER": "tests.faults.encoders.GatedEncoder", "TCS_ADMIN_PASSWORD": cast.PASSWORD}
        site = Site.like(small, tmp_path, given)
        port = free_port()
        process = site.start("serve", "--port", str(port))
        server = Server(site, port, process)
        try:
            said_until(process, "TCS is at")
            with server.client("admin") as admin:
                admin.post("/api/admin/ingest/run", json={"reembed": True}).raise_for_status()
            until((tmp_path / PAUSED).exists)
            psutil.Process(process.pid).children()[0].kill()
            assert "(signal 9)" in said_until(process, "Starting it again in 1 s")
            until(lambda: psutil.Process(process.pid).children())
            (daphne,) = psutil.Process(process.pid).children()
            process.kill()
            process.wait(timeout=60)
            daphne.wait(timeout=20)
            assert can_listen("127.0.0.1", port) is None
        finally:
            process.kill()
            (tmp_path / GO_ON).touch()
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
            state = "SELECT state FROM indexing_rebuildrun ORDER BY id DESC"
            until(lambda: database.execute(state).fetchone() == ("done",))


def test_the_signal_that_ends_make_ends_it(first):
    site, _said = first
    command = ["make", "-o", "install", "run", f"python={sys.executable}", f"PORT={free_port()}"]
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=site.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said_until(process, "TCS is at")
        started = psutil.Process(process.pid).children(recursive=True)
        assert all("python" in each.name() for each in started)  # no shell between that would keep the signal
    finally:
        process.terminate()
        process.communicate(timeout=60)
    until(lambda: not any(each.is_running() for each in started))

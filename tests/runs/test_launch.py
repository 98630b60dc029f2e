"""Starting a worker process: what it is given, who has the run meanwhile, and what becomes of it otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexing.lib import processes
from indexing.lib.processes import Owner
from indexing.models import IndexVersion, RebuildRun
from indexing.runs import launch
from tests.support import cast
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
start = {"arguments": sys.argv[1:], "threads": os.environ["OMP_NUM_THREADS"], "alone": os.getsid(0) == os.getpid()}
start["counts searches"] = "PROMETHEUS_MULTIPROC_DIR" in os.environ
(here / "writing").write_text(json.dumps(start))
(here / "writing").rename(here / "start")
while not (here / "end").exists():
    time.sleep(0.02)
"""


@pytest.fixture
def worker(tmp_path, settings, monkeypatch) -> Path:
    """The folder of a program in place of manage.py, which notes what it is given and runs until `end` is there."""
    (tmp_path / "manage.py").write_text(WORKER)
    settings.BASE_DIR = tmp_path
    settings.TCS_WORKER = "subprocess"
    settings.TCS_WORKER_THREADS = 3
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    yield tmp_path
    (tmp_path / "end").touch()
    for child in launch._children:
        child.wait(30)
    launch.reap_children()


def start_of(worker: Path) -> dict[str, object]:
    """What the program noted when it started."""
    until((worker / "start").exists)
    return json.loads((worker / "start").read_text())


def test_a_request_starts_a_worker_of_its_own_that_has_the_run(worker):
    run = launch.request("full", cast.command_actor())
    run.refresh_from_db()
    assert start_of(worker) == {
        "arguments": ["index_worker", "--low-priority", "--run", str(run.pk)],
        "threads": "3",
        "alone": True,
        "counts searches": False,
    }
    (child,) = launch._children
    assert Owner.from_text(run.owner).pid == child.pid


def test_workers_that_have_ended_are_forgotten_and_others_stay(worker):
    launch.request("full", cast.command_actor())
    launch.reap_children()
    (child,) = launch._children
    (worker / "end").touch()
    child.wait(30)
    launch.reap_children()
    assert launch._children == []


def test_where_workers_run_on_their_own_a_request_starts_none_and_belongs_to_nobody(worker, settings):
    settings.TCS_WORKER = "external"
    run = launch.request("full", cast.command_actor())
    assert run.owner == ""
    assert launch._children == []


def test_a_worker_that_cannot_be_started_fails_the_run(worker, monkeypatch):
    monkeypatch.setattr(launch.sys, "executable", str(worker / "no-python"))
    run = launch.request("full", cast.command_actor())
    run.refresh_from_db()
    assert (run.state, run.error) == (
        RebuildRun.State.FAILED,
        "The build process could not be started: No such file or directory.",
    )


def version(**fields: object) -> IndexVersion:
    return IndexVersion.objects.create(number=7, state=IndexVersion.State.LIVE, **fields)


def test_a_worker_for_a_map_is_started_and_has_the_map(worker):
    launch.start_worker_for_map(version(map_state="none"))
    assert start_of(worker)["arguments"] == ["index_worker", "--low-priority", "--map", "7"]
    (child,) = launch._children
    assert Owner.from_text(IndexVersion.objects.get().map_owner).pid == child.pid


def test_a_map_that_another_process_took_is_left_to_it(worker):
    seen = version(map_state="none")
    other = Owner("elsewhere", "boot", 1, "1")
    assert IndexVersion.objects.get().assign_map(other)
    launch.start_worker_for_map(seen)
    assert launch._children == []
    assert IndexVersion.objects.get().map_owner == other.as_text()


def test_a_map_whose_worker_cannot_be_started_is_left_for_later(worker, monkeypatch):
    monkeypatch.setattr(launch.sys, "executable", str(worker / "no-python"))
    launch.start_worker_for_map(version(map_state="none"))
    assert IndexVersion.objects.get().map_owner == processes.me().as_text()


def test_the_next_worker_is_started_when_the_last_is_forgotten(worker):
    run = launch.request("full", cast.command_actor())
    start_of(worker)
    (worker / "end").touch()
    launch._children[0].wait(30)
    launch.start_worker_for(run)
    assert len(launch._children) == 1

"""What a process serves follows the state row, and never gets worse than what it has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from indexing import encoders, runs, search
from indexing.encoders.same_model import has_model
from indexing.errors import NoIndexYet, SnapshotInvalid
from indexing.lib import paths, processes
from indexing.lib.messages import message
from indexing.lib.translation import translated
from indexing.models import IndexState, IndexVersion, RebuildRun, ServingProcess
from indexing.serving import live
from indexing.serving.live import Live
from indexing.versions import decisions, free_memory
from indexing.worker import execute
from tests.support import cast
from tests.support.damage import flip_bit
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def rebuild() -> int:
    run = runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk)
    assert run is not None
    assert execute.execute(run).state == RebuildRun.State.DONE
    return run.version_id


def damage(number: int, name: str = "vectors.npy") -> None:
    flip_bit(paths.version_folder(number) / name)


@pytest.fixture
def serving() -> Live:
    """What this process serves: nothing yet."""
    return live.served.get()


@pytest.fixture
def thread(serving) -> Iterator[None]:
    live.start()
    yield
    live.stop()


def test_a_newer_version_of_a_model_that_this_process_has_not_waits_for_its_restart(serving, settings):
    serving.has_model = has_model
    cast.experts(3)
    first = rebuild()
    serving.refresh()
    settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
    encoders.reset()
    second = rebuild()
    settings.TCS_ENCODER = "tests.support.fakes.HashEncoder"
    encoders.reset()
    encoders.loaded()
    serving.refresh()
    assert live.current().number == first
    assert "which is not loaded in this process" in translated(serving.problem)
    restarted = Live()
    restarted.refresh()
    assert restarted.snapshot.number == second
    decisions.roll_back(first, cast.command_actor(), "It finds nobody.")
    settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
    encoders.reset()
    encoders.loaded()
    restarted.refresh()
    assert restarted.snapshot.number == first


def test_before_the_first_version_there_is_no_index_yet(serving):
    serving.refresh()
    with pytest.raises(NoIndexYet):
        live.current()
    with pytest.raises(NoIndexYet):
        live.load_now()


def test_the_live_version_is_served_and_the_next_replaces_it(serving):
    cast.experts(3)
    first = rebuild()
    serving.refresh()
    assert live.current().number == first
    second = rebuild()
    taken_before = live.current()
    serving.refresh()
    assert live.current().number == second
    assert search.search("bread", taken_before).version == first


def test_a_damaged_new_version_is_refused_and_the_old_one_goes_on(serving):
    cast.experts(3)
    first = rebuild()
    serving.refresh()
    second = rebuild()
    damage(second)
    serving.refresh()
    assert live.current().number == first
    assert "vectors.npy" in live.problem()


def test_after_a_restart_the_newest_good_version_is_served(serving):
    cast.experts(3)
    rebuild()
    good = rebuild()
    damage(rebuild(), "vectors.npy")
    shutil.rmtree(paths.version_folder(rebuild()))
    serving.refresh()
    assert live.current().number == good
    assert f"Version {good + 2} is not served" in live.problem()


def test_when_no_version_is_good_the_problem_is_named(serving):
    cast.experts(3)
    damage(rebuild())
    with pytest.raises(SnapshotInvalid, match="vectors.npy"):
        live.load_now()


def test_a_version_that_does_not_fit_into_memory_leaves_the_old_one(serving, monkeypatch):
    cast.experts(3)
    first = rebuild()
    serving.refresh()
    rebuild()

    def too_large(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(live.Snapshot, "open", too_large)
    serving.refresh()
    assert live.current().number == first
    assert "not enough memory" in live.problem()


def test_a_version_larger_than_the_memory_left_is_not_even_opened(serving, monkeypatch):
    """What fails inside Rust or C++ for lack of memory would take the process with it."""
    cast.experts(3)
    first = rebuild()
    serving.refresh()
    rebuild()
    monkeypatch.setattr(free_memory, "room", lambda: 1_000)
    serving.refresh()
    assert live.current().number == first
    assert "not enough memory" in live.problem()


def test_a_version_is_opened_only_where_searches_keep_their_memory(serving, monkeypatch):
    """Who serves nothing yet has none to keep it for."""
    cast.experts(3)
    first = rebuild()
    monkeypatch.setattr(free_memory, "room", lambda: free_memory.RESERVE)
    serving.refresh()
    assert live.current().number == first
    second = rebuild()
    serving.refresh()
    assert live.current().number == first
    assert "not enough memory to open version 2: 105 MB needed, 104 MB free" in live.problem()
    restarted = Live()
    restarted.refresh()
    assert restarted.snapshot is not None
    assert restarted.snapshot.number == second


@pytest.mark.parametrize(("allowed", "left"), [("max", None), ("5000", 4_300)])
def test_the_memory_of_a_container_counts_cached_files_as_free(tmp_path, monkeypatch, allowed, left):
    for name, content in (("max", allowed), ("current", "1000"), ("stat", "anon 700\nfile 300\n")):
        (tmp_path / f"memory.{name}").write_text(content)
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    assert (free_memory.room() == left) is (left is not None)


def test_the_problem_is_over_when_a_good_version_is_published(serving):
    cast.experts(3)
    rebuild()
    serving.refresh()
    damage(rebuild())
    serving.refresh()
    assert live.problem()
    third = rebuild()
    serving.refresh()
    assert live.current().number == third
    assert live.problem() == ""


def test_a_process_finds_the_first_version_by_itself_and_says_what_it_serves(thread):
    cast.experts(3)
    number = rebuild()
    until(lambda: ServingProcess.objects.filter(version_number=number).exists())
    assert live.current().number == number
    live.stop()
    assert not ServingProcess.objects.exists()


def test_a_process_declares_a_run_lost_whose_worker_is_gone(thread):
    run = runs.claim(
        processes.Owner(processes.me().host, processes.boot_id(), processes.me().pid, "0"),
        runs.request("full", cast.command_actor()).pk,
    )
    until(lambda: RebuildRun.objects.get(pk=run.pk).state == RebuildRun.State.CRASHED)
    assert not IndexVersion.objects.exists()
    assert IndexState.read().live_version is None


def test_a_version_that_is_in_the_bucket_only_is_left_to_the_thread_that_downloads(serving, monkeypatch):
    cast.experts(8)
    number = rebuild()
    here: set[int] = set()
    coming = message("Version %(number)s comes.", number=number)
    monkeypatch.setattr(live.bucket, "is_used", lambda: True)
    monkeypatch.setattr(live.bucket, "is_here", lambda version: version.number in here)
    monkeypatch.setattr(live.fetching, "why_not_here", lambda _version: coming)
    live.start()
    try:
        until(lambda: serving.problem == coming)
        assert serving.snapshot is None
        here.add(number)
        until(lambda: serving.snapshot is not None)
        assert serving.snapshot.number == number
    finally:
        live.stop()


@pytest.mark.parametrize("others", [0, 1])
def test_the_thread_looks_once_starts_downloads_and_cleans_up_after_processes_that_are_gone(
    serving, monkeypatch, others
):
    did: list[str] = []
    for module, name in ((live.fetching, "start"), (live.fetching, "stop"), (live.shared_folder, "remove_abandoned")):
        monkeypatch.setattr(module, name, partial(did.append, name))
    long_ago = timezone.now() - timedelta(days=2)
    for number in range(others):
        ServingProcess.objects.create(host="gone", pid=number, process_start="1", seen_at=long_ago)
    assert not live.has_looked()
    live.start()
    until(live.has_looked)
    assert not ServingProcess.objects.filter(host="gone").exists()
    live.stop()
    assert did == ["start", *["remove_abandoned"] * others, "stop"]

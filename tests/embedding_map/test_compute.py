"""Computing maps: monitored, cancelled when no longer needed, and never in the way of a run."""

from __future__ import annotations

import logging
import os

import numpy as np
import pytest
from django.db.models import Model, QuerySet

from experts.samples import generator
from indexing import runs
from indexing.embedding_map import positions
from indexing.embedding_map.layout import compute
from indexing.lib import paths, processes
from indexing.models import IndexVersion, RebuildRun
from indexing.versions import decisions, sweep
from tests.support import cast, forked
from tests.support.version_cast import CAROL
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

MapState = IndexVersion.MapState
COUNT = 60


@pytest.fixture(autouse=True)
def _every_word_is_noted(monkeypatch):
    monkeypatch.setattr(compute, "NOTE_SECONDS", 0.0)


class At:
    """Called like `interrupted`: the nth call does something, and this and all later calls return its result."""

    def __init__(self, nth: int, does) -> None:
        self.nth, self.does, self.asked, self.result = nth, does, 0, False

    def __call__(self) -> bool:
        self.asked += 1
        if self.asked == self.nth:
            self.result = bool(self.does())
        return self.result


def version(number: int) -> IndexVersion:
    return IndexVersion.objects.get(pk=number)


def map_of(number: int) -> np.ndarray:
    return positions.load(paths.map_file(number), version(number).expert_count)


def test_it_says_how_far_it_is_and_is_done():
    cast.published(COUNT)
    heard: list[float | None] = []

    def look() -> bool:
        heard.append(version(1).map_progress)
        return False

    assert compute.compute(1, interrupted=look)
    noted = [share for share in heard if share is not None]
    assert noted == sorted(noted)
    assert 0 <= noted[0] < 0.2
    assert 0.8 < noted[-1] <= 1
    assert (version(1).map_state, version(1).map_progress) == (MapState.DONE, None)
    assert map_of(1).shape == (COUNT, 2)


def test_a_newer_version_cancels_it_at_once_and_gets_its_own():
    cast.published(COUNT)
    newer = At(20, lambda: cast.rebuild() is None)
    assert not compute.compute(1, interrupted=newer)
    assert newer.asked == 20 + 1  # it did not go on: the last question is how it ended
    assert (version(1).map_state, version(1).map_progress) == (MapState.NONE, None)
    assert not paths.map_file(1).exists()
    assert compute.compute(2)
    assert map_of(2).shape == (COUNT, 2)


def test_a_run_that_waits_for_this_process_comes_first():
    cast.published(COUNT)
    asks = At(20, lambda: runs.request("full", cast.command_actor()) is None)
    assert not compute.compute(1, interrupted=asks, needed=runs.waiting)
    assert asks.asked == 20 + 1
    assert runs.claim(processes.me()).state == RebuildRun.State.RUNNING
    assert version(1).map_owner_missing  # should the run publish nothing, it is taken up again


def test_another_worker_takes_over_an_interrupted_map():
    cast.published(COUNT)
    assert not compute.compute(1, interrupted=At(20, lambda: True))
    assert version(1).map_state == MapState.COMPUTING
    assert compute.compute(1)


def test_a_map_starts_from_that_of_another_version_and_passes_damaged_ones_by(caplog):
    cast.published(COUNT)
    assert compute.compute(1)
    cast.published_again()
    assert compute.compute(2)
    first, second = map_of(1), map_of(2)
    assert np.median(np.linalg.norm(second - first, axis=1)) < 0.15 * np.abs(first).max()
    paths.map_file(2).write_bytes(paths.map_file(2).read_bytes()[:-9])
    cast.published_again()
    with caplog.at_level(logging.WARNING):
        assert compute.compute(3)
    assert "version 2 cannot be used" in caplog.text
    assert map_of(3).shape == (COUNT, 2)


def test_a_map_of_another_model_is_only_turned_to(monkeypatch):
    cast.published(COUNT)
    assert compute.compute(1)
    cast.published_again()
    given: list[compute.projection.PreviousMap] = []
    monkeypatch.setattr(compute.projection, "project", lambda *_, previous, advance: given.append(previous))
    for fingerprint, same in (("other", False), (version(2).model_fingerprint, True)):
        IndexVersion.objects.filter(pk=1).update(model_fingerprint=fingerprint)
        IndexVersion.objects.filter(pk=2).update(map_state=MapState.COMPUTING)
        assert not compute.compute(2)  # nothing was written
        assert given.pop().same_model is same


def test_a_version_rolled_back_to_keeps_its_map():
    cast.published(COUNT)
    assert compute.compute(1)
    before = paths.map_file(1).read_bytes()
    cast.published_again()
    decisions.roll_back(1, CAROL, "It finds nobody.")
    assert (version(1).map_state, version(1).map_owner_missing) == (MapState.DONE, False)
    sweep.delete_leftovers()
    assert paths.map_file(1).read_bytes() == before


def test_maps_stay_as_long_as_their_versions(settings):
    settings.TCS_KEEP_VERSIONS = 2
    cast.published(4)
    compute.compute(1)
    for number in (2, 3):
        cast.rebuild()
        compute.compute(number)
    assert version(1).state == IndexVersion.State.DELETED
    assert sorted(path.name for path in paths.map_file(1).parent.iterdir()) == ["000002.npy", "000003.npy"]


def test_a_map_that_does_not_read_back_has_failed(monkeypatch, caplog):
    cast.published(4)
    monkeypatch.setattr(compute.projection, "save", lambda positions, target: target.parent.mkdir(exist_ok=True))
    with caplog.at_level(logging.ERROR):
        assert not compute.compute(1)
    assert version(1).map_state == MapState.FAILED


def test_a_worker_that_waits_for_runs_leaves_its_map_for_the_next_one():
    """For real: the map still takes seconds, and a run that is requested meanwhile starts."""
    generator.load_samples(1_500)
    runs.request("full", cast.command_actor())
    process = forked.start(["index_worker"], os.environ)

    def wait(condition: QuerySet[Model]) -> None:
        until(lambda: process.poll() is not None or condition.exists(), seconds=120)
        assert process.poll() is None

    try:
        wait(IndexVersion.objects.filter(pk=1, map_progress__isnull=False))
        second = RebuildRun.objects.filter(pk=runs.request("tags", cast.command_actor()).pk)
        wait(second.filter(started_at__isnull=False))
        assert version(1).map_state != MapState.DONE
        wait(second.filter(state=RebuildRun.State.DONE))
        wait(IndexVersion.objects.filter(pk=1, map_state=MapState.COMPUTING))
    finally:
        process.end()
    assert version(1).map_state == MapState.COMPUTING  # for whoever comes next
    assert process.wait() == 0

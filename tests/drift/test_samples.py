"""Samples of drift: one of each hour and version, whoever takes it, and what the chart makes of them."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from experts.models import Expert
from indexing.drift import history as drift_history
from indexing.drift import measurement, samples, status
from indexing.drift.history import thinned
from indexing.lib import paths
from indexing.models import DriftSample
from tests.support import cast

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def point(hours: float, drifted: int) -> DriftSample:
    return DriftSample(
        at=NOON + timedelta(hours=hours),
        version=1,
        experts=100,
        version_experts=100,
        added=drifted,
        changed=0,
        removed=0,
    )


def test_few_points_are_all_shown():
    points = [point(hour, hour) for hour in range(8)]
    assert thinned(points, 4) == points
    assert thinned([], 4) == []


def test_of_many_samples_every_peak_and_every_restart_is_kept():
    """Drift rises and falls to nothing every 24 hours, for 90 days."""
    points = [point(hour, hour % 24) for hour in range(90 * 24)]
    shown = thinned(points, 90)
    assert len(shown) <= 180
    assert shown == sorted(shown, key=lambda each: each.at)
    assert sum(each.count == 23 for each in shown) == 90
    assert shown[-1] == points[-1]
    # What follows a peak is lower: the fall is to be seen.
    halves = thinned([point(hour, 24 - hour % 24) for hour in range(90 * 24)], 90)
    assert {each.count for each in halves[1:-1]} == {24, 1}


def test_samples_of_one_moment_are_thinned_too():
    same = [point(0, 1)] * 9
    assert thinned(same, 2)[-1] == same[0]


pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sample_is_taken_once_an_hour_and_version(settings):
    settings.TCS_GATE_MAX_LOST = 1.0
    assert not samples.take(NOON), "nothing is live"
    cast.experts(6)
    cast.rebuild()
    DriftSample.objects.all().delete()
    Expert.objects.get(username="expert-001").delete()
    Expert.objects.filter(username="expert-002").update(bio="Another.")
    assert samples.take(NOON + timedelta(minutes=7))
    assert not samples.take(NOON + timedelta(minutes=59))
    assert samples.take(NOON + timedelta(minutes=60))
    first, second = DriftSample.objects.order_by("at")
    assert (first.hour, second.hour) == (NOON, NOON + timedelta(hours=1))
    found = (first.version, first.experts, first.version_experts, first.added, first.changed, first.removed)
    assert found == (1, 5, 6, 0, 1, 1)


def test_a_worker_takes_a_sample_after_it_has_published():
    cast.experts(5)
    cast.rebuild()
    sample = DriftSample.objects.get()
    assert (sample.version, sample.experts, sample.count) == (1, 5, 0)
    Expert.objects.create(username="new", job_title="Glazier")
    cast.rebuild()
    assert list(DriftSample.objects.order_by("version").values_list("version", "experts", "added")) == [
        (1, 5, 0),
        (2, 6, 0),
    ]


def test_two_measurements_at_once_write_one_row(monkeypatch):
    cast.experts(5)
    cast.rebuild()
    DriftSample.objects.all().delete()
    both = threading.Barrier(2, timeout=30)
    measure = measurement.measure

    def together(version):
        both.wait()  # each has seen that there is none yet
        found = measure(version)
        both.wait()
        return found

    monkeypatch.setattr(samples, "measure", together)
    taken: list[bool] = []

    def one() -> None:
        taken.append(samples.take(NOON))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert taken == [True, True]
    assert DriftSample.objects.count() == 1


def test_the_chart_shows_ninety_days():
    cast.experts(3)
    cast.rebuild()
    now = timezone.now()
    for days in (89, 99, 101):
        DriftSample.objects.create(
            hour=now - timedelta(days=days),
            version=1,
            at=now - timedelta(days=days),
            experts=3,
            version_experts=3,
            added=0,
            changed=0,
            removed=0,
        )
    samples.take(now + timedelta(hours=1))
    shown = drift_history.load(status.latest(), now + timedelta(hours=2))
    assert (now - shown.points[0].at).days == 89


def test_a_version_that_cannot_be_read_gives_no_sample_and_no_error(caplog):
    cast.experts(3)
    cast.rebuild()
    DriftSample.objects.all().delete()
    shutil.rmtree(paths.version_folder(1))
    assert not samples.attempt()
    assert "Could not take a sample of drift" in caplog.text
    assert not DriftSample.objects.exists()


def test_the_history_ends_now_and_marks_published_versions():
    cast.published(4)
    Expert.objects.create(username="new", job_title="Glazier")
    cast.rebuild()
    Expert.objects.create(username="newer", job_title="Glazier")
    history = drift_history.load(status.latest())
    assert [each.added for each in history.points] == [0, 0, 1]
    assert history.points[-1].experts == 6
    assert [each.version_id for each in history.publications] == [1, 2]


def test_the_thread_takes_samples_until_it_is_stopped(monkeypatch):
    monkeypatch.setattr(samples, "LOOK_SECONDS", 0.01)
    seen = threading.Event()
    monkeypatch.setattr(samples, "attempt", lambda: seen.set() or True)
    samples.start()
    try:
        assert seen.wait(20)
    finally:
        samples.stop()
    assert "sampling" not in {thread.name for thread in threading.enumerate()}

"""The alarm on every page of the admin while a server process refuses a version."""

from __future__ import annotations

import pytest

from indexing.lib import processes, pulse
from indexing.models import ServingProcess
from tests.support import cast, version_cast
from tests.support.html_reading import html

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
PROBLEM = "Version 2 is not served: vectors.npy is damaged."


def process(number: int | None, problem: str = "", pid: int = 1) -> None:
    ServingProcess.objects.create(host="web", pid=pid, process_start="1", version_number=number, problem=problem)


@pytest.mark.parametrize("path", [PAGE, "/admin/"])
def test_a_refusal_says_what_is_unaffected_and_how_to_fix_it(viewer, path):
    version_cast.two_versions()
    process(1, PROBLEM)
    page = html(viewer.get(path))
    assert PROBLEM in page
    assert "These servers keep using version 1." in page
    assert "How to fix it: rebuild the index." in page


def test_a_bucket_that_is_away_affects_no_search(viewer):
    version_cast.two_versions()
    process(2, "The bucket s3://tcs cannot be used: it does not answer.")
    page = html(viewer.get(PAGE))
    assert "Some servers cannot get new versions" in page
    assert "it does not answer" in page
    assert "rebuild the index" not in page


def test_a_process_that_serves_nothing_is_reported(viewer):
    version_cast.two_versions()
    process(None, PROBLEM)
    process(2, pid=2)
    page = html(viewer.get(PAGE))
    assert "1 server process has no version to search" in page
    assert "1 server process uses version 2 without problems." in page
    assert "Search is not affected." not in page


@pytest.mark.parametrize("path", [PAGE, "/admin/"])
def test_without_a_problem_there_is_no_alarm(viewer, path):
    version_cast.two_versions()
    process(2)
    assert 'class="alarm"' not in html(viewer.get(path))


def test_without_the_view_permission_there_is_no_alarm(client):
    client.force_login(cast.staff())
    version_cast.two_versions()
    process(1, PROBLEM)
    assert 'class="alarm"' not in html(client.get("/admin/"))


def test_with_the_rebuild_permission_there_is_a_button(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    version_cast.two_versions()
    process(1, PROBLEM)
    assert 'id="alarm-rebuild-button"' in html(client.get(PAGE))


@pytest.mark.parametrize("path", [PAGE, "/admin/"])
def test_background_work_that_has_stopped_is_named_with_its_process(viewer, path):
    version_cast.two_versions()
    process(2)
    ServingProcess.objects.update(stalled=["live", "notifications", "of a newer release"])
    page = html(viewer.get(path))
    assert "Background work of some servers has stopped" in page
    assert "process 1: changing over to new versions, and noticing crashed runs; sending notifications" in page
    assert "of a newer release" in page


def test_a_process_says_itself_that_its_thread_has_stopped(viewer, monkeypatch):
    """The thread that reports may be the one that has stopped; nobody else knows then."""
    version_cast.two_versions()
    monkeypatch.setattr(pulse, "LATE_SECONDS", -1.0)
    live_thread = pulse.Pulse("live")
    live_thread.start()
    try:
        page = html(viewer.get(PAGE))
    finally:
        live_thread.end()
    assert f"process {processes.me().pid}: changing over to new versions" in page

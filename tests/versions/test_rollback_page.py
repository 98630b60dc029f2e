"""Rolling back on the pages, and resuming the schedule afterwards."""

from __future__ import annotations

import pytest

from experts.models import Expert
from indexing import encoders, runs
from indexing.lib import paths
from indexing.models import IndexState
from tests.support import cast, damage, version_cast
from tests.support.html_reading import html
from tests.support.version_cast import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
VERSIONS = f"{PAGE}versions/"
ROLLBACK = f"{VERSIONS}rollback/"
RELEASE = f"{PAGE}release/"
HTMX = {"HX-Request": "true"}


def test_the_page_says_what_it_means_before_it_is_done(publisher):
    version_cast.two_versions()
    Expert.objects.get(username="expert-002").delete()
    page = html(publisher.get(ROLLBACK, {"version": 1}))
    assert "Hides 1 expert added since then; 1 expert is found by their profile as of" in page
    assert "1 expert deactivated or deleted since then will stay hidden" in page
    assert live() == 2


def test_it_needs_a_reason(publisher):
    version_cast.two_versions()
    answer = publisher.post(ROLLBACK, {"version": 1, "reason": ""})
    assert answer.status_code == 409
    assert "Give a reason" in html(answer)
    assert live() == 2


def test_after_it_a_banner_says_that_scheduled_rebuilds_are_paused(publisher):
    version_cast.two_versions()
    encoders.loaded().encoded.clear()
    answer = publisher.post(ROLLBACK, {"version": 1, "reason": "It finds nobody."}, follow=True)
    assert live() == 1
    assert encoders.loaded().encoded == []
    page = html(answer)
    assert "Rolled back: version 1 is live." in page
    assert "<bdi>carol</bdi> rolled back from version 2 to version 1 on" in page
    assert "It finds nobody." in page
    assert 'id="resume-button"' in page


def test_it_is_resumed(publisher):
    version_cast.rolled_back()
    assert "It finds nobody." in html(publisher.get(RELEASE))
    answer = publisher.post(RELEASE, follow=True)
    assert "Scheduled rebuilds were resumed." in html(answer)
    assert "Scheduled rebuilds are paused" not in html(answer)
    assert IndexState.read().schedule_paused_at is None


def test_a_schedule_that_is_not_paused_is_not_resumed(publisher):
    assert "Scheduled rebuilds are not paused." in html(publisher.get(RELEASE))
    assert "Scheduled rebuilds were not paused." in html(publisher.post(RELEASE, headers=HTMX))


def test_during_a_run_it_is_409_and_names_the_run(publisher):
    version_cast.two_versions()
    runs.request("full", cast.command_actor("otto"))
    assert "would undo this" in html(publisher.get(ROLLBACK, {"version": 1}))
    answer = publisher.post(ROLLBACK, {"version": 1, "reason": "Because."}, headers=HTMX)
    assert answer.status_code == 409
    assert "otto" in html(answer)
    assert live() == 2


def test_a_damaged_version_is_refused_before_and_after_confirming(publisher):
    version_cast.two_versions()
    damage.replace(paths.version_folder(1) / "vectors.npy", b"garbage")
    page = html(publisher.get(ROLLBACK, {"version": 1}))
    assert "vectors.npy" in page
    assert "<textarea" not in page
    assert publisher.post(ROLLBACK, {"version": 1, "reason": "Because."}).status_code == 409
    assert live() == 2


def test_the_live_version_is_not_rolled_back_to(publisher):
    version_cast.two_versions()
    assert "Version 2 is live, not kept." in html(publisher.get(ROLLBACK, {"version": 2}))

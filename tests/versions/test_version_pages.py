"""The list of versions and the page of one."""

from __future__ import annotations

import pytest
from django.utils import timezone

from indexing.console.live_page.watcher import read_table_state
from indexing.models import IndexState, IndexVersion
from indexing.versions import decisions
from tests.support import cast, version_cast
from tests.support.html_reading import html
from tests.support.version_cast import CAROL

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
VERSIONS = f"{PAGE}versions/"
ROLLBACK = f"{VERSIONS}rollback/"


def test_the_list_says_what_was_live_when_and_why(publisher):
    version_cast.rolled_back()
    page = html(publisher.get(VERSIONS))
    assert "Rolled back to · <bdi>carol</bdi> · <bdi>It finds nobody.</bdi>" in page
    assert page.count("hash-encoder") == 2
    assert "Scheduled rebuilds are paused" in page
    assert f"{ROLLBACK}?version=2" in page
    assert f"{ROLLBACK}?version=1" not in page


def test_before_the_first_run_it_says_so(viewer):
    assert "No versions yet" in html(viewer.get(VERSIONS))


def test_it_says_which_version_will_be_deleted_next(viewer, settings):
    settings.TCS_KEEP_VERSIONS = 2
    version_cast.two_versions()
    page = html(viewer.get(VERSIONS))
    assert "Version 1 will be deleted when the next version is published." in page
    assert page.count("will be deleted when the next version is published") == 2  # said of all, and in its row
    assert page.rindex("will be deleted when the next") > page.index(f"{VERSIONS}1/")
    cast.rebuild()
    assert IndexVersion.objects.get(pk=1).state == "deleted"


def test_versions_can_be_compared_from_the_second_on(viewer):
    form = 'class="card compare-form"'
    assert form not in html(viewer.get(VERSIONS))
    cast.experts(3)
    cast.rebuild()
    assert form not in html(viewer.get(VERSIONS))
    cast.rebuild()
    assert form in html(viewer.get(VERSIONS))


def test_a_version_has_its_page(viewer):
    version_cast.two_versions()
    page = html(viewer.get(f"{VERSIONS}1/"))
    assert "it can be made live again" in page
    assert "Published automatically" in page
    assert "There was no live version to compare with" in page
    assert viewer.get(f"{VERSIONS}99/").status_code == 404


def test_a_held_version_s_page_decides_too(publisher):
    run = version_cast.held()
    page = html(publisher.get(f"{VERSIONS}2/"))
    assert 'id="publish-button"' in page
    assert f"{PAGE}runs/{run.pk}/" in page
    assert "Search this version" in page


def test_viewers_see_no_rollback_button(viewer):
    version_cast.two_versions()
    assert "Roll back" not in html(viewer.get(VERSIONS))


def test_open_pages_are_updated_after_every_decision():
    """What `look` compares changes with each of them, so the watcher sends the fragments again."""
    run = version_cast.held()
    seen = [read_table_state().state]
    cast.rebuild("tags")  # the held run is no longer the latest
    seen.append(read_table_state().state)
    decisions.discard(run.version_id, CAROL, "A bad import.")
    seen.append(read_table_state().state)
    IndexState.objects.update(schedule_paused_at=timezone.now())
    seen.append(read_table_state().state)
    decisions.resume_schedule(CAROL)
    seen.append(read_table_state().state)
    assert all(before != after for before, after in zip(seen, seen[1:], strict=False))

"""What the pages say after a rollback, and when that ends."""

from __future__ import annotations

import pytest

from experts.models import Expert
from indexing.models import IndexState, Publication, RebuildRun
from indexing.versions import decisions
from tests.support import cast, version_cast
from tests.support.html_reading import html
from tests.support.version_cast import CAROL, live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
BANNER = "rolled back from version 2 to version 1 on"


def run_of(version: int) -> RebuildRun:
    return RebuildRun.objects.get(version=version)


def log_of(version: int) -> list[str]:
    return [line.text for line in run_of(version).lines.all()]


def test_the_banner_ends_when_a_person_rebuilds(viewer):
    version_cast.rolled_back()
    assert BANNER in html(viewer.get(PAGE))
    cast.rebuild()
    assert live() == 3
    page = html(viewer.get(PAGE))
    assert BANNER not in page
    assert "Scheduled rebuilds are paused" not in page
    assert "Scheduled rebuilds are resumed: version 3 replaces version 1, which was rolled back to." in log_of(3)


def test_it_stays_while_a_persons_version_is_held_and_ends_when_it_is_published(viewer):
    version_cast.rolled_back()
    Expert.objects.filter(username__lte="expert-004").delete()
    assert cast.rebuild().state == RebuildRun.State.HELD
    assert BANNER in html(viewer.get(PAGE))
    decisions.approve(3, CAROL, "They left.")
    assert BANNER not in html(viewer.get(PAGE))
    assert IndexState.read().rolled_back_to is None


def test_a_retagging_does_not_end_it(viewer):
    version_cast.rolled_back()
    cast.rebuild("tags")
    assert BANNER in html(viewer.get(PAGE))


def test_a_run_whose_version_was_rolled_back_is_marked_for_good(viewer):
    version_cast.rolled_back()
    assert "rolled back to version 1" in html(viewer.get(PAGE))
    page = html(viewer.get(f"{PAGE}runs/{run_of(2).pk}/"))
    assert "It was rolled back to version 1 on" in page
    assert "It finds nobody." in page
    assert "Rolled back by carol: version 1 is live instead (It finds nobody)." in log_of(2)
    cast.rebuild()
    assert set(Publication.objects.rollbacks_of([1, 2, 3])) == {2}
    assert "rolled back" not in html(viewer.get(f"{PAGE}runs/{run_of(1).pk}/"))


def test_going_forward_again_marks_nobody(viewer):
    version_cast.rolled_back()
    decisions.roll_back(2, CAROL, "It was not that.")
    assert Publication.objects.rollbacks_of([1, 2]) == {}
    assert "Version 2 is live again, by carol." in log_of(2)


def test_a_discarded_version_makes_its_run_discarded_everywhere(viewer):
    run = version_cast.held()
    decisions.discard(2, CAROL, "A bad import.")
    for path in (PAGE, f"{PAGE}runs/{run.pk}/"):
        page = html(viewer.get(path))
        assert "badge-discarded" in page
        assert "cancelled" not in page
    api = viewer.get(f"/api/admin/ingest/runs/{run.pk}").json()
    assert (api["state"], api["status"]) == ("discarded", "error")
    assert 'tcs_runs{kind="full",state="discarded"} 1.0' in html(viewer.get("/metrics"))


def test_every_run_offers_what_can_be_done_with_it(publisher):
    version_cast.two_versions()
    cast.rebuild("tags")
    first, second = (html(publisher.get(f"{PAGE}runs/{run_of(number).pk}/")) for number in (1, 2))
    assert "versions/rollback/?version=1" in first
    assert "versions/rollback/" not in second, "it is live"
    assert "versions/compare/?from=1&amp;to=2" in second
    tags = html(publisher.get(f"{PAGE}runs/{RebuildRun.objects.get(kind='tags').pk}/"))
    assert "versions/rollback/" not in tags


def test_run_again_repeats_the_kind_and_the_choice(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    for kind, reembed, address in (
        ("full", False, "/admin/index/rebuild/"),
        ("full", True, "/admin/index/rebuild/?reembed=1"),
        ("tags", False, "/admin/index/retag/"),
    ):
        run = RebuildRun.objects.create(kind=kind, state="done", reembed=reembed)
        assert f'id="again-link" href="{address}"' in html(client.get(f"{PAGE}runs/{run.pk}/"))
    assert 'value="1" checked' in html(client.get("/admin/index/rebuild/?reembed=1"))
    assert 'value="1" checked' not in html(client.get("/admin/index/rebuild/"))

"""The preview of a rebuild: computed on request, and nothing is changed."""

from __future__ import annotations

from collections import namedtuple

import pytest

from experts.models import Expert
from experts.profiles.records import FIELDS
from indexing import drift
from indexing.console.changes import FIELD_NAMES
from indexing.models import RebuildRun
from tests.support import cast
from tests.support.html_reading import html

pytestmark = pytest.mark.django_db(transaction=True)

PLAN = "/admin/index/plan/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


def figure(page: str, name: str) -> str:
    return page.partition(f"<dt>{name}</dt>")[2].partition("<dd>")[2].partition("</dd>")[0].strip()


def test_the_index_page_links_to_it_without_computing_it(viewer, monkeypatch):
    monkeypatch.setattr(drift, "plan_rebuild", lambda *_args, **_kwargs: pytest.fail("nobody requested it"))
    page = html(viewer.get("/admin/index/"))
    assert f'href="{PLAN}" hx-get="{PLAN}"' in page


def test_it_says_what_would_change_and_in_which_fields(viewer):
    cast.published(10)
    Expert.objects.get(username="expert-001").delete()
    Expert.objects.filter(username="expert-002").update(bio="Something else.", currency="CHF")
    Expert.objects.filter(username="expert-003").update(currency="CHF")
    Expert.objects.create(username="new", job_title="Glazier")
    page = html(viewer.get(PLAN, headers=HTMX))
    assert "compared with version 1" in page
    figures = {
        name: figure(page, name) for name in ("Experts", "New", "Changed", "Removed", "To process", "To reuse")
    }
    assert list(figures.values()) == ["10", "1", "2", "1", "2", "8"]
    assert "bio <strong>1</strong>, currency <strong>2</strong>" in page
    assert "free" in page
    assert "about" in figure(page, "Time")
    assert RebuildRun.objects.count() == 1


def test_htmx_gets_the_panel_and_a_browser_the_page(viewer):
    cast.published(3)
    assert "<html" not in html(viewer.get(PLAN, headers=HTMX))
    assert "<html" in html(viewer.get(PLAN))


def test_without_a_version_everything_is_new_and_there_is_no_estimate(viewer):
    cast.experts(3)
    page = html(viewer.get(PLAN))
    assert "everything is new" in page
    assert figure(page, "New") == "3"
    assert "No estimate yet" in figure(page, "Time")


def test_too_little_disk_space_is_marked(viewer, monkeypatch):
    cast.published(3)
    monkeypatch.setattr("indexing.drift.plan.shutil.disk_usage", lambda _path: namedtuple("Usage", "free")(10))
    assert '<dd class="attention">' in html(viewer.get(PLAN))


def test_every_field_has_its_name():
    assert FIELD_NAMES.keys() == FIELDS.keys()


def test_without_the_view_permission_it_is_not_shown(client):
    client.force_login(cast.staff())
    assert client.get(PLAN).status_code == 403

"""The way to the index and back: the admin's front page, its sidebar, the search page."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from indexing.models import IndexState, IndexVersion, RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db


def sidebar(page: str) -> str:
    return page.partition('id="nav-sidebar"')[2].partition("</nav>")[0]


def test_the_front_page_shows_the_state_of_the_index(client):
    client.force_login(cast.staff("indexing.view", "experts.view_expert"))
    page = client.get("/admin/").content.decode()
    assert "No version is live yet." in page
    assert "never built" in page

    version = IndexVersion.objects.create(number=42, state="live", expert_count=1500)
    IndexState.objects.update(live_version=version)
    run = RebuildRun.objects.create(
        state="failed", error="No.", started_at=timezone.now(), finished_at=timezone.now()
    )
    page = client.get("/admin/").content.decode()
    assert "Version 42 is live with 1,500 experts." in page
    assert re.search(rf"Last run: {run.pk}, failed, <time [^>]+>now</time>\.", page)
    assert page.index('id="index-module"') < page.index('class="app-experts')


def test_the_front_page_hides_the_index_from_others(client):
    client.force_login(cast.staff("experts.view_expert"))
    page = client.get("/admin/").content.decode()
    assert "index-module" not in page
    client.force_login(cast.staff("indexing.view", "experts.view_expert", username="vi"))
    assert "index-module" not in client.get("/admin/experts/").content.decode(), "an app's own page has other things"
    assert "/admin/index/" not in page


def test_the_sidebar_links_to_the_index_for_those_who_may_see_it(client):
    client.force_login(cast.staff("indexing.view", "experts.view_expert"))
    everywhere = sidebar(client.get("/admin/experts/expert/").content.decode())
    assert re.search(r'<a href="/admin/index/" class="section">\s*Search index\s*</a>', everywhere)
    assert '<a href="/">' in everywhere
    assert 'aria-current="page"' in sidebar(client.get("/admin/index/").content.decode())


def test_the_sidebar_hides_the_index_from_others(client):
    client.force_login(cast.staff("experts.view_expert"))
    shown = sidebar(client.get("/admin/experts/expert/").content.decode())
    assert shown
    assert "Search index" not in shown


def test_there_is_one_section_for_the_index_even_for_a_superuser(client):
    client.force_login(cast.staff(superuser=True))
    for page in ("/admin/index/", "/admin/experts/expert/"):
        assert len(re.findall(r"Search index\s*</a>", sidebar(client.get(page).content.decode()))) == 1


def test_the_directory_comes_before_accounts_and_sign_ins(client):
    client.force_login(cast.staff(superuser=True))
    page = client.get("/admin/").content.decode()
    places = [page.index(f'class="app-{label} module') for label in ("experts", "indexing", "auth", "axes")]
    assert places == sorted(places)
    assert "Sign-ins" in page
    assert "Axes" not in page


def test_admin_pages_link_to_the_search_and_back(client):
    client.force_login(cast.staff("indexing.view"))
    for page in ("/admin/", "/admin/index/"):
        assert '<a href="/">Search experts</a>' in client.get(page).content.decode()
    search = client.get("/").content.decode()
    assert 'href="/admin/"' in search
    assert 'href="/admin/index/"' in search


def test_the_search_page_hides_the_index_from_those_who_may_not_see_it(client):
    client.force_login(cast.staff())
    assert "/admin/index/" not in client.get("/").content.decode()

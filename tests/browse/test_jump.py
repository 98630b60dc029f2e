"""Jumping to an expert, a shortlist or a page by the beginning of its name."""

from __future__ import annotations

import re

import pytest

from experts.models import Expert, Shortlist
from tests.support import cast
from tests.support.html_reading import html_without_bdi

pytestmark = pytest.mark.django_db


def places(client, typed: str, **headers: str) -> list[str]:
    """The addresses of the places on the page."""
    page = html_without_bdi(client.get("/jump/", {"q": typed}, headers=headers))
    return re.findall(r'href="([^"]*)"', page.partition('<ul class="places">')[2].partition("</ul>")[0])


@pytest.fixture
def olga(client):
    user = cast.searcher("olga")
    client.force_login(user)
    return user


def test_experts_by_name_and_the_search_for_what_was_typed(client, olga):
    cast.experts(3)
    Expert.objects.filter(username="expert-002").deactivate()
    assert places(client, "erin n") == ["/experts/expert-001/", "/experts/expert-003/", "/?q=erin%20n"]
    assert places(client, "\0 <b>")[-1] == "/?q=%3Cb%3E"


def test_lists_of_their_own_and_shared_ones(client, olga):
    ben = cast.searcher("ben")
    own = Shortlist.objects.create(owner=olga, name="Öffentliche Hand")
    shared = Shortlist.objects.create(owner=ben, name="Offshore")
    Shortlist.objects.create(owner=ben, name="Offices")
    shared.readers.add(olga)
    assert set(places(client, "of")[:-1]) == {own.get_absolute_url(), shared.get_absolute_url()}


def test_pages_are_those_that_they_may_see(client, olga):
    assert places(client, "") == ["/", "/experts/", "/shortlists/"]
    client.force_login(cast.staff("indexing.view"))
    assert "/admin/index/map/" in places(client, "")


def test_every_page_leads_there_and_the_dialog_gets_the_places_alone(client, olga):
    assert 'class="jump-link" href="/jump/"' in html_without_bdi(client.get("/shortlists/"))
    part = html_without_bdi(client.get("/jump/", {"q": "br"}, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert 'href="/experts/"' in part

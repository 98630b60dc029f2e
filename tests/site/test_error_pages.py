"""Error pages and empty lists say what happened, what is not affected, and what to do."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Q
from django.test import Client

from experts.models import Expert, Tag
from indexing.runs import status
from tests.support import cast

pytestmark = pytest.mark.django_db


def signed_in() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(cast.staff(username="root", superuser=True))
    return client


@pytest.mark.parametrize("client", [Client(), None])
def test_the_page_not_found_links_to_the_search(client):
    answer = (client or signed_in()).get("/nothing")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "Page not found" in page
    assert 'href="/"' in page


FOUND = ["/", "/experts/", "/shortlists/"]


@pytest.mark.parametrize(
    ("user", "links"),
    [
        (lambda: cast.staff("indexing.view"), [*FOUND, "/admin/", "/admin/index/"]),
        (cast.searcher, FOUND),
        (cast.visitor, []),
        (lambda: None, []),
    ],
    ids=["staff", "searcher", "without rights", "nobody"],
)
def test_where_a_page_is_missing_the_others_are_linked(user, links):
    client, person = Client(), user()
    if person:
        client.force_login(person)
    nav = re.search('<nav class="wide-nav".*?</nav>', client.get("/nothing").content.decode(), re.DOTALL)
    assert nav
    assert re.findall('href="(.*?)"', nav[0]) == links


def test_a_page_that_fails_says_that_search_keeps_working(monkeypatch):
    def fail() -> None:
        raise KeyError("oops")

    client = signed_in()
    monkeypatch.setattr(status, "current_status", fail)
    answer = client.get("/admin/index/")
    assert answer.status_code == 500
    assert "search keeps working" in answer.content.decode()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such limits")
def test_a_statement_that_is_too_large_is_not_a_database_that_is_away(monkeypatch):
    words = [Q(bio__contains=f"{number}") for number in range(2_000)]
    monkeypatch.setattr(status, "current_status", lambda: Expert.objects.filter(*words).exists())
    answer = signed_in().get("/admin/index/")
    assert answer.status_code == 400
    assert "did not understand the request" in answer.content.decode()


def test_the_page_after_too_many_failures_says_how_long_to_wait_and_who_is_not_affected():
    for _ in range(settings.TCS_LOGIN_ATTEMPTS + 1):
        answer = Client().post("/admin/login/", {"username": "guessed", "password": "wrong"})
    assert answer.status_code == 429
    page = answer.content.decode()
    assert re.search(r"Try again in \d seconds?", page)
    assert "Nobody who is signed in is affected" in page


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("experts/expert", "Import a file"),
        ("experts/tag", "Add a tag with a description"),
        ("indexing/apitoken", "/api/admin/auth"),
        ("indexing/notification", "No notifications sent yet"),
        ("auth/group", "There is nothing here yet"),
    ],
)
def test_an_empty_list_says_how_to_fill_it(path, words):
    client = signed_in()
    Tag.objects.all().delete()
    Group.objects.all().delete()
    assert words in client.get(f"/admin/{path}/").content.decode()


def test_a_list_search_without_results_links_to_the_whole_list():
    page = signed_in().get("/admin/experts/expert/?q=zzqqxx").content.decode()
    assert "Nothing matches" in page
    assert '<a href="?">Show everything</a>' in page

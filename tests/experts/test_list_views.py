"""The list of experts: its columns, its order, and views that are saved."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from experts.admin.columns import COLUMNS, DEFAULT
from experts.models import ChosenColumns, Expert, ExpertTag, SavedView, Tag
from tests.support import cast

pytestmark = pytest.mark.django_db

LIST = "/admin/experts/expert/"
SEES = "experts.view_expert"
QUERY = "category=Art&o=-rate&q=sing"


@pytest.fixture
def people() -> None:
    Expert.objects.create(username="ann", last_name="Ash", category="Art", bio="Sings", hourly_rate=80, city="Oslo")
    Expert.objects.create(username="ben", last_name="Birk", category="Art", bio="Sings", hourly_rate=120)
    Expert.objects.create(username="cid", last_name="Cole", category="Law", bio="Sings", hourly_rate=90)


def of(username: str, *permissions: str) -> Client:
    client = Client()
    client.force_login(cast.staff(*permissions, username=username))
    return client


@pytest.fixture
def rita(people: None) -> Client:
    return of("rita", SEES)


def columns(page: Any) -> list[str]:
    return [column for column in page.context["cl"].list_display if column != "action_checkbox"]


def names(page: Any) -> list[str]:
    return [expert.username for expert in page.context["cl"].result_list]


def save(client: Client, name: str = "Singers", query: str = QUERY, **more: Any) -> SavedView:
    shown = {"column": ["job_title_shown", "rate"], "name": name, "query": query} | more
    assert client.post(f"{LIST}views/", shown).status_code == 302
    return SavedView.objects.get(name=name)


def test_the_list_begins_with_photo_or_initials_name_and_username(rita: Client) -> None:
    page = rita.get(LIST)
    assert columns(page) == list(DEFAULT)
    html = page.content.decode()
    assert "<span>A</span>" in html
    assert "<small>ann</small>" in html


def test_every_column_sorts_in_both_directions(people: None) -> None:
    root = Client()
    root.force_login(cast.staff(username="root", superuser=True))
    root.post(f"{LIST}columns/", {"column": COLUMNS})
    ExpertTag.objects.create(expert=Expert.objects.get(username="ben"), tag=Tag.objects.all()[0])
    for column in COLUMNS:
        up, down = (names(root.get(LIST, {"o": order})) for order in (column, f"-{column}"))
        assert sorted(up) == sorted(down) == ["ann", "ben", "cid"], column
    assert names(root.get(LIST, {"o": "category.-rate"})) == ["ben", "ann", "cid"]
    assert names(root.get(LIST, {"o": "-rate"})) == ["ben", "cid", "ann"]


def test_the_columns_that_somebody_chose_are_theirs_alone_and_stay(rita: Client) -> None:
    answer = rita.post(f"{LIST}columns/", {"column": ["city", "location_shown", "changed_shown"], "query": QUERY})
    assert answer.url == f"{LIST}?{QUERY}"
    page = rita.get(LIST)
    assert columns(page) == ["name", "location_shown", "changed_shown"]
    assert "Oslo" in page.content.decode()
    assert columns(of("sam", SEES).get(LIST)) == list(DEFAULT)
    rita.post(f"{LIST}columns/", {"usual": "1"})
    assert columns(rita.get(LIST)) == list(DEFAULT)


def test_the_columns_stand_in_the_order_that_somebody_chose(rita: Client) -> None:
    shown = ["job_title_shown", "rate", "location_shown"]
    answer = rita.post(f"{LIST}columns/", {"column": shown, "up": "location_shown", "query": QUERY})
    assert answer.url == f"{LIST}?{QUERY}#column-location_shown"
    page = rita.get(LIST)
    moved = ["job_title_shown", "location_shown", "rate"]
    assert columns(page) == ["name", *moved]
    offered = [column for column, _label, _shown in page.context["list_columns"]]
    assert (offered[:3], sorted(offered)) == (moved, sorted({*COLUMNS} - {"name", "email", "phone"}))
    assert re.findall(r'name="up" value="(\w+)"', page.content.decode()) == moved[1:]
    view = save(rita, column=page.context["shown_columns"])
    rita.post(f"{LIST}columns/", {"usual": "1"})
    assert columns(rita.get(view.address)) == ["name", *moved]


def test_the_name_stays_first_and_only_what_is_shown_moves(rita: Client) -> None:
    for up in ("rate", "name", "company_shown", "nothing"):
        rita.post(f"{LIST}columns/", {"column": ["rate", "name", "rate", "job_title_shown"], "up": up})
        assert columns(rita.get(LIST)) == ["name", "rate", "job_title_shown"]


def test_a_link_keeps_its_order_when_other_columns_are_chosen(rita: Client) -> None:
    header = next(each for each in rita.get(LIST).context["cl"].list_display if each == "rate")
    link = rita.get(LIST, {"o": f"-{header}"}).context["cl"].get_query_string({"o": "5"})
    assert link == "?o=rate"
    rita.post(f"{LIST}columns/", {"column": ["company_shown", "rate"]})
    assert names(rita.get(LIST + link)) == ["ann", "cid", "ben"]


def test_contacts_cannot_be_shown_as_columns_to_those_who_must_not_see_them(rita: Client) -> None:
    Expert.objects.update(email="secret@example.com")
    rita.post(f"{LIST}columns/", {"column": ["email", "phone"]})
    page = rita.get(LIST)
    assert columns(page) == ["name"]
    assert 'value="email"' not in page.content.decode()
    assert "secret@" not in page.content.decode()
    sam = of("sam", SEES, "experts.view_contact")
    sam.post(f"{LIST}columns/", {"column": ["email"]})
    assert "secret@" in sam.get(LIST).content.decode()
    view = save(sam, query="o=email", column=["email", "rate"], is_shared="on")
    assert "secret@" in sam.get(view.address).content.decode()
    page = rita.get(view.address)
    assert columns(page) == ["name", "rate"]
    assert "secret@" not in page.content.decode()
    User.objects.get(username="sam").user_permissions.remove(Permission.objects.get(codename="view_contact"))
    assert columns(sam.get(LIST)) == ["name"]
    assert "secret@" not in sam.get(LIST).content.decode()


def test_no_order_tells_of_contacts_that_somebody_must_not_see(rita: Client) -> None:
    for username, email in (("ann", "m@example.com"), ("ben", "z@example.com"), ("cid", "a@example.com")):
        Expert.objects.filter(username=username).update(email=email)
    usual = names(rita.get(LIST))
    assert [names(rita.get(LIST, {"o": order})) for order in ("email", "-email")] == [usual] * 2


def test_no_filter_in_the_address_tells_of_contacts_that_somebody_must_not_see(rita: Client) -> None:
    Expert.objects.filter(username="ann").update(email="ann@example.com", phone="0201234567")
    sam = of("sam", SEES, "experts.view_contact")
    for wanted in ({"email__startswith": "ann"}, {"phone__contains": "123"}, {"email": "ann@example.com"}):
        assert names(sam.get(LIST, wanted)) == ["ann"], wanted
        assert rita.get(LIST, wanted).status_code == 400, wanted
    for around in ("expert_tags__expert__email", "tags__experts__email__gt", "former_usernames__expert__phone"):
        assert rita.get(LIST, {around: "a"}).status_code == 400, around
    assert names(rita.get(LIST, {"username__startswith": "an"})) == ["ann"]


def test_a_saved_view_opens_with_its_search_filter_order_and_columns(rita: Client) -> None:
    view = save(rita, query=f"?p=3&all=&{QUERY}&view=99&_popup=1")
    assert view.query == QUERY
    page = rita.get(view.get_absolute_url(), follow=True)
    assert page.redirect_chain[-1][0] == view.address
    assert names(page) == ["ben", "ann"]
    assert columns(page) == ["name", "job_title_shown", "rate"]
    assert "Singers" in page.content.decode()
    narrowed = rita.get(page.request["PATH_INFO"] + page.context["cl"].get_query_string({"q": "ash"}))
    assert columns(narrowed) == ["name", "job_title_shown", "rate"]
    save(rita, query="")  # replaces it
    assert names(rita.get(view.get_absolute_url(), follow=True)) == ["ann", "ben", "cid"]


def test_a_view_is_seen_by_others_only_if_it_is_shared(rita: Client) -> None:
    view, sam = save(rita), of("sam", SEES)
    assert sam.get(view.get_absolute_url()).status_code == 404
    assert sam.get(view.address).context["opened_view"] is None
    assert columns(sam.get(view.address)) == list(DEFAULT)
    save(rita, is_shared="on")
    assert names(sam.get(view.get_absolute_url(), follow=True)) == ["ben", "ann"]
    assert "shared by rita" in sam.get(LIST).content.decode()


def test_a_view_is_deleted_by_its_owner_or_by_a_superuser_if_it_is_shared(rita: Client) -> None:
    view, sam = save(rita, is_shared="on"), of("sam", SEES)
    assert sam.post(f"{view.get_absolute_url()}delete/").status_code == 403
    assert rita.post(f"{view.get_absolute_url()}delete/").status_code == 302
    assert not SavedView.objects.exists()
    assert LogEntry.objects.filter(content_type__model="savedview").count() == 2
    root = Client()
    root.force_login(cast.staff(username="root", superuser=True))
    mine = save(rita)
    assert root.post(f"{mine.get_absolute_url()}delete/").status_code == 404
    mine = save(rita, is_shared="on")
    assert root.post(f"{mine.get_absolute_url()}delete/").status_code == 302


def test_a_view_needs_a_name_and_filters_that_fit(rita: Client) -> None:
    for wrong in (
        {"name": " "},
        {"name": "x" * 61},
        {"name": "y", "query": "category=" + "x" * 3_000},
        {"name": "\0"},
    ):
        page = rita.post(f"{LIST}views/", {"column": ["rate"], "query": ""} | wrong, follow=True)
        assert [message.level_tag for message in page.context["messages"]] == ["error"], wrong
    assert not SavedView.objects.exists()


def test_shared_views_outlive_their_owner(rita: Client) -> None:
    shared = save(rita, "Team", is_shared="on")
    save(rita, "Mine")
    rita.post(f"{LIST}columns/", {"column": ["rate"]})
    User.objects.get(username="rita").delete()
    assert list(SavedView.objects.all()) == [shared]
    assert not ChosenColumns.objects.exists()
    assert "Team" in of("sam", SEES).get(LIST).content.decode()

"""Shortlists: the star, what an owner does with a list, and what others see of it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from experts.models import Expert, Shortlist, ShortlistLink
from experts.shortlists import changes
from indexing import audit
from tests.support import cast
from tests.support.html_reading import html, html_without_bdi

HTMX = {"HX-Request": "true"}


@pytest.fixture
def people(db) -> list[Expert]:
    made = cast.experts(4)
    Expert.objects.filter(pk=made[0].pk).update(email="erin@example.org", hourly_rate="87.50", currency="EUR")
    return made


@pytest.fixture
def owner(client, db) -> Client:
    client.force_login(cast.searcher("olga"))
    return client


def starred(client: Client, people: list[Expert]) -> Shortlist:
    for each in people:
        assert client.post("/shortlists/star/", {"expert": each.pk}).status_code == 302
    return Shortlist.objects.get()


def change(client: Client, shortlist: Shortlist, do: str, **more: Any) -> Any:
    return client.post(f"/shortlists/{shortlist.pk}/change/", {"do": do} | more, follow=True)


def order(shortlist: Shortlist) -> list[str]:
    return [entry.expert.username[-1] for entry in shortlist.entries.select_related("expert")]


def as_another(*permissions: str, username: str = "ben") -> Client:
    client = Client()
    user = cast.searcher(username)
    codenames = [name.partition(".")[2] for name in permissions]
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


class TestStar:
    def test_it_adds_and_removes_and_makes_the_first_list(self, owner, people):
        answer = owner.post("/shortlists/star/", {"expert": people[0].pk}, headers=HTMX)
        assert 'aria-pressed="true"' in html(answer)
        shortlist = Shortlist.objects.get()
        assert (str(shortlist), order(shortlist)) == ("My shortlist", ["1"])
        assert 'aria-pressed="true"' in html(owner.get("/experts/expert-001/"))
        answer = owner.post("/shortlists/star/", {"expert": people[0].pk}, headers=HTMX)
        assert 'aria-pressed="false"' in html(answer)
        assert order(shortlist) == []

    def test_without_htmx_it_leads_back_but_never_elsewhere(self, owner, people):
        sent = {"expert": people[0].pk}
        here = "http://testserver/?q=wine"
        assert owner.post("/shortlists/star/", sent, headers={"Referer": here}).url == here
        away = owner.post("/shortlists/star/", sent, headers={"Referer": "https://evil.example/"})
        assert away.url == "/experts/expert-001/"

    def test_it_adds_to_the_list_that_changed_last(self, owner, people):
        starred(owner, people[:1])
        owner.post("/shortlists/", {"name": "  Tax \0 team "})
        owner.post("/shortlists/star/", {"expert": people[1].pk})
        assert {str(each): order(each) for each in Shortlist.objects.all()} == {
            "Tax team": ["2"],
            "My shortlist": ["1"],
        }

    def test_nobody_inactive_or_unknown_is_added_and_lists_have_an_end(self, owner, people, monkeypatch):
        Expert.objects.filter(pk=people[0].pk).update(is_active=False)
        for unknown in (people[0].pk, 99999, "x"):
            assert owner.post("/shortlists/star/", {"expert": unknown}).status_code == 404
        monkeypatch.setattr(changes, "MOST_ENTRIES", 1)
        assert order(starred(owner, people[1:3])) == ["2"]


class TestOwnList:
    def test_order_notes_and_removal(self, owner, people):
        shortlist = starred(owner, people[:3])
        first, second, third = shortlist.entries.all()
        change(owner, shortlist, "up", entry=third.pk)
        assert order(shortlist) == ["1", "3", "2"]
        change(owner, shortlist, "down", entry=second.pk)
        assert order(shortlist) == ["1", "3", "2"], "at the end already"
        page = html(change(owner, shortlist, "note", entry=first.pk, note="Rings <b>twice</b>\r\nSpeaks Dutch"))
        assert "Rings &lt;b&gt;twice&lt;/b&gt;" in page
        change(owner, shortlist, "remove", entry=third.pk)
        assert order(shortlist) == ["1", "2"]
        assert "<h1>Welders" in html_without_bdi(change(owner, shortlist, "rename", name="Welders"))
        assert change(owner, shortlist, "nonsense").status_code == 404
        assert owner.get(f"/shortlists/{shortlist.pk}/delete/").status_code == 200
        change(owner, shortlist, "delete")
        assert not Shortlist.objects.exists()

    @pytest.mark.parametrize(
        ("city", "rate", "shown"),
        [
            ("", "95.5", "95.50 EUR per hour"),
            ("Utrecht", "95.5", "Utrecht · 95.50 EUR per hour"),
            ("Utrecht", None, "Utrecht"),
        ],
    )
    def test_place_and_rate_are_parted_only_where_both_are_known(self, owner, people, city, rate, shown):
        shortlist = starred(owner, people[:1])
        Expert.objects.filter(pk=people[0].pk).update(city=city, hourly_rate=rate, currency="EUR" if rate else "")
        page = html_without_bdi(owner.get(shortlist.get_absolute_url()))
        assert f'<p class="quiet"> {shown} </p>' in " ".join(page.split())

    def test_hidden_and_deleted_people_are_shown_as_such(self, owner, people):
        shortlist = starred(owner, people[:3])
        Expert.objects.filter(pk=people[0].pk).update(is_active=False)
        people[1].delete()
        page = html_without_bdi(owner.get(shortlist.get_absolute_url()))
        assert 'Erin Number001 <span class="quiet">inactive' in page
        assert "Deleted person" in page
        assert "Number002" not in page
        assert 'href="/experts/expert-003/"' in page
        assert 'href="/experts/expert-001/"' not in page

    def test_entries_and_links_of_another_list_are_neither_changed_nor_shown(self, owner, people):
        shortlist = starred(owner, people[:2])
        others = Shortlist.objects.create(owner=cast.searcher("ben"), name="Secret")
        entry = others.entries.create(expert=people[2], position=7, note="Cheap")
        link = others.links.create(expires_at=timezone.now() + timedelta(days=1))
        for do in ("note", "remove", "up", "down"):
            assert change(owner, shortlist, do, entry=entry.pk, note="Mine").status_code == 404, do
        change(owner, shortlist, "unlink", link=link.pk)
        assert (list(others.links.all()), list(others.entries.values_list("position", "note"))) == (
            [link],
            [(7, "Cheap")],
        )
        chosen = [entry.pk, *shortlist.entries.values_list("pk", flat=True)]
        page = html_without_bdi(owner.get(f"/shortlists/{shortlist.pk}/compare/", {"expert": chosen}))
        assert page.count("<section") == 2
        assert "Number003" not in page

    def test_there_is_an_end_to_lists_links_and_columns(self, owner, people, monkeypatch):
        monkeypatch.setattr(changes, "MOST_LISTS", 1)
        monkeypatch.setattr(changes, "MOST_LINKS", 1)
        shortlist = starred(owner, [*people, Expert.objects.create(username="fifth")])
        assert "as many shortlists as possible" in html(owner.post("/shortlists/", {"name": "Second"}))
        assert Shortlist.objects.count() == 1
        change(owner, shortlist, "link", days=1)
        assert "as many links as possible" in html(change(owner, shortlist, "link", days=1))
        ShortlistLink.objects.update(expires_at=timezone.now())
        change(owner, shortlist, "link", days=30)
        days = (ShortlistLink.objects.get().expires_at - timezone.now()) / timedelta(days=1)
        assert 29 < days <= 30
        chosen = list(shortlist.entries.values_list("pk", flat=True))
        page = html_without_bdi(owner.get(f"/shortlists/{shortlist.pk}/compare/", {"expert": chosen}))
        assert page.count("<section") == 4

    def test_side_by_side(self, owner, people):
        shortlist = starred(owner, people)
        chosen = [entry.pk for entry in shortlist.entries.all()[:2]]
        page = html_without_bdi(owner.get(f"/shortlists/{shortlist.pk}/compare/", {"expert": chosen}))
        assert page.count("<section") == 2
        assert "87.50 EUR per hour" in page
        Expert.objects.filter(pk=people[1].pk).update(is_active=False)
        page = html_without_bdi(owner.get(f"/shortlists/{shortlist.pk}/compare/", {"expert": ["x", *chosen]}))
        assert "Select 2 to 4 people" in page
        assert "Number002" not in page

    def test_the_sheet_has_contacts_only_for_those_who_may_see_them(self, owner, people):
        people[1].first_name = "=1+1"
        people[1].save()
        shortlist = starred(owner, people[:2])
        plain = sheet(owner, shortlist)
        assert plain[1][:2] == ("Erin Number001", "Welder")
        assert plain[2][0].startswith("'=1+1")
        assert "erin@example.org" not in str(plain)
        reader = as_another("experts.view_contact")
        shortlist.readers.add(*readers("ben"))
        assert "erin@example.org" in str(sheet(reader, shortlist))
        Expert.objects.filter(pk=people[0].pk).update(is_active=False)
        people[1].delete()
        hidden, deleted = sheet(reader, shortlist)[1:]
        assert (hidden[0], deleted[0]) == ("Erin Number001 (inactive)", "deleted")
        assert not any(hidden[1:] + deleted[1:])


def sheet(client: Client, shortlist: Shortlist) -> list[tuple[Any, ...]]:
    answer = client.get(f"/shortlists/{shortlist.pk}/export.xlsx")
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))


def readers(*names: str) -> Any:
    return User.objects.filter(username__in=names)


class TestSharing:
    def test_a_named_colleague_reads_and_changes_nothing(self, owner, people):
        shortlist = starred(owner, people[:1])
        colleague = as_another()
        assert colleague.get(shortlist.get_absolute_url()).status_code == 404
        page = html_without_bdi(change(owner, shortlist, "share", username="BEN"))
        assert "Stop sharing" in page
        page = html_without_bdi(colleague.get(shortlist.get_absolute_url()))
        assert "Shared by olga" in page
        assert "erin@example.org" not in page
        assert "/change/" not in page
        assert f'href="{shortlist.get_absolute_url()}"' in html(colleague.get("/shortlists/"))
        assert change(colleague, shortlist, "delete").status_code == 404
        change(owner, shortlist, "unshare", reader=readers("ben").get().pk)
        assert colleague.get(shortlist.get_absolute_url()).status_code == 404

    @pytest.mark.parametrize("name", ["nobody", "olga", "", "vera"])
    def test_only_somebody_who_may_search_can_be_named(self, owner, people, name):
        cast.visitor("vera")
        shortlist = starred(owner, people[:1])
        assert "Nobody who may search has the username" in html(change(owner, shortlist, "share", username=name))
        assert not shortlist.readers.exists()

    def test_a_link_shows_no_contact_note_or_rate_and_expires(self, owner, people):
        shortlist = starred(owner, people[:2])
        change(owner, shortlist, "note", entry=shortlist.entries.first().pk, note="Too dear")
        Expert.objects.filter(pk=people[1].pk).update(is_active=False)
        change(owner, shortlist, "link", days=7)
        link = ShortlistLink.objects.get()
        address = f"/shared/{changes.token_of(link)}/"
        assert address in html(owner.get(shortlist.get_absolute_url()))
        stranger = Client()
        answer = stranger.get(address)
        assert (answer.headers["X-Robots-Tag"], "no-store" in answer.headers["Cache-Control"]) == (
            "noindex, nofollow",
            True,
        )
        page = html_without_bdi(answer)
        assert "Erin Number001" in page
        assert "1 person on this list is not available any more." in page
        for hidden in ("erin@example.org", "87.5", "Too dear", "Number002", "/experts/", "olga"):
            assert hidden not in page, hidden
        assert stranger.get(f"/shared/{changes.token_of(link)[:-1]}/").status_code == 404
        ShortlistLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert "This link does not work any more" in html(stranger.get(address))

    def test_a_link_ends_when_it_is_removed_or_its_owner_leaves(self, owner, people):
        shortlist = starred(owner, people[:1])
        change(owner, shortlist, "link", days=1)
        token = changes.token_of(ShortlistLink.objects.get())
        readers("olga").update(is_active=False)
        assert changes.link_of(token) is None
        readers("olga").update(is_active=True)
        assert changes.link_of(token) is not None
        change(owner, shortlist, "unlink", link=ShortlistLink.objects.get().pk)
        assert changes.link_of(token) is None
        assert change(owner, shortlist, "link", days=999).status_code == 404

    def test_a_link_shows_nothing_while_its_owner_may_not_search(self, owner, people):
        shortlist = starred(owner, people[:1])
        change(owner, shortlist, "link", days=1)
        address = f"/shared/{changes.token_of(ShortlistLink.objects.get())}/"
        olga, role = readers("olga").get(), Group.objects.get(name="Searcher")
        for put, status in ((olga.groups.remove, 404), (olga.groups.add, 200)):
            put(role)
            assert Client().get(address).status_code == status

    def test_the_history_says_who_lets_others_read_a_list_and_who_ends_that(self, owner, people):
        shortlist = starred(owner, people[:1])
        as_another()
        change(owner, shortlist, "rename", name="Welders")
        for _ in range(2):
            change(owner, shortlist, "share", username="BEN")
        change(owner, shortlist, "link", days=7)
        first = ShortlistLink.objects.get()
        for _ in range(2):
            change(owner, shortlist, "unlink", link=first.pk)
        for _ in range(2):
            change(owner, shortlist, "unshare", reader=readers("ben").get().pk)
        change(owner, shortlist, "link", days=1)
        second = ShortlistLink.objects.get()
        change(owner, shortlist, "delete")
        change(owner, starred(owner, people[:1]), "delete")
        link = "Made a link with which anybody can read the shortlist “Welders” until"
        assert [audit.sentence(entry, by=True) for entry in LogEntry.objects.order_by("pk")] == [
            f"{said} [olga (page, 127.0.0.1)]"
            for said in (
                "Shared the shortlist “Welders” with ben.",
                f"{link} {first.expires_at:%Y-%m-%d}.",
                "Removed a link to the shortlist “Welders”.",
                "Stopped sharing the shortlist “Welders” with ben.",
                f"{link} {second.expires_at:%Y-%m-%d}.",
                "Deleted the shortlist “Welders”, which others could read.",
            )
        ]

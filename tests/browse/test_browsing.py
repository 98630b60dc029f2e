"""Browsing without a query: what is offered, who is shown and in which order; and results in another order."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from experts.models import Expert, ExpertTag, Tag
from indexing.console.browse import views
from indexing.console.words import initials
from tests.support import cast
from tests.support.html_reading import html_without_bdi

HTMX = {"HX-Request": "true"}


@pytest.fixture
def people(client, db) -> list[Expert]:
    """Eight people: odd ones in Finance, even ones in Craft; the first two in Utrecht; 1 and 3 tagged."""
    client.force_login(cast.searcher())
    made = cast.experts(8)
    Expert.objects.filter(username__in=["expert-001", "expert-002"]).update(country="NL", city="Utrecht")
    Expert.objects.filter(username="expert-004").update(country="BE", city="Gent")
    tag = Tag.objects.create(name="Audits & more", kind="domain")
    for each in (made[0], made[2]):
        ExpertTag.objects.create(expert=each, tag=tag)
    return made


def shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r">Erin Number00(\d)</a>", page)]


def browsed(client, **asked: Any) -> str:
    answer = client.get("/experts/", asked)
    assert answer.status_code == 200
    return html_without_bdi(answer)


class TestChoices:
    def test_everybody_active_is_shown_with_what_can_be_chosen(self, client, people):
        Expert.objects.filter(pk=people[7].pk).deactivate()
        page = browsed(client)
        assert shown(page) == [1, 2, 3, 4, 5, 6, 7]
        assert "7 experts" in page
        assert "<title>All experts | TCS</title>" in page
        for value, count in (("Audits &amp; more", 2), ("Finance", 4), ("Craft", 3), ("Netherlands", 2), ("Gent", 1)):
            assert re.search(rf'class="value-name">{value}</span> <span class="count">{count}<', page), value

    def test_choices_narrow_together_and_each_can_be_taken_back(self, client, people):
        page = browsed(client, tag="Audits & more", country="NL")
        assert shown(page) == [1]
        assert "<title>Audits &amp; more · Netherlands | TCS</title>" in page
        assert 'class="chip" href="/experts/?country=NL"' in page
        assert 'class="chip" href="/experts/?tag=Audits+%26+more"' in page
        # of a field, the last value counts
        assert shown(browsed(client, category=["Craft", "Finance"], city="Utrecht")) == [1]

    def test_two_tags_must_both_be_there(self, client, people):
        other = Tag.objects.create(name="Other", kind="domain")
        ExpertTag.objects.create(expert=people[2], tag=other)
        assert shown(browsed(client, tag=["Audits & more", "Other"])) == [3]

    @pytest.mark.parametrize(
        "asked", [{"tag": "\0"}, {"country": "\0zz"}, {"shown": "x" * 99, "sort": "'"}, {"tag": "é"}]
    )
    def test_anything_in_the_address_gets_an_answer(self, client, people, asked):
        assert client.get("/experts/", asked).status_code == 200

    def test_nobody_with_all_of_it(self, client, people):
        assert "Nobody in the directory has all of this." in browsed(client, category="Nothing")


class TestOrder:
    @pytest.fixture(autouse=True)
    def _facts(self, people):
        """Names that a database would put last, rates in two currencies, and the middle ones added last."""
        Expert.objects.filter(username="expert-003").update(last_name="(Ärö)", first_name="Zoë")
        Expert.objects.filter(username="expert-005").update(hourly_rate=90, currency="EUR")
        Expert.objects.filter(username="expert-006").update(hourly_rate=80, currency="EUR")
        Expert.objects.filter(username="expert-002").update(hourly_rate=10, currency="JPY")
        Expert.objects.filter(username="expert-004").update(created_at=timezone.now() + timedelta(days=1))
        Expert.objects.exclude(username="expert-004").update(created_at=F("created_at") - timedelta(hours=1))

    def test_names_without_regard_to_accents(self, client):
        assert ">Zoë (Ärö)</a>" in browsed(client).partition(">Erin Number001</a>")[0]

    def test_names_are_read_again_only_when_somebody_has_changed(self, client, people):
        browsed(client)
        with CaptureQueriesContext(connection) as queries:
            browsed(client)
        names = [each["sql"] for each in queries if '"experts_expert"."last_name"' in each["sql"]]
        assert all('"experts_expert"."bio"' in sql for sql in names), "only of those who are shown"
        people[4].last_name = "Aardvark"
        people[4].save()
        page = browsed(client)
        assert page.index("Erin Aardvark") < page.index("Erin Number001")

    def test_rates_by_currency_the_most_frequent_first(self, client):
        assert shown(browsed(client, sort="rate"))[:4] == [6, 5, 2, 1]

    def test_newest_first(self, client):
        page = browsed(client, sort="newest")
        assert shown(page)[0] == 4
        assert 'aria-current="true">Newest</a>' in page
        assert 'href="/experts/?category=Craft&amp;sort=newest"' in page, "the order stays while choosing"


class TestMore:
    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch):
        monkeypatch.setattr(views, "STEP", 3)
        monkeypatch.setattr(views, "MOST", 6)

    def test_the_number_shown_is_said_and_part_of_the_address(self, client, people):
        page = browsed(client)
        assert "3 of 8 shown" in page
        assert 'href="/experts/?shown=6"' in page
        page = browsed(client, shown=6)
        assert shown(page) == [1, 2, 3, 4, 5, 6], "back, and reload, show as many"
        assert "Choose a filter to see the others." in page

    def test_more_are_added_to_those_that_are_there(self, client, people):
        answer = client.get("/experts/", {"shown": 6, "from": 3}, headers=HTMX)
        part = html_without_bdi(answer)
        assert shown(part) == [4, 5, 6]
        assert "6 of 8 shown" in part
        assert "<html" not in part


def found(client, sort: str) -> list[str]:
    page = html_without_bdi(client.get("/", {"q": "welder bridges", "mode": "keyword", "sort": sort}))
    return re.findall(r"Erin Number(\d+) ?</a>", page)


@pytest.mark.django_db(transaction=True)
class TestSearchResults:
    @pytest.fixture(autouse=True)
    def _directory(self, client):
        client.force_login(cast.searcher())
        cast.published(30)

    def test_they_are_sorted_among_the_best_matches(self, client):
        newest = Expert.objects.get(username="expert-009")
        Expert.objects.filter(pk=newest.pk).update(created_at=timezone.now() + timedelta(days=1))
        assert found(client, "newest")[0] == "009"
        by_name = found(client, "name")
        assert by_name == sorted(by_name)
        assert len(by_name) == 4
        by_name = html_without_bdi(client.get("/", {"q": "welder bridges", "sort": "name"}))
        assert '<option value="name" selected>' in by_name

    def test_the_part_that_htmx_loads_brings_title_order_and_number(self, client):
        answer = client.get("/", {"q": "bees <b>", "k": "50", "sort": "name"}, headers=HTMX)
        assert "<title>bees &lt;b&gt; | Search experts | TCS</title>" in html_without_bdi(answer)
        assert answer.headers["HX-Push-Url"].endswith("sort=name&k=50")


@pytest.mark.parametrize(
    ("name", "shown_as"), [("Ann de Bruin", "AB"), ("Juan Pedro (Fisa)", "JP"), ("(Fisa)", "("), ("", "")]
)
def test_initials_are_of_words_without_brackets(name, shown_as):
    assert initials(name) == shown_as

"""What people do with results is counted: by day, query and expert, without names, and nobody can flood it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from experts.models import Expert
from indexing.models import ExpertUse, QueryUse, SearchLog
from indexing.models.use import SHOWN_OFTEN, Action
from indexing.ops import retention
from indexing.search import log, use_figures
from indexing.search.log import LogWriter
from indexing.search.use import AGAIN_SECONDS, MOST, WINDOW_SECONDS, Used, UseGuard
from tests.support import cast
from tests.support.html_reading import html, parse_html

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
PAGE = "/admin/index/searches/"


@pytest.fixture(autouse=True)
def writer(settings) -> LogWriter:
    """The writer of a web process, whose turns the test takes itself."""
    settings.TCS_SEARCH_LOG_DAYS = 30
    writer = LogWriter()
    writer.is_open = True
    log.writer.set(writer)
    return writer


@pytest.fixture
def expert(db) -> Expert:
    expert = cast.experts(1)[0]
    Expert.objects.filter(pk=expert.pk).update(profile_url="https://people.example/erin")
    return expert


@pytest.fixture
def searcher(client, db) -> Client:
    client.force_login(cast.staff("indexing.view"))
    return client


def opened(expert: Expert, query: str = "Rye  Bread") -> str:
    return f"{expert.get_absolute_url()}?q={query}"


def sums(writer: LogWriter) -> dict[str, Any]:
    """What is stored after the writer's next turn."""
    writer.turn(1e9, at_once=True)
    queries = {row["folded"]: row for row in QueryUse.objects.by_query()}
    return {query: {name: row[name] for name in Action.values if row[name]} for query, row in queries.items()}


class TestCounting:
    def test_opening_a_profile_counts_for_query_and_expert(self, searcher, expert, writer):
        assert searcher.get(opened(expert), headers=FROM_HERE).status_code == 200
        assert sums(writer) == {"rye bread": {"opened": 1}}
        row = ExpertUse.objects.get()
        assert (row.expert_id, row.opened, row.contacted, row.rejected, row.shown) == (expert.pk, 1, 0, 0, 0)

    def test_a_contact_leads_to_the_profile_elsewhere(self, searcher, expert, writer):
        path = f"/experts/{expert.pk}/contact/?q=bread"
        assert searcher.get(path, headers=FROM_HERE).url == "https://people.example/erin"
        assert sums(writer) == {"bread": {"contacted": 1}}
        Expert.objects.filter(pk=expert.pk).update(profile_url="javascript:alert(1)")
        assert searcher.get(path, headers=FROM_HERE).status_code == 404

    def test_a_press_of_an_address_or_a_number_counts_and_the_link_stays_what_it_is(self, client, expert, writer):
        Expert.objects.filter(pk=expert.pk).update(profile_url="", email="erin@people.example", phone="+31 6 1")
        client.force_login(cast.staff("experts.view_contact", username="con"))
        page = html(client.get(f"{expert.get_absolute_url()}?q=rye+bread"))
        path = f"/experts/{expert.pk}/contact/?q=rye%20bread"
        assert page.count(f'hx-get="{path}" hx-trigger="click" hx-swap="none"') == 2
        assert '<a href="mailto:erin@people.example">' in page
        assert client.get(path, headers=FROM_HERE | {"HX-Request": "true"}).status_code == 204
        assert client.get(path, headers=FROM_HERE).status_code == 404
        assert sums(writer) == {"rye bread": {"contacted": 1}}

    @pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
    def test_not_a_match_is_a_button_that_works_with_and_without_javascript(self, searcher, expert, writer, headers):
        path = "/not-a-match/?q=bread&mode=keyword"
        answer = searcher.post(path, {"expert": expert.pk}, headers=headers)
        if headers:
            assert "Noted" in answer.content.decode()
        else:
            assert answer.url == f"/?q=bread&mode=keyword&noted={expert.pk}#expert-{expert.pk}"
        assert sums(writer) == {"bread": {"rejected": 1}}

    def test_two_writes_on_a_day_add_up(self, expert, writer, db):
        for session in ("a", "b"):
            log.count_action(Action.OPENED, expert.pk, "bread", session=session)
            sums(writer)
        log.count_action(Action.OPENED, expert.pk, "cake", session="a")
        assert sums(writer) == {"bread": {"opened": 2}, "cake": {"opened": 1}}
        assert ExpertUse.objects.get().opened == 3

    def test_an_expert_deleted_meanwhile_spoils_nothing(self, expert, writer, db):
        log.count_action(Action.OPENED, expert.pk, "bread", session="a")
        expert.delete()
        assert sums(writer) == {"bread": {"opened": 1}}
        assert not list(ExpertUse.objects.by_expert())

    def test_nothing_is_counted_while_searches_are_not_recorded(self, searcher, expert, writer, settings):
        settings.TCS_SEARCH_LOG_DAYS = 0
        assert searcher.get(opened(expert), headers=FROM_HERE).status_code == 200
        assert sums(writer) == {}

    def test_neither_table_has_a_name_an_address_or_a_time(self):
        for model in (ExpertUse, QueryUse):
            names = {field.name for field in model._meta.get_fields()}
            assert names - {"expert", "folded", "shown"} == {"id", "day", *Action.values}


class TestFloods:
    def test_the_same_press_counts_once(self, searcher, expert, writer):
        for _each in range(5):
            searcher.get(opened(expert), headers=FROM_HERE)
        assert sums(writer) == {"rye bread": {"opened": 1}}

    def test_one_session_counts_only_so_often_in_a_minute(self):
        guard = UseGuard()
        admitted = [guard.admits("s", Used(Action.OPENED, number, "bread"), 100.0) for number in range(MOST + 5)]
        assert sum(admitted) == MOST
        assert guard.admits("another", Used(Action.OPENED, 1, "bread"), 100.0)
        assert guard.admits("s", Used(Action.OPENED, 99, "bread"), 100.0 + WINDOW_SECONDS)

    def test_it_counts_again_after_a_while(self):
        guard, used = UseGuard(), Used(Action.REJECTED, 1, "bread")
        moments = (0.0, AGAIN_SECONDS - 1, AGAIN_SECONDS)
        assert [guard.admits("s", used, moment) for moment in moments] == [True, False, True]

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "same-site", "Referer": "http://testserver/"},
            {"Referer": "https://evil.example/"},
            {"Referer": "http://testserver.evil.example/"},
        ],
    )
    def test_a_link_followed_from_elsewhere_does_not_count(self, searcher, expert, writer, headers):
        assert searcher.get(opened(expert), headers=headers).status_code == 200
        assert sums(writer) == {}

    def test_an_old_browser_is_believed_by_its_referer(self, searcher, expert, writer):
        searcher.get(opened(expert), headers={"Referer": "http://testserver/?q=x"})
        assert sums(writer) == {"rye bread": {"opened": 1}}

    def test_strangers_and_forged_forms_count_nothing(self, expert, writer):
        stranger = Client()
        assert stranger.get(opened(expert), headers=FROM_HERE).url.startswith("/accounts/sign-in/")
        forger = Client(enforce_csrf_checks=True)
        forger.force_login(cast.staff())
        assert forger.post("/not-a-match/?q=bread", {"expert": expert.pk}).status_code == 403
        assert sums(writer) == {}


class TestThePage:
    @pytest.fixture
    def used(self, writer, expert) -> Expert:
        """Two queries led nowhere, one somewhere, one found nobody; one expert is shown often and never opened."""
        today = timezone.localdate()
        at = timezone.now()
        for query, hits, times in (("bread", 3, 3), ("=cake", 3, 1), ("led", 3, 5), ("none", 0, 4)):
            for _each in range(times):
                row = SearchLog(at=at, day=today, query=query, folded=query, mode="hybrid", k=20, version=1)
                row.hits, row.found_nobody, row.seconds = hits, not hits, 0.1
                row.save()
        other = Expert.objects.create(username="other", first_name="Olga", last_name="Other")
        ExpertUse.objects.create(day=today, expert=expert, shown=SHOWN_OFTEN + 5, opened=1)
        ExpertUse.objects.create(day=today, expert=other, shown=SHOWN_OFTEN, rejected=2)
        ExpertUse.objects.create(day=today - timedelta(days=8), expert=expert, opened=4)
        QueryUse.objects.create(day=today, folded="led", opened=1)
        QueryUse.objects.create(day=today, folded="bread", rejected=2)
        return other

    def test_queries_lead_nowhere_if_nobody_opened_a_result(self, used):
        queries = use_figures.frequent_queries()
        assert [each.query for each in queries] == ["led", "none", "bread", "=cake"]
        assert [each.query for each in use_figures.leading_nowhere(queries)] == ["bread", "=cake"]
        assert [(each.searches, each.rejected) for each in queries][2] == (3, 2)

    def test_who_is_shown_often_and_never_opened_is_named(self, used):
        (found,) = use_figures.never_opened(20)
        assert (found.expert, found.shown, found.rejected) == (used, SHOWN_OFTEN, 2)
        ExpertUse.objects.filter(expert=used).update(shown=SHOWN_OFTEN - 1)
        assert use_figures.never_opened(20) == []

    def test_a_trend_compares_seven_days_with_those_before(self, used):
        trends = use_figures.trends()
        assert (trends.searches.now, trends.searches.before, trends.searches.change) == (13, 0, None)
        assert (trends.opened.now, trends.opened.before, trends.opened.change) == (1, 4, -0.75)
        assert trends.zero.now == 4
        assert trends.rejected.now == 2

    def test_the_page_says_it_and_leads_on_from_each_query(self, client, used):
        rights = ("indexing.view", "indexing.add_searchtest", "experts.add_tag", "indexing.add_synonym")
        client.force_login(cast.staff(*rights, username="cy"))
        answer = client.get(PAGE)
        page = html(answer)
        nowhere = page.partition("Searches that led nowhere")[2].partition("Shown often")[0]
        assert nowhere.index(">bread<") < nowhere.index(">=cake<")
        assert "Olga Other" in page.partition("Shown often, never opened")[2]
        links = [each for each in parse_html(answer.content.decode()).walk() if each.tag == "a"]
        by_text = {each.text.strip(): each.attributes["href"] for each in links}
        for text in ("Open in the Lab", "Make a search test", "Propose a tag", "Add a synonym"):
            assert client.get(by_text[text]).status_code == 200, text
        assert 'value="=cake"' in html(client.get(by_text["Make a search test"]))
        client.force_login(cast.staff("indexing.view", username="vi"))
        page = html(client.get(PAGE))
        assert "Open in the Lab" in page
        assert "Make a search test" not in page
        assert "Propose a tag" not in page

    def test_both_lists_are_exported_and_run_no_formula(self, searcher, used, expert):
        queries = rows_of(searcher.get(f"{PAGE}queries.csv"))
        assert [row["query"] for row in queries] == ["led", "none", "bread", "'=cake"]
        assert (queries[0]["opened"], queries[1]["without_results"], queries[2]["rejected"]) == ("1", "4", "2")
        experts = rows_of(searcher.get(f"{PAGE}experts.csv"))
        assert [row["username"] for row in experts] == [expert.username, "other"]
        assert (experts[0]["shown"], experts[0]["opened"]) == (str(SHOWN_OFTEN + 5), "5")


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.django_db
def test_counts_are_kept_as_long_as_searches(settings, expert):
    settings.TCS_SEARCH_LOG_DAYS = 10
    today = timezone.localdate()
    for age in (9, 10, 11, 12):
        ExpertUse.objects.create(day=today - timedelta(days=age), expert=expert)
        QueryUse.objects.create(day=today - timedelta(days=age), folded="bread")
    assert retention.clean_up()["counts of use"] == 4
    assert QueryUse.objects.count() == ExpertUse.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_cards_offer_what_is_counted_and_who_was_shown_counts_once_a_search(client, writer):
    client.force_login(cast.staff("indexing.view"))
    people = cast.experts(3)
    Expert.objects.update(profile_url="https://people.example/erin")
    cast.published_again()
    page = html(client.get("/", {"q": "steel & butter"}))
    assert f'href="/experts/{people[0].pk}/contact/?q=steel%20%26%20butter"' in page
    assert 'formaction="/not-a-match/?q=steel+%26+butter"' in page
    assert "Noted" not in page
    assert "Noted" in html(client.get("/", {"q": "steel & butter", "noted": people[0].pk}))
    client.get("/api/search", {"q": "cake"})  # a program opens nobody
    writer.turn(1e9, at_once=True)
    assert SearchLog.objects.count() == 2
    shown = {row["expert"]: row["shown"] for row in ExpertUse.objects.by_expert()}
    assert shown == {each.pk: 1 for each in people}

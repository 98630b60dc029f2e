"""The page of searches: how well they go, and which of them have no good results."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from indexing.models import QueryUse, SearchLog
from indexing.models.searches import folded
from indexing.search import log_figures
from tests.support import cast
from tests.support.html_reading import html

PAGE = "/admin/index/searches/"
TODAY = date(2026, 3, 20)

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client, settings):
    settings.TCS_SEARCH_LOG_DAYS = 30
    client.force_login(cast.staff("indexing.view"))
    return client


def row(
    query: str = "bread", *, hits: int = 10, on_topic: int | None = 10, ago: int = 0, today: date | None = None
) -> SearchLog:
    day = (today or timezone.localdate()) - timedelta(days=ago)
    return SearchLog(
        at=timezone.now() - timedelta(days=ago),
        day=day,
        query=query,
        folded=folded(query),
        mode="hybrid",
        k=20,
        version=1,
        hits=hits,
        on_topic=on_topic,
        found_nobody=not hits or on_topic == 0,
        seconds=0.004,
    )


def save(*rows: SearchLog) -> None:
    SearchLog.objects.bulk_create(rows, batch_size=1000)


class TestFigures:
    def test_the_rate_of_a_day_weighs_every_search_the_same(self):
        save(row(hits=20, on_topic=10, today=TODAY), row(hits=2, on_topic=1, today=TODAY))
        (day,) = log_figures.search_figures(TODAY).days
        assert day.rate == pytest.approx(0.75)  # 10 of the first 10, and 1 of 2

    def test_searches_that_know_no_similarity_do_not_count_for_it(self):
        save(row(on_topic=5, today=TODAY), row(on_topic=None, today=TODAY), row(hits=0, on_topic=None, today=TODAY))
        figures = log_figures.search_figures(TODAY)
        assert (figures.count, figures.zero, figures.average) == (3, 1, pytest.approx(0.5))

    def test_the_average_reaches_back_seven_days_and_no_farther(self):
        save(row(on_topic=10, ago=6, today=TODAY), row(on_topic=0, ago=7, today=TODAY))
        assert log_figures.search_figures(TODAY).average == 1.0
        assert log_figures.search_figures(TODAY - timedelta(days=1)).average == 0.5

    def test_days_without_a_search_are_shown_too(self):
        save(row(ago=3, today=TODAY), row(ago=0, today=TODAY))
        days = log_figures.search_figures(TODAY).days
        assert [(TODAY - day.day).days for day in days] == [0, 1, 2, 3]
        assert [day.count for day in days] == [1, 0, 0, 1]
        assert (days[1].rate, days[1].average) == (None, 1.0)

    @pytest.mark.parametrize(
        ("average", "grade"),
        [(1.0, "good"), (0.75, "good"), (0.749, "fair"), (0.6, "fair"), (0.599, "poor"), (0.0, "poor"), (None, None)],
    )
    def test_grades(self, average, grade):
        assert log_figures.grade_average(average) == grade

    def test_an_empty_log_gives_no_figures(self):
        assert log_figures.search_figures(TODAY) == log_figures.SearchFigures(0, 0, None, 0, ())


class TestFindingNobody:
    def test_the_most_frequent_come_first_whatever_their_case_and_white_space(self):
        save(
            row("Welder", hits=0, on_topic=None),
            row("welder ", on_topic=0),
            row("WELDER", on_topic=0),
            row("sommelier", on_topic=0),
            row("bread"),
            row("words", on_topic=None),
        )
        found = SearchLog.objects.finding_nobody()
        assert [(each["folded"], each["count"], each["zero"]) for each in found] == [
            ("welder", 3, 1),
            ("sommelier", 1, 0),
        ]


def test_it_says_how_searches_go(viewer):
    save(*[row(on_topic=7) for _each in range(50)], row("sommelier", hits=0, on_topic=None))
    page = html(viewer.get(PAGE))
    assert "<dt>searches</dt><dd>51</dd>" in page
    assert "70 % · fair" in page
    assert "badge-held" in page
    nobody = page.partition("Searches without good results")[2].partition("Recent searches")[0]
    assert "sommelier" in nobody
    assert "bread" not in nobody
    assert "no results" in nobody


@pytest.mark.parametrize(("on_topic", "colour"), [(8, "badge-complete"), (6, "badge-held"), (5, "badge-failed")])
def test_the_average_has_its_colour(viewer, on_topic, colour):
    save(*[row(on_topic=on_topic) for _each in range(50)])
    assert colour in html(viewer.get(PAGE))


def test_a_few_searches_are_not_judged(viewer):
    save(*[row(on_topic=0) for _each in range(49)])
    page = html(viewer.get(PAGE))
    assert "not enough searches yet" in page
    assert "badge-failed" not in page.partition("<table")[0]


def test_a_query_leads_to_the_lab(viewer):
    save(row("c++ & <b>", on_topic=0))
    page = html(viewer.get(PAGE))
    assert 'href="/admin/index/lab/?q=c%2B%2B%20%26%20%3Cb%3E"' in page
    assert "<b>" not in page


def test_before_the_first_search_it_says_so(viewer):
    assert "Nobody has searched yet" in html(viewer.get(PAGE))


def test_with_the_log_off_it_says_so(viewer, settings):
    settings.TCS_SEARCH_LOG_DAYS = 0
    assert "Searches are not recorded." in html(viewer.get(PAGE))


def test_it_needs_the_permission_to_see_the_index(client):
    client.force_login(cast.staff())
    assert client.get(PAGE).status_code == 403


def test_the_rows_are_read_over_covering_indexes(viewer):
    """Aggregated in SQL over indexes that hold all it needs: for 100,000 rows 0.2 s on an idle machine."""
    save(*(row(f"query {n % 50}", on_topic=n % 11 % 10, ago=n % 30) for n in range(1_000)))
    QueryUse.objects.create(day=timezone.localdate(), folded="query 1", opened=1)
    with CaptureQueriesContext(connection) as asked:
        assert viewer.get(PAGE).status_code == 200
    of_the_log = [each["sql"] for each in asked if "searchlog" in each["sql"]]
    assert len(of_the_log) == 5
    if connection.vendor == "sqlite":
        plans = []
        for sql in of_the_log:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
                plans.append(" ".join(line[3] for line in cursor.fetchall()))
        frequent, trends, by_day, nobody, recent = plans
        assert "COVERING INDEX searchlog_nobody" in frequent
        assert "COVERING INDEX searchlog_by_day" in trends
        assert "COVERING INDEX searchlog_by_day" in by_day
        assert "COVERING INDEX searchlog_nobody" in nobody
        assert "TEMP B-TREE" not in recent

"""The log of searches: each search once, and no search waits for it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from experts.models import Expert
from indexing.models import SearchLog
from indexing.search import Hit, Mode, Results, counters, log, search
from indexing.search.log import AGAIN_SECONDS, SETTLED_SECONDS, LogWriter, Note, SearchDebouncer
from indexing.search.searcher import NO_MATCHES
from indexing.serving import live
from tests.support import cast

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _a_log_of_thirty_days(settings):
    settings.TCS_SEARCH_LOG_DAYS = 30


@pytest.fixture
def writer() -> LogWriter:
    """The writer of a web process, whose turns the test takes itself."""
    return opened()


def opened(**options: Any) -> LogWriter:
    writer = LogWriter(**options)
    writer.is_open = True
    log.writer.set(writer)
    return writer


def results(*similarities: float | None, query: str = "bread", mode: Mode = Mode.HYBRID) -> Results:
    hits = [
        Hit(Expert(pk=number), 1.0, each, 1, 1, is_strong=(each or 0) >= 0.6)
        for number, each in enumerate(similarities, 1)
    ]
    return Results(query, mode, 3, tuple(hits), 0.004)


def a_note(
    query: str, moment: float, *, session: str = "s", complete: bool = False, mode: Mode = Mode.HYBRID
) -> Note:
    row = log.row_of(results(0.9, query=query, mode=mode), 20, timezone.now())
    return Note(row, session, complete, moment)


def written(*notes: Note, until: float = 1000.0) -> list[str]:
    """The queries that are written when these notes come at their moments."""
    debouncer, rows = SearchDebouncer(), []
    for note in notes:
        rows += debouncer.settled(note.moment)
        rows += debouncer.take(note)
    rows += debouncer.settled(until)
    return [row.query for row in rows]


class TestBursts:
    def test_of_what_is_typed_without_a_pause_only_the_last_is_written(self):
        assert written(a_note("b", 0), a_note("bre", 1), a_note("bread", 2.5)) == ["bread"]

    def test_what_stood_for_two_seconds_was_meant(self):
        assert written(a_note("bread", 0), a_note("bread oven", SETTLED_SECONDS)) == ["bread", "bread oven"]

    def test_it_is_written_once_it_has_settled_and_not_before(self):
        debouncer = SearchDebouncer()
        assert not list(debouncer.take(a_note("bread", 10.0)))
        assert not list(debouncer.settled(10.0 + SETTLED_SECONDS - 0.1))
        assert [row.query for row in debouncer.settled(10.0 + SETTLED_SECONDS)] == ["bread"]
        assert not list(debouncer.settled(99.0))

    def test_what_is_sent_off_is_written_at_once_and_ends_the_typing(self):
        debouncer = SearchDebouncer()
        assert not list(debouncer.take(a_note("brea", 0.0)))
        assert [row.query for row in debouncer.take(a_note("bread", 1.0, complete=True))] == ["bread"]
        assert not list(debouncer.settled(99.0))

    def test_sessions_do_not_hide_each_other(self):
        assert sorted(written(a_note("bread", 0, session="a"), a_note("wine", 1, session="b"))) == ["bread", "wine"]

    def test_the_same_words_again_are_the_same_query(self):
        again = a_note("  BREAD ", 5, complete=True)
        assert written(a_note("bread", 0), again, until=AGAIN_SECONDS) == ["bread"]
        assert written(a_note("bread", 0), a_note("bread", AGAIN_SECONDS + 1, complete=True)) == ["bread", "bread"]

    def test_another_mode_is_another_question(self):
        assert len(written(a_note("bread", 0), a_note("bread", 5, mode=Mode.KEYWORD))) == 2

    def test_without_a_session_each_counts(self):
        notes = [a_note("bread", 0.1 * number, session="", complete=True) for number in range(3)]
        assert written(*notes) == ["bread"] * 3

    def test_what_is_remembered_is_bounded_and_nothing_is_lost(self, monkeypatch):
        monkeypatch.setattr(log, "SESSIONS", 3)
        debouncer, rows = SearchDebouncer(), []
        for number in range(10):
            rows += debouncer.take(a_note(f"q{number}", 1.0, session=str(number)))
        assert len(rows) == 7
        assert len(debouncer._typed) == 3
        assert len(debouncer._written) == 3
        rows += debouncer.settled(99.0)
        assert sorted(row.query for row in rows) == [f"q{number}" for number in range(10)]


class TestRow:
    def test_the_strong_matches_of_the_first_ten_are_on_topic(self):
        row = log.row_of(results(0.9, 0.6, 0.59, *[0.1] * 7, 0.9, 0.9), 20, timezone.now())
        assert (row.hits, row.on_topic, row.found_nobody) == (12, 2, False)
        assert (row.mode, row.k, row.version, row.seconds) == ("hybrid", 20, 3, 0.004)

    def test_weak_matches_alone_are_nobody_found(self):
        assert log.row_of(results(0.5, 0.4), 20, timezone.now()).found_nobody
        assert not log.row_of(results(0.6, 0.4), 20, timezone.now()).found_nobody

    def test_a_version_that_cannot_tell_is_not_judged(self):
        found = replace(results(0.5, 0.4), matches=replace(NO_MATCHES, are_strong=False))
        row = log.row_of(found, 20, timezone.now())
        assert (row.hits, row.on_topic, row.found_nobody) == (2, None, False)
        assert log.row_of(results(mode=Mode.KEYWORD), 20, timezone.now()).found_nobody

    def test_what_a_filter_left_out_is_not_missing(self):
        assert not log.row_of(results(), 20, timezone.now(), filtered=True).found_nobody

    def test_case_and_white_space_are_folded(self):
        assert log.row_of(results(query="Welder\t in  GENT"), 20, timezone.now()).folded == "welder in gent"

    @pytest.mark.django_db
    @pytest.mark.parametrize("query", ["a\0b", "a\ud800b", "x" * 5_000, "ß" * 500])
    def test_whatever_is_typed_can_be_stored(self, query):
        row = log.row_of(results(query=query), 20, timezone.now())
        row.save()
        row.full_clean(exclude=["on_topic"])

    def test_nobody_is_named(self):
        assert {field.name for field in SearchLog._meta.get_fields()} == {
            "id",
            "at",
            "day",
            "query",
            "folded",
            "mode",
            "k",
            "version",
            "hits",
            "on_topic",
            "found_nobody",
            "seconds",
        }


class TestWriting:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_one_statement_writes_what_arrived_together(self, writer):
        for number in range(50):
            log.note(results(0.9, query=f"q{number}"), 10)
        with CaptureQueriesContext(connection) as queries:
            writer.turn(time.monotonic())
        assert [each["sql"][:6] for each in queries if each["sql"] not in ("BEGIN IMMEDIATE", "COMMIT")] == ["INSERT"]
        assert SearchLog.objects.count() == 50

    def test_noting_asks_the_database_nothing(self, writer, django_assert_num_queries):
        with django_assert_num_queries(0):
            log.note(results(0.9), 10)

    def test_what_does_not_fit_is_dropped_and_counted(self):
        opened(size=2)
        before = counters.SEARCHES_NOT_LOGGED._value.get()
        for _each in range(5):
            log.note(results(0.9), 10)
        assert counters.SEARCHES_NOT_LOGGED._value.get() - before == 3

    def test_a_database_that_is_away_loses_nothing_that_fits(self, writer, monkeypatch):
        def away(*_args, **_kwargs):
            raise OperationalError("away")

        log.note(results(0.9), 10)
        with monkeypatch.context() as patched:
            patched.setattr(QuerySet, "bulk_create", away)
            writer.turn(0.0)
        assert not SearchLog.objects.exists()
        writer.turn(1.0)
        assert not SearchLog.objects.exists()  # it is given a rest
        writer.turn(log.RETRY_SECONDS)
        assert SearchLog.objects.count() == 1

    def test_rows_that_wait_are_bounded(self, writer, monkeypatch):
        monkeypatch.setattr(log, "UNWRITTEN", 3)
        writer.retry_at = 99.0
        before = counters.SEARCHES_NOT_LOGGED._value.get()
        for _each in range(5):
            log.note(results(0.9), 10)
        writer.turn(0.0)
        assert len(writer.rows) == 3
        assert counters.SEARCHES_NOT_LOGGED._value.get() - before == 2

    def test_with_no_days_nothing_is_noted(self, writer, settings):
        settings.TCS_SEARCH_LOG_DAYS = 0
        log.note(results(0.9), 10)
        writer.turn(time.monotonic())
        assert not SearchLog.objects.exists()

    def test_the_thread_writes_and_its_end_writes_what_waits(self):
        log.start()
        try:
            log.note(results(0.9, query="api"), 10)
            until = time.monotonic() + 20
            while not SearchLog.objects.exists() and time.monotonic() < until:
                connection.close()
            log.note(results(0.9, query="typed"), 20, session="s", complete=False)
        finally:
            log.stop()
        assert list(SearchLog.objects.order_by("pk").values_list("query", flat=True)) == ["api", "typed"]


class TestWhoseSearches:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def queries(self, writer):
        """The queries that were noted since the last call."""

        def noted() -> list[str]:
            writer.turn(time.monotonic() + SETTLED_SECONDS)
            found = [row.query for row in SearchLog.objects.order_by("pk")]
            SearchLog.objects.all().delete()
            return found

        cast.published()
        return noted

    def test_those_of_the_page_and_of_the_api_and_no_others(self, client, queries):
        client.force_login(cast.staff("indexing.view"))
        client.get("/", {"q": "bread"})
        client.get("/", {"q": "brea"}, headers=HTMX)
        client.get("/", {"q": "wine"}, headers=HTMX)
        assert queries() == ["bread", "wine"]
        client.get("/api/search", {"q": "bees"})
        client.get("/api/search", {"q": "bees"})
        assert queries() == ["bees", "bees"]
        client.get("/admin/index/lab/", {"q": "bread"})
        search("bread", live.current())
        client.get("/", {"q": " "})
        client.get("/", {"q": "more", "k": "50"})
        client.get("/", {"q": "back"}, headers=HTMX | {"HX-History-Restore-Request": "true"})
        assert queries() == []

    def test_a_log_that_is_full_fails_no_search(self, client, queries):
        opened(size=1)
        client.force_login(cast.staff())
        for number in range(3):
            assert client.get("/", {"q": f"bread {number}"}).status_code == 200

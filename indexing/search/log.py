"""The log of searches, written without making any search wait: a queue in memory and one thread that writes.

`note` puts a search into a bounded queue; what does not fit is dropped and counted. Only a process that has called
`start` logs: commands and workers do not.

While somebody types, a search is sent at each pause. Of the searches of one session that follow each other within
SETTLED_SECONDS only the last is written. A search that was sent as a whole page (by a form without JavaScript, or a
link) is complete and is written at once. The same words in the same mode are written once within AGAIN_SECONDS: Enter
after the results have arrived, a reload, "show more" and a change of filters do not count as another search. Sessions
are remembered in memory for that long and are never stored; with several web processes, each knows only the searches
that reach it.
"""

from __future__ import annotations

import logging
import queue
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from indexing.lib.process_state import ProcessState
from indexing.lib.threads import BackgroundThread
from indexing.models import SearchLog
from indexing.models.searches import MAX_QUERY, OTR_AT, folded
from indexing.models.use import Action
from indexing.search import counters
from indexing.search.searcher import Results
from indexing.search.use import UseCounts, Used, UseGuard

logger = logging.getLogger(__name__)

SETTLED_SECONDS = 2.0
AGAIN_SECONDS = 60.0
QUEUE_SIZE = 1_000
SESSIONS = 1_000
"""Sessions that are remembered; beyond that the oldest are forgotten, and at worst a search is written twice."""
UNWRITTEN = 5_000
"""Rows that are held in memory while the database is away."""
LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Note:
    row: SearchLog
    session: str
    """The browser's session; empty if each search stands for itself, as in the API."""
    complete: bool
    """Whether it was submitted, rather than sent while typing."""
    moment: float
    """monotonic seconds"""

    @property
    def words_and_mode(self) -> tuple[str, str]:
        return self.row.folded, self.row.mode


class SearchDebouncer:
    """Decides which searches are written, by the rules of this module. It has no clock of its own."""

    def __init__(self) -> None:
        self._typed: OrderedDict[str, Note] = OrderedDict()
        self._written: OrderedDict[str, tuple[tuple[str, str], float]] = OrderedDict()

    def take(self, note: Note) -> Iterator[SearchLog]:
        """The rows to write once `note` has arrived."""
        if not note.session:
            yield note.row
            return
        earlier = self._typed.pop(note.session, None)
        if earlier and note.moment - earlier.moment >= SETTLED_SECONDS:
            yield from self._new(earlier)
        if note.complete:
            yield from self._new(note)
        else:
            self._typed[note.session] = note
            if len(self._typed) > SESSIONS:
                yield from self._new(self._typed.popitem(last=False)[1])

    def settled(self, now: float) -> Iterator[SearchLog]:
        """The rows of sessions that have been quiet for SETTLED_SECONDS, in the order of their searches."""
        while self._typed:
            session, note = next(iter(self._typed.items()))
            if now - note.moment < SETTLED_SECONDS:
                break
            del self._typed[session]
            yield from self._new(note)

    def _new(self, note: Note) -> Iterator[SearchLog]:
        last, moment = self._written.pop(note.session, (None, 0.0))
        if last != note.words_and_mode or note.moment - moment >= AGAIN_SECONDS:
            yield note.row
        self._written[note.session] = note.words_and_mode, note.moment
        if len(self._written) > SESSIONS:
            self._written.popitem(last=False)


class LogWriter:
    """The queue of searches, and the turns in which the thread writes them."""

    def __init__(self, size: int = QUEUE_SIZE) -> None:
        self._queue: queue.Queue[Note] = queue.Queue(size)
        self._debouncer = SearchDebouncer()
        self._used: queue.Queue[tuple[Used, date]] = queue.Queue(size)
        self._counts = UseCounts()
        self.rows: list[SearchLog] = []
        """Rows that are still to be written."""
        self.guard = UseGuard()
        self.retry_at = 0.0
        """monotonic seconds"""
        self.is_open = False
        """Whether a thread is writing the queued searches; if not, `note` does nothing."""

    def put(self, note: Note) -> None:
        """Queue a search to be logged. Never waits: if the queue is full, the search is dropped."""
        try:
            self._queue.put_nowait(note)
        except queue.Full:
            counters.SEARCHES_NOT_LOGGED.inc()

    def put_used(self, used: Used, day: date) -> None:
        """Queue an action to be counted. Never waits: if the queue is full, it is dropped."""
        try:
            self._used.put_nowait((used, day))
        except queue.Full:
            counters.SEARCHES_NOT_LOGGED.inc()

    def turn(self, now: float, *, at_once: bool = False) -> None:
        """Write what is due at `now` (monotonic seconds).

        With `at_once` it tries although the database was away a moment ago.
        """
        for _each in range(self._queue.qsize()):
            self.rows += self._debouncer.take(self._queue.get_nowait())
        self.rows += self._debouncer.settled(now)
        if now < self.retry_at and not at_once:
            self._drop_oldest()
            return
        try:
            self._write()
        except (OperationalError, InterfaceError) as error:  # away, or locked for long
            logger.warning("The database does not answer (%s); %s searches wait to be logged.", error, len(self.rows))
            self.retry_at = now + RETRY_SECONDS
            self._drop_oldest()
            connection.close()
        except DatabaseError as error:  # it would refuse these rows later too
            logger.warning("%s searches could not be logged: %s", len(self.rows), error)
            counters.SEARCHES_NOT_LOGGED.inc(len(self.rows))
            self.rows.clear()
            self._counts = UseCounts()

    def _write(self) -> None:
        for _each in range(self._used.qsize()):
            self._counts.add(*self._used.get_nowait())
        counts = self._counts.with_shown(self.rows)
        if not (self.rows or counts.experts):
            return
        with transaction.atomic():
            SearchLog.objects.bulk_create(self.rows, batch_size=500)
            counts.write()
        self.rows.clear()
        self._counts = UseCounts()

    def _drop_oldest(self) -> None:
        if (over := len(self.rows) - UNWRITTEN) > 0:
            counters.SEARCHES_NOT_LOGGED.inc(over)
            del self.rows[:over]


writer = ProcessState(LogWriter)


def note(
    results: Results, k: int, *, session: str | None = "", complete: bool = True, filtered: bool = False
) -> None:
    """Put a search into the queue. `session` is the browser's, empty if each search stands for itself.

    Does nothing before `start` was called: in commands and workers, no thread would write it. Nor with
    TCS_SEARCH_LOG_DAYS = 0.
    """
    log_writer = writer.get()
    if not log_writer.is_open or settings.TCS_SEARCH_LOG_DAYS == 0:
        return
    row = row_of(results, k, timezone.now(), filtered=filtered)
    if session:  # a program opens nobody: what it was sent says nothing about who is opened
        row.shown = tuple(hit.expert.pk for hit in results.hits)
    log_writer.put(Note(row, session or "", complete, time.monotonic()))


def count_action(action: Action, expert: int, query: str, *, session: str | None) -> None:
    """Count that somebody did something with a result. `query` is empty where the expert was not found by one.

    `session` is the browser's and is not stored: it only keeps one person from counting often. Call it from every
    page on which a result is opened, a contact shown or a match rejected. Does nothing where `note` does nothing.
    """
    log_writer = writer.get()
    used = Used(action, expert, folded(storable(query)))
    if not log_writer.is_open or settings.TCS_SEARCH_LOG_DAYS == 0:
        return
    if log_writer.guard.admits(session or "", used, time.monotonic()):
        log_writer.put_used(used, _today(timezone.now()))


def storable(query: str) -> str:
    """The query as every database stores it: none takes lone surrogates, and PostgreSQL no NUL."""
    return query[:MAX_QUERY].replace("\0", " ").encode("utf-8", "replace").decode()


def _today(at: datetime) -> date:
    return timezone.localdate(at, timezone.get_default_timezone())


def row_of(results: Results, k: int, at: datetime, *, filtered: bool = False) -> SearchLog:
    """The row for a search made at `at`, not saved."""
    query = storable(results.query)
    judged = results.matches.are_strong and results.hits
    on_topic = sum(hit.is_strong for hit in results.hits[:OTR_AT]) if judged else None
    return SearchLog(
        at=at,
        day=_today(at),
        query=query,
        folded=folded(query),
        mode=results.mode,
        k=k,
        version=results.version,
        hits=len(results.hits),
        on_topic=on_topic,
        found_nobody=not filtered and (not results.hits or on_topic == 0),
        seconds=results.seconds,
    )


def _write_settled() -> float:
    writer.get().turn(time.monotonic())
    return LOOK_SECONDS


def _write_all() -> None:
    writer.get().turn(time.monotonic() + SETTLED_SECONDS, at_once=True)


_background = BackgroundThread(
    "search-log", _write_settled, retry_seconds=RETRY_SECONDS, first_pause=LOOK_SECONDS, at_end=_write_all
)


def start() -> None:
    """Start the thread, once."""
    writer.get().is_open = True
    _background.start()


def stop() -> None:
    """Write what waits and end the thread."""
    writer.get().is_open = False
    _background.stop()

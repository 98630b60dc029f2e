"""What people search for, noted without making any search wait: a queue in memory and one thread that writes.

Noting is putting into a bounded queue; what does not fit is dropped and counted. A process that has not started the
thread (a command, the worker) notes nothing.

Somebody who types sends a search each time the typing pauses. Of the searches of one session that follow each other
within SETTLED_SECONDS only the last is written. One that was sent as a whole page (by a form without JavaScript, or a
link) is complete and is written at once. The same words in the same mode are written once within AGAIN_SECONDS: Enter
after the results are there, a reload, "show more" and a change of filters are no other question. Sessions are
remembered in this process's memory for that long and are never stored; with several web processes each knows only the
debouncer that reach it.
"""

from __future__ import annotations

import logging
import queue
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from indexing.lib.process_state import ProcessState
from indexing.lib.threads import BackgroundThread
from indexing.models import SearchLog
from indexing.models.searches import MAX_QUERY, OTR_AT, folded
from indexing.search import counters
from indexing.search.searcher import Results

logger = logging.getLogger(__name__)

SETTLED_SECONDS = 2.0
AGAIN_SECONDS = 60.0
QUEUE_SIZE = 1_000
SESSIONS = 1_000
"""Remembered at once; beyond that the oldest are forgotten, and at worst a search is written twice."""
UNWRITTEN = 5_000
"""Rows that wait while the database is away."""
LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0
SWEEP_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Note:
    row: SearchLog
    session: str
    """empty: every one counts, as in the API"""
    complete: bool
    """sent off, not typed on"""
    moment: float
    """monotonic seconds"""

    @property
    def question(self) -> tuple[str, str]:
        return self.row.folded, self.row.mode


class SearchDebouncer:
    """Which notes are to be written, by the rules at the head of this module. Pure: told what time it is."""

    def __init__(self) -> None:
        self._typed: OrderedDict[str, Note] = OrderedDict()
        self._written: OrderedDict[str, tuple[tuple[str, str], float]] = OrderedDict()

    def take(self, note: Note) -> Iterator[SearchLog]:
        """The rows that are to be written now that `note` has come."""
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
        """The rows of sessions that asked nothing else since; the order is that of the last search."""
        while self._typed:
            session, note = next(iter(self._typed.items()))
            if now - note.moment < SETTLED_SECONDS:
                break
            del self._typed[session]
            yield from self._new(note)

    def _new(self, note: Note) -> Iterator[SearchLog]:
        last, moment = self._written.pop(note.session, (None, 0.0))
        if last != note.question or note.moment - moment >= AGAIN_SECONDS:
            yield note.row
        self._written[note.session] = note.question, note.moment
        if len(self._written) > SESSIONS:
            self._written.popitem(last=False)


class LogWriter:
    """The thread's work, and the queue that leads to it."""

    def __init__(self, size: int = QUEUE_SIZE) -> None:
        self._queue: queue.Queue[Note] = queue.Queue(size)
        self._debouncer = SearchDebouncer()
        self._rows: list[SearchLog] = []
        self._retry_at = self._sweep_at = 0.0
        self.is_open = False
        """Whether there is a thread that writes: without one nothing is taken."""

    def put(self, note: Note) -> None:
        """Never waits."""
        try:
            self._queue.put_nowait(note)
        except queue.Full:
            counters.SEARCHES_NOT_LOGGED.inc()

    def turn(self, now: float, *, at_once: bool = False) -> None:
        """Write what is to be written at `now`, and sweep when it is time."""
        for _each in range(self._queue.qsize()):
            self._rows += self._debouncer.take(self._queue.get_nowait())
        self._rows += self._debouncer.settled(now)
        if now < self._retry_at and not at_once:
            self._keep_few()
            return
        try:
            self._write()
            if now >= self._sweep_at:
                sweep()
                self._sweep_at = now + SWEEP_SECONDS
        except (OperationalError, InterfaceError) as error:  # it is away, or locked for long
            logger.warning("The database does not answer (%s); %s searches wait.", error, len(self._rows))
            self._retry_at = now + RETRY_SECONDS
            self._keep_few()
            connection.close()
        except DatabaseError as error:  # it will not take these rows later either
            logger.warning("%s searches could not be logged: %s", len(self._rows), error)
            counters.SEARCHES_NOT_LOGGED.inc(len(self._rows))
            self._rows.clear()

    def _write(self) -> None:
        if self._rows:
            SearchLog.objects.bulk_create(self._rows, batch_size=500)
            self._rows.clear()

    def _keep_few(self) -> None:
        if (over := len(self._rows) - UNWRITTEN) > 0:
            counters.SEARCHES_NOT_LOGGED.inc(over)
            del self._rows[:over]


writer = ProcessState(LogWriter)


def note(
    results: Results, k: int, *, session: str | None = "", complete: bool = True, filtered: bool = False
) -> None:
    """Remember that somebody searched. `session` is the browser's, empty where each search stands for itself."""
    log_writer = writer.get()
    if not log_writer.is_open or settings.TCS_SEARCH_LOG_DAYS == 0:
        return
    row = row_of(results, k, timezone.now(), filtered=filtered)
    log_writer.put(Note(row, session or "", complete, time.monotonic()))


def row_of(results: Results, k: int, at: datetime, *, filtered: bool = False) -> SearchLog:
    # what no database takes: lone surrogates, and NUL in PostgreSQL
    query = results.query[:MAX_QUERY].replace("\0", " ").encode("utf-8", "replace").decode()
    similarities = [hit.similarity for hit in results.hits[:OTR_AT] if hit.similarity is not None]
    on_topic = sum(similarity >= settings.TCS_ON_TOPIC for similarity in similarities) if similarities else None
    return SearchLog(
        at=at,
        day=timezone.localdate(at, timezone.get_default_timezone()),
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


def sweep() -> int:
    """Delete what is older than TCS_SEARCH_LOG_DAYS, with 0 everything; returns how many."""
    kept_from = timezone.now() - timedelta(days=settings.TCS_SEARCH_LOG_DAYS)
    return SearchLog.objects.filter(at__lt=kept_from).delete()[0]


def _write_settled() -> float:
    writer.get().turn(time.monotonic())
    return LOOK_SECONDS


def _write_all() -> None:
    writer.get().turn(time.monotonic() + SETTLED_SECONDS, at_once=True)


_background = BackgroundThread(
    "search-log", _write_settled, retry_seconds=RETRY_SECONDS, first_pause=LOOK_SECONDS, at_end=_write_all
)


def start() -> None:
    """Start the thread, once. It also runs with the log off: rows from before are to be deleted."""
    writer.get().is_open = True
    _background.start()


def stop() -> None:
    """Write what waits and end the thread."""
    writer.get().is_open = False
    _background.stop()

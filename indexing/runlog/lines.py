"""A run's log: a table that one worker writes and anybody follows by cursor (run, seq)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import Max
from django.utils.translation import gettext

from experts.safe_text import visible
from experts.stored_language import stored_language
from indexing.lib import doorbell
from indexing.lib.retrying import with_database_retry
from indexing.models import RunLogLine

MAX_MESSAGE = 16_384
"""Characters of one line; a longer one is cut, and says so."""
FLUSH_SECONDS = 0.15
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    level: str
    stage: str
    message: str


def write(run_id: int, lines: Sequence[Line]) -> None:
    """Append lines, numbering them on from the last; then ring.

    Two writers at once (the worker, and whoever cancels) meet at the unique (run, seq): the later one renumbers.
    """
    if not lines:
        return
    for attempt in range(20):
        try:
            with transaction.atomic():
                last = RunLogLine.objects.filter(run_id=run_id).aggregate(last=Max("seq"))["last"] or 0
                RunLogLine.objects.bulk_create(
                    RunLogLine(
                        run_id=run_id,
                        seq=seq,
                        at=line.at,
                        level=line.level,
                        stage=line.stage,
                        message=_cut(line.message),
                    )
                    for seq, line in enumerate(lines, last + 1)
                )
            break
        except IntegrityError:
            if attempt == 19:
                raise
    doorbell.ring()


def append(run_id: int, message: str, *, level: str = "info", stage: str = "") -> None:
    write(run_id, [Line(datetime.now(UTC), level, stage, message)])


def read(run_id: int, after: int = 0, limit: int = CHUNK) -> list[RunLogLine]:
    """At most `limit` lines that follow `after`, in order."""
    return list(RunLogLine.objects.filter(run_id=run_id, seq__gt=after).order_by("seq")[:limit])


def last(run_id: int, count: int) -> list[RunLogLine]:
    """The last `count` lines, in order."""
    return list(RunLogLine.objects.filter(run_id=run_id).order_by("-seq")[:count])[::-1]


def as_text(line: RunLogLine) -> str:
    return f"{line.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {line.level.upper():7} {line.stage or '-':8} {line.message}\n"


def text(run_id: int) -> Iterator[str]:
    """The whole log, in pieces."""
    after = 0
    while lines := read(run_id, after, CHUNK):
        yield "".join(map(as_text, lines))
        after = lines[-1].seq


def tail(run_id: int, max_bytes: int) -> str:
    """The end of the log as text: whole lines, at most `max_bytes` of UTF-8."""
    kept: list[str] = []
    size = 0
    for line in RunLogLine.objects.filter(run_id=run_id).order_by("-seq").iterator(chunk_size=CHUNK):
        rendered = as_text(line)
        size += len(rendered.encode("utf-8", "replace"))
        if size > max_bytes:
            break
        kept.append(rendered)
    return "".join(reversed(kept))


def _cut(message: str) -> str:
    """What every database and every terminal takes: no control characters, no half characters, no endless line."""
    kept = visible(message[:MAX_MESSAGE]).encode("utf-8", "replace").decode()[:MAX_MESSAGE]
    if len(message) <= MAX_MESSAGE:
        return kept
    with stored_language():
        more = gettext("%(count)s characters more") % {"count": f"{len(message) - MAX_MESSAGE:,}"}
    return f"{kept}… ({more})"


def _translated(record: logging.LogRecord) -> str:
    """What is marked with `gettext_noop` is kept in the installation's language; stderr has it as it is written."""
    with stored_language():
        sentence = gettext(record.msg) if isinstance(record.msg, str) and record.msg else str(record.msg)
    return sentence % record.args if record.args else sentence


class RunLogHandler(logging.Handler):
    """Standard logging into a run's log: lines are gathered and written together a few times a second.

    One transaction a line would make a chatty stage wait for the disk; 0.15 s is not felt by a reader.
    """

    def __init__(self, run_id: int) -> None:
        super().__init__(level=logging.INFO)
        self.run_id = run_id
        self.stage = ""
        self._lines: list[Line] = []
        self._lines_lock = threading.Lock()
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_now_and_then, name="run-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        message = _translated(record)
        if record.exc_info:
            message += "\n" + logging.Formatter().formatException(record.exc_info)
        line = Line(datetime.fromtimestamp(record.created, UTC), record.levelname.lower(), self.stage, message)
        with self._lines_lock:
            self._lines.append(line)

    def flush(self) -> None:
        """Write what was gathered; waits for a database that is away."""
        with self._writing:
            with self._lines_lock:
                lines, self._lines = self._lines, []
            with_database_retry(lambda: write(self.run_id, lines))

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()
        super().close()

    def _write_now_and_then(self) -> None:
        while not self._ended.wait(FLUSH_SECONDS):
            self.flush()
        close_old_connections()

"""A run's log: a table that its worker writes, and that readers follow by cursor (run, seq)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DataError, IntegrityError, close_old_connections, transaction
from django.db.models import Max

from experts.safe_text import visible
from indexing.lib import doorbell
from indexing.lib.messages import Message, as_value, plural_message
from indexing.lib.pulse import Pulse
from indexing.lib.retrying import with_database_retry
from indexing.lib.threads import keep_working
from indexing.lib.translation import stored_text
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
    message: Message | str
    """a message is shown in each reader's language, text as it is"""


def write(run_id: int, lines: Sequence[Line]) -> None:
    """Append lines, numbered on from the last one, and notify the readers.

    Two writers at once (the worker, and a person who cancels) collide at the unique (run, seq): the later one
    numbers its lines again. Raises IntegrityError if that fails twenty times.
    """
    if not lines:
        return
    for attempt in range(20):
        try:
            with transaction.atomic():
                last = RunLogLine.objects.filter(run_id=run_id).aggregate(last=Max("seq"))["last"] or 0
                RunLogLine.objects.bulk_create(
                    RunLogLine(
                        run_id=run_id, seq=seq, at=line.at, level=line.level, stage=line.stage, **_columns(line)
                    )
                    for seq, line in enumerate(lines, last + 1)
                )
            break
        except IntegrityError:
            if attempt == 19:
                raise
    doorbell.ring()


def append(run_id: int, message: Message | str, *, level: str = "info", stage: str = "") -> None:
    write(run_id, [Line(datetime.now(UTC), level, stage, message)])


def lines_after(run_id: int, after: int = 0, limit: int = CHUNK) -> list[RunLogLine]:
    """At most `limit` lines after line number `after`, in order."""
    return list(RunLogLine.objects.filter(run_id=run_id, seq__gt=after).order_by("seq")[:limit])


def last_lines(run_id: int, count: int) -> list[RunLogLine]:
    """The last `count` lines, in order."""
    return list(RunLogLine.objects.filter(run_id=run_id).order_by("-seq")[:count])[::-1]


def as_text(line: RunLogLine) -> str:
    """A line of the file for download, in the installation's language."""
    return _rendered(line, line.message)


def _rendered(line: RunLogLine, message: str) -> str:
    return f"{line.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {line.level.upper():7} {line.stage or '-':8} {message}\n"


def as_file(run_id: int) -> Iterator[str]:
    """The whole log for download, in pieces."""
    after = 0
    while lines := lines_after(run_id, after):
        yield "".join(map(as_text, lines))
        after = lines[-1].seq


def tail(run_id: int, max_bytes: int) -> str:
    """The end of the log in the reader's language: whole lines, at most `max_bytes` of UTF-8."""
    lines: list[str] = []
    size = 0
    for line in RunLogLine.objects.filter(run_id=run_id).order_by("-seq").iterator(chunk_size=CHUNK):
        rendered = _rendered(line, line.text)
        size += len(rendered.encode("utf-8", "replace"))
        if size > max_bytes:
            break
        lines.append(rendered)
    return "".join(reversed(lines))


def _columns(line: Line) -> dict[str, Any]:
    if isinstance(line.message, str):
        return {"message": _cut(line.message)}
    words = stored_text(line.message)
    # What had to be cut is stored as text alone: the whole of it may be endless.
    data = line.message.as_dict() if len(words) <= MAX_MESSAGE else None
    return {"message": _cut(words), "message_data": data}


def _cut(message: str) -> str:
    """At most MAX_MESSAGE characters, without control characters and lone surrogates, which databases refuse."""
    beginning = visible(message[:MAX_MESSAGE]).encode("utf-8", "replace").decode()[:MAX_MESSAGE]
    if len(message) <= MAX_MESSAGE:
        return beginning
    more = plural_message("%(count)d more character", "%(count)d more characters", count=len(message) - MAX_MESSAGE)
    return f"{beginning}… ({stored_text(more)})"


def _message_of(record: logging.LogRecord) -> Message:
    """Text and values apart, so that each reader gets the line in the own language."""
    if isinstance(record.msg, Message):
        found = record.msg
    elif isinstance(record.args, Mapping):
        found = Message(str(record.msg), {name: as_value(value) for name, value in record.args.items()})
    else:
        found = Message(str(record.msg), tuple(as_value(value) for value in record.args or ()))
    if not record.exc_info:
        return found
    return Message("%s\n%s", (found, logging.Formatter().formatException(record.exc_info)))


class RunLogHandler(logging.Handler):
    """Writes what is logged to a run's log: lines are collected and written together a few times a second.

    One transaction per line would make a stage that logs much wait for the disk; readers do not notice 0.15 s.
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
        line = Line(
            datetime.fromtimestamp(record.created, UTC), record.levelname.lower(), self.stage, _message_of(record)
        )
        with self._lines_lock:
            self._lines.append(line)

    def flush(self) -> None:
        """Write the collected lines; waits for a database that does not answer.

        Raises what the database raises; the lines are then written later, unless it will always refuse them.
        """
        with self._writing:
            with self._lines_lock:
                lines, self._lines = self._lines, []
            try:
                with_database_retry(lambda: write(self.run_id, lines))
            except (DataError, IntegrityError):  # it would refuse these lines later too
                raise
            except Exception:
                with self._lines_lock:
                    self._lines[:0] = lines
                raise

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()
        super().close()

    def _write_now_and_then(self) -> None:
        keep_working(
            self._turn, self._ended, Pulse("run-log"), retry_seconds=FLUSH_SECONDS, first_pause=FLUSH_SECONDS
        )
        close_old_connections()

    def _turn(self) -> float:
        self.flush()
        return FLUSH_SECONDS

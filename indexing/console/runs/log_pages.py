"""Stretches of a run's log: the last lines, or a page that follows a line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Max, QuerySet

from indexing import runlog
from indexing.models import RunLogLine
from indexing.runlog.line_filter import LineFilter

WINDOW = 1_000
"""Log lines that a page holds; the rest is one link away."""
WINDOW_CHARACTERS = 2**20
EVERYTHING = LineFilter()
ERRORS = LineFilter("error")


@dataclass(frozen=True, slots=True)
class LogPage:
    """A stretch of a run's log. `previous` and `next` are cursors, None where there is nothing more."""

    lines: list[RunLogLine]
    total: int
    previous: int | None
    next: int | None
    earlier: int = 0
    """How many lines come before the first one shown."""
    first_error: int | None = None
    """The number of the run's first line that is an error."""

    @property
    def first(self) -> int:
        return self.lines[0].seq if self.lines else 0

    @property
    def last(self) -> int:
        return self.lines[-1].seq if self.lines else 0


def last_lines(run_id: int, wanted: LineFilter = EVERYTHING) -> LogPage:
    """The end of the log, as much as a page holds."""
    if wanted:
        return replace(_last_wanted(_lines_of(run_id, wanted)), first_error=_first_error(run_id))
    lines = _as_many_as_fit(runlog.last_lines(run_id, WINDOW))
    total = lines[-1].seq if lines else 0
    earlier = lines[0].seq - 1 if lines else 0  # numbered without a gap: nothing has to be counted
    previous = max(earlier - WINDOW, 0) if earlier else None
    return LogPage(lines, total, previous, None, earlier, _first_error(run_id))


def _lines_of(run_id: int, wanted: LineFilter) -> QuerySet[RunLogLine]:
    return wanted.among(RunLogLine.objects.filter(run_id=run_id))


def _first_error(run_id: int) -> int | None:
    """Of a hundred thousand lines without one this takes some 20 ms."""
    found = ERRORS.among(RunLogLine.objects.filter(run_id=run_id)).order_by("seq")
    return found.values_list("seq", flat=True).first()


def _last_wanted(found: QuerySet[RunLogLine]) -> LogPage:
    lines = _as_many_as_fit(list(found.order_by("-seq")[:WINDOW])[::-1])
    total = found.count()
    earlier = total - len(lines)
    return LogPage(lines, total, 0 if earlier else None, None, earlier)


def _as_many_as_fit(lines: list[RunLogLine]) -> list[RunLogLine]:
    """The last of `lines`: a thousand of the longest would be 16 MB, held for every tab that reads slowly."""
    room = WINDOW_CHARACTERS
    for place in range(len(lines) - 1, -1, -1):
        room -= len(lines[place].message)
        if room < 0:
            return lines[place + 1 :] or lines[-1:]
    return lines


def log_page(run_id: int, after: int, wanted: LineFilter = EVERYTHING) -> LogPage:
    """A page's worth of the wanted lines that follow `after`."""
    found = _lines_of(run_id, wanted)
    lines = list(found.filter(seq__gt=after).order_by("seq")[: WINDOW + 1])
    before = list(found.filter(seq__lte=after).order_by("-seq").values_list("seq", flat=True)[:WINDOW])
    return LogPage(
        lines[:WINDOW],
        found.count(),
        before[-1] - 1 if before else None,
        lines[WINDOW - 1].seq if len(lines) > WINDOW else None,
        first_error=_first_error(run_id),
    )


def cursor_before(run_id: int, line: int) -> int:
    """Where the page with that line begins, counted from the first page; of a number too high, the last page."""
    last = RunLogLine.objects.filter(run_id=run_id).aggregate(last=Max("seq"))["last"] or 0
    return max(min(line, last) - 1, 0) // WINDOW * WINDOW

"""Counts what people do with results: opened, contact shown, not a match. Without names, addresses and times.

`log.count_action` is the one function to call for it. Like the log of searches it makes nobody wait: a queue in
memory, and the log's thread that writes. What is stored are sums of a day for each expert and for each query: they
lead to nobody, and a flood makes few rows. The same action counts once for a while, and few in a minute (`UseGuard`).
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, QuerySet

from indexing.models import ExpertUse, QueryUse, SearchLog
from indexing.models.use import Action

MOST = 30
"""Actions that one session may have counted within WINDOW_SECONDS."""
WINDOW_SECONDS = 60.0
AGAIN_SECONDS = 600.0
"""The same action on the same expert for the same query is counted once in that time."""
SESSIONS = 1_000
BATCH = 500

Sums = Counter[tuple[date, Any, str]]
"""The key is the day, an expert's primary key or a folded query, and the column."""


@dataclass(frozen=True, slots=True)
class Used:
    """One action on one result."""

    action: Action
    expert: int
    query: str
    """folded; empty where the expert was not found by a query"""


class UseGuard:
    """Decides which actions count. It has no clock of its own; sessions are remembered in memory alone."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, deque[tuple[float, Used]]] = OrderedDict()

    def admits(self, session: str, used: Used, now: float) -> bool:
        """Whether `used` counts, `now` in monotonic seconds: at most MOST a minute, and each only once."""
        recent = self._sessions.setdefault(session, deque())
        self._sessions.move_to_end(session)
        while len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        while recent and now - recent[0][0] >= AGAIN_SECONDS:
            recent.popleft()
        if any(used == each for _moment, each in recent):
            return False
        if sum(now - moment < WINDOW_SECONDS for moment, _used in recent) >= MOST:
            return False
        recent.append((now, used))
        return True


class UseCounts:
    """Sums that are still to be written."""

    def __init__(self) -> None:
        self.experts: Sums = Counter()
        self.queries: Sums = Counter()

    def add(self, used: Used, day: date) -> None:
        self.experts[day, used.expert, used.action.value] += 1
        if used.query:
            self.queries[day, used.query, used.action.value] += 1

    def with_shown(self, searches: Iterable[SearchLog]) -> UseCounts:
        """These sums, and the results that the searches showed."""
        both = UseCounts()
        both.experts, both.queries = self.experts.copy(), self.queries.copy()
        both.experts.update((row.day, expert, "shown") for row in searches for expert in row.shown)
        return both

    def write(self) -> None:
        """Add the sums to the rows. Call it in a transaction: else what failed halfway would be added twice."""
        _add(ExpertUse.objects.all(), "expert_id", self.experts)
        _add(QueryUse.objects.all(), "folded", self.queries)


def _add(rows: QuerySet[Any], key: str, sums: Sums) -> None:
    new = sorted({(day, each) for day, each, _column in sums})
    made = [rows.model(day=day, **{key: each}) for day, each in new]
    rows.bulk_create(made, ignore_conflicts=True, batch_size=BATCH)
    alike: dict[tuple[date, str, int], list[Any]] = defaultdict(list)
    for (day, each, column), times in sums.items():
        alike[day, column, times].append(each)
    for (day, column, times), keys in alike.items():
        for batch in _batches(keys):
            rows.filter(day=day, **{f"{key}__in": batch}).update(**{column: F(column) + times})


def _batches(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))

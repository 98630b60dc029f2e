"""What is counted of searches; `indexing.ops.metrics` shows it to Prometheus.

The processes of one `serve` count into files in one folder, so that each can show the sums of all. A process on its
own counts in memory.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from indexing.lib.process_state import on_forget

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that prometheus_client reads when it is imported."""
SEARCHES = Counter("tcs_searches", "Searches answered, by mode and outcome.", ["mode", "outcome"], registry=None)
SEARCH_SECONDS = Histogram(
    "tcs_search_seconds",
    "Seconds of a search, by mode.",
    ["mode"],
    registry=None,
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
SEARCHES_NOT_LOGGED = Counter(
    "tcs_searches_not_logged", "Searches missing from the log because its queue was full.", registry=None
)
COUNTERS = (SEARCHES, SEARCH_SECONDS, SEARCHES_NOT_LOGGED)


def count_search(mode: str, outcome: str, seconds: float) -> None:
    """Count a search; `outcome` is hits, nothing or error."""
    SEARCHES.labels(mode, outcome).inc()
    SEARCH_SECONDS.labels(mode).observe(seconds)


@on_forget
def reset() -> None:
    """Count from zero again."""
    SEARCHES.clear()
    SEARCH_SECONDS.clear()
    SEARCHES_NOT_LOGGED.reset()

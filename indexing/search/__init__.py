"""Search over one version: a query to hits."""

from indexing.search.searcher import (
    MAX_K,
    Hit,
    Mode,
    Results,
    query_vector,
    search,
)

__all__ = [
    "Hit",
    "MAX_K",
    "Mode",
    "Results",
    "query_vector",
    "search",
]

"""Search over one version: a query to hits."""

from indexing.search.searcher import (
    MAX_K,
    Hit,
    Mode,
    Results,
    has_model,
    query_vector,
    require_same_model,
    search,
)

__all__ = [
    "Hit",
    "MAX_K",
    "Mode",
    "Results",
    "has_model",
    "query_vector",
    "require_same_model",
    "search",
]

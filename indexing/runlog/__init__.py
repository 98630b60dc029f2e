"""A run's log: a table that one worker writes and anybody follows by cursor (run, seq)."""

from indexing.runlog.lines import (
    CHUNK,
    MAX_MESSAGE,
    Line,
    RunLogHandler,
    append,
    as_text,
    last,
    read,
    tail,
    text,
    write,
)

__all__ = [
    "CHUNK",
    "Line",
    "MAX_MESSAGE",
    "RunLogHandler",
    "append",
    "as_text",
    "last",
    "read",
    "tail",
    "text",
    "write",
]

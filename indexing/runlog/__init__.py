"""A run's log: a table that its worker writes, and that readers follow by cursor (run, seq)."""

from indexing.runlog.lines import (
    CHUNK,
    MAX_MESSAGE,
    Line,
    RunLogHandler,
    append,
    as_file,
    as_text,
    last_lines,
    lines_after,
    tail,
    write,
)

__all__ = [
    "CHUNK",
    "Line",
    "MAX_MESSAGE",
    "RunLogHandler",
    "append",
    "as_file",
    "as_text",
    "last_lines",
    "lines_after",
    "tail",
    "write",
]

"""What is said to a terminal that cannot show every character, such as one with PYTHONIOENCODING=ascii."""

from __future__ import annotations

import codecs
import io
import sys

HANDLER = "tcs.plain"
PLAIN = {ord(sign): "+" for sign in "┌┐└┘"} | {ord(sign): "'" for sign in "“”‘’"}
PLAIN |= {ord("─"): "-", ord("│"): "|", ord("…"): "...", ord("→"): "->", ord("−"): "-", ord("–"): "-"}
"""Double quotes become single ones: the others would end a string of JSON."""


def plain(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: similar ASCII characters, or an escape that JSON reads too, such as \\u00e9.

    Raises the error if it is not one of encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(ord(sign)) or _escape(sign) for sign in signs), error.end


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def never_fail() -> None:
    """Make writing to this process's output and error output succeed in any encoding."""
    codecs.register_error(HANDLER, plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)

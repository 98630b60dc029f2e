"""Text that others wrote, where it could do harm: in a terminal, in a log, in the middle of a line.

HTML is escaped by the templates; this is about characters that are no markup and still act.
"""

from __future__ import annotations

import logging

_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Embeddings, overrides and isolates: they turn the direction of whatever follows, to the end of the paragraph."""

_WITHOUT_BIDI = dict.fromkeys(_BIDI)
_PICTURES: dict[int, str] = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x7F: "␡"}
    | {code: f"\\x{code:02x}" for code in range(0x80, 0xA0)}  # some terminals take 9B for ESC [
    | {code: f"\\u{code:04x}" for code in _BIDI}
)
_PICTURES_BUT_LINES = {code: sign for code, sign in _PICTURES.items() if chr(code) not in "\n\t"}


def visible(text: str, *, one_line: bool = False) -> str:
    """`text` with pictures in place of control characters, for logs and terminals: nothing in it is obeyed.

    Tabs and line ends stay, unless a line end would let the text pose as a line of its own.
    """
    return text if text.isprintable() else text.translate(_PICTURES if one_line else _PICTURES_BUT_LINES)


def without_bidi_controls(text: str) -> str:
    """`text` without what would turn the direction of the rest of its line.

    An isolate around it is not enough: a text that closes it itself gets out.
    """
    return text if text.isprintable() else text.translate(_WITHOUT_BIDI)


class SafeFormatter(logging.Formatter):
    """A log line is one line, and a terminal that shows it obeys nothing in it; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name that logging calls
        return visible(super().formatMessage(record), one_line=True)

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))

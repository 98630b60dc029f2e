"""Makes text that others wrote harmless in terminals, logs and lines of our own.

Templates escape HTML; this is about control characters, which act without being markup.
"""

from __future__ import annotations

import logging

_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Embeddings, overrides and isolates: they change the direction of the text after them, up to the paragraph's end."""

_WITHOUT_BIDI = dict.fromkeys(_BIDI)
_PICTURES: dict[int, str] = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x7F: "␡"}
    | {code: f"\\x{code:02x}" for code in range(0x80, 0xA0)}  # some terminals take 9B for ESC [
    | {code: f"\\u{code:04x}" for code in _BIDI}
)
_PICTURES_BUT_LINES = {code: sign for code, sign in _PICTURES.items() if chr(code) not in "\n\t"}


def visible(text: str, *, one_line: bool = False) -> str:
    """`text` for logs and terminals, with visible symbols in place of control characters.

    Tabs and line breaks stay; with `one_line` they are replaced too, so that no text can pretend to be a line of its
    own.
    """
    return text if text.isprintable() else text.translate(_PICTURES if one_line else _PICTURES_BUT_LINES)


def without_bidi_controls(text: str) -> str:
    """`text` without the characters that change the direction of the rest of its line.

    An isolate around the text is not enough, since the text could close it.
    """
    return text if text.isprintable() else text.translate(_WITHOUT_BIDI)


class SafeFormatter(logging.Formatter):
    """Makes each log message one line without control characters; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name that logging calls
        return visible(super().formatMessage(record), one_line=True)

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))

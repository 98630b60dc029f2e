"""Filter the lines of a run's log by level and by a text that they contain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from experts.safe_text import without_bidi_controls
from indexing.models import RunLogLine

LEVELS = ("debug", "info", "warning", "error", "critical")
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class LineFilter:
    """What a reader looks for in a log. False if every line is wanted."""

    level: str = ""
    text: str = ""
    """as typed; case makes no difference (in SQLite: of the letters a to z)"""

    @classmethod
    def from_query(cls, level: str, text: str) -> Self:
        """The filter in the parameters of an address; values that make no sense are ignored."""
        cleaned = without_bidi_controls(text.replace("\0", "")).strip()[:MAX_TEXT]  # PostgreSQL takes no NUL
        return cls(level if level in LEVELS[1:] else "", cleaned)

    def __bool__(self) -> bool:
        return bool(self.level or self.text)

    @property
    def query(self) -> str:
        """The parameters for an address; empty if every line is wanted."""
        return urlencode({name: value for name, value in (("level", self.level), ("q", self.text)) if value})

    def among(self, lines: QuerySet[RunLogLine]) -> QuerySet[RunLogLine]:
        """The wanted ones of `lines`: the text is searched in the language that the reader sees."""
        if self.level:
            lines = lines.filter(level__in=LEVELS[LEVELS.index(self.level) :])
        if not self.text:
            return lines
        if get_language() == settings.LANGUAGE_CODE:
            return lines.filter(message__icontains=self.text)
        return lines.filter(
            Q(message_data__isnull=True, message__icontains=self.text) | Q(seq__in=self._translated(lines))
        )

    def _translated(self, lines: QuerySet[RunLogLine]) -> list[int]:
        """Numbers of the lines whose translation has the text; a database cannot translate."""
        wanted = self.text.casefold()
        stored = (
            lines.filter(message_data__isnull=False).only("seq", "message", "message_data", "run_id").order_by("seq")
        )
        return [line.seq for line in stored.iterator(chunk_size=1_000) if wanted in line.text.casefold()]

    def marked(self, message: str) -> SafeString:
        """The message as escaped HTML, with every occurrence of the text in <mark>."""
        if not self.text:
            return escape(message)
        parts = re.split(f"({re.escape(self.text)})", message, flags=re.IGNORECASE)
        shown = (f"<mark>{escape(part)}</mark>" if number % 2 else escape(part) for number, part in enumerate(parts))
        return mark_safe("".join(shown))  # noqa: S308  every part is escaped

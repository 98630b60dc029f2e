"""Why a file, or a row of it, cannot be imported."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _


class ImportFailed(Exception):
    """Nothing of the file can be imported. `str(error)` says what is wrong, where, and how to fix it."""


class RowsRejected(ImportFailed):
    """Rows of the file have errors and may not be skipped; nothing was imported."""


class TooManyDeactivated(ImportFailed):
    """The import would hide a large part of the directory, and nobody has stated how many; nothing was imported."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that cannot be imported, and why. A row with several errors has several rejections."""

    line: int
    """The line where the row starts in the file, counted from 1."""
    field: str
    value: str
    fix: str
    """A sentence that says what is wrong with the value and how to fix it."""
    username: str = ""
    """The row's username, if it could be read. A rejected expert does not count as missing from the file."""
    asks: bool = False
    """Somebody has to say how the file writes its numbers; until then nothing can be imported."""

    def __str__(self) -> str:
        return _("line %(line)s, %(field)s, %(value)s: %(fix)s") % {
            "line": self.line,
            "field": self.field,
            "value": f"“{self.value}”" if self.value else _("empty"),
            "fix": self.fix,
        }

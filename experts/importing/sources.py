"""A file as rows of cells, whatever its kind: CSV, Excel (.xlsx) or OpenDocument (.ods)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings

from experts.importing.encodings import check_size
from experts.importing.options import ImportOptions
from experts.importing.sheets import SheetSource
from experts.importing.source_rows import Format, SourceRow
from experts.importing.text_files import TextSource


class Source(Protocol):
    """A file that can be read more than once, always from its start."""

    def rows(self) -> Iterator[SourceRow]:
        """Every row with the line where it starts. Raises ImportFailed where the file cannot be read further."""
        ...


def open_source(file: BinaryIO, options: ImportOptions, rows_file: Path | None = None) -> tuple[Source, Format]:
    """Check `file` (seekable, at its start) as a whole and say how it is read.

    The rows of a spreadsheet are kept in `rows_file`, if it is given, so that they are read once for a preview and
    what follows. Raises ImportFailed for a file that is too large, empty, or neither text nor a spreadsheet.
    """
    check_size(file, settings.TCS_IMPORT_MAX_MB * 2**20)
    if SheetSource.takes(file):
        sheet = SheetSource.open(file, options.sheet, rows_file)
        return sheet, Format(sheet.kind, sheet=sheet.sheet, sheets=sheet.sheets)
    text = TextSource.open(file, options.encoding, options.delimiter)
    return text, Format("csv", text.encoding, text.delimiter, rows_delimiter=text.rows_delimiter)

"""Spreadsheets are ZIP archives of XML: checked before they are read, so that a small one cannot fill the memory."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from experts.importing.errors import ImportFailed

UNPACKED_PER_MB = 10
"""How much larger than the largest file the contents may be: XML has many more characters than its cells."""
MAX_OTHER_PART = 10 * 2**20
"""Bytes of a part that is read as a whole, such as the styles."""
MAX_PARTS = 10_000
_STREAMED = ("xl/worksheets/", "xl/sharedStrings.xml", "content.xml")
_NOT_READ = ("xl/media/", "xl/drawings/", "xl/charts/", "xl/embeddings/", "xl/pivot", "Pictures/", "Thumbnails/")


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Raises ImportFailed if it is damaged, or its contents are beyond the limits.

    The sizes that an archive states are believed, since Python's zipfile reads no more of a part than that.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise damaged() from None
    parts = [each for each in archive.infolist() if not each.filename.startswith(_NOT_READ)]
    most = UNPACKED_PER_MB * settings.TCS_IMPORT_MAX_MB * 2**20
    others = (each.file_size for each in parts if not each.filename.startswith(_STREAMED))
    if (
        len(parts) > MAX_PARTS
        or sum(each.file_size for each in parts) > most
        or max(others, default=0) > MAX_OTHER_PART
    ):
        raise ImportFailed(
            _(
                "The spreadsheet is too large when unpacked; the limit is %(limit)s MB. Save the sheet as CSV, or"
                " split it."
            )
            % {"limit": UNPACKED_PER_MB * settings.TCS_IMPORT_MAX_MB}
        )
    return archive


def damaged() -> ImportFailed:
    return ImportFailed(_("The spreadsheet is damaged or cannot be read. Save it again as .xlsx, or as CSV."))

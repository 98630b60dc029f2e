"""Checks a file as a whole before it is read: its size, its kind and its encoding."""

from __future__ import annotations

import io
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from experts.importing.cells import shorten
from experts.importing.errors import ImportFailed

_OTHER_FILES = (
    (b"PK\x03\x04", gettext_noop("Excel, OpenDocument or ZIP")),
    (b"\xd0\xcf\x11\xe0", "Excel"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
)
"""The first bytes of files that people upload by mistake."""


def check_size(file: BinaryIO, largest: int) -> None:
    """Raises ImportFailed for a file of more than `largest` bytes; leaves it at its start."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > largest:
        raise ImportFailed(
            _(
                "The file has %(size).1f MB; the limit is %(limit)s MB. Split the file, or ask your administrator to"
                " raise the limit."
            )
            % {"size": size / 2**20, "limit": settings.TCS_IMPORT_MAX_MB}
        )


def check_encoding(file: BinaryIO) -> None:
    """Raises ImportFailed if `file` (at its start) is not UTF-8 text; reads it to its end.

    Everything is decoded once, line by line, so that the message can name the line and the byte.
    """
    _check_signature(file)
    position = 0
    for number, line in enumerate(file, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportFailed(
                _(
                    "Line %(line)s is not in UTF-8: “%(before)s” is followed by 0x%(byte)02X (byte %(position)s of"
                    " the file). In Excel, save the file as “CSV UTF-8”."
                )
                % {
                    "position": position + error.start + 1,
                    "line": number,
                    "byte": line[error.start],
                    "before": shorten(line[max(0, error.start - 20) : error.start].decode("utf-8", "ignore")),
                }
            ) from None
        position += len(line)


def _check_signature(file: BinaryIO) -> None:
    start = file.read(4_096)
    file.seek(0)
    for signature, kind in _OTHER_FILES:
        if start.startswith(signature):
            raise ImportFailed(
                _("This is not a CSV file but another kind of file (%(kind)s). In Excel, save it as “CSV UTF-8”.")
                % {"kind": _(kind)}
            )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(b"\0") > len(start) // 4:
        raise ImportFailed(_("The file is in UTF-16. In Excel, save it as “CSV UTF-8”."))

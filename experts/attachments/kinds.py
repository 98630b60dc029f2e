"""Which files can be documents: the ending of the name and the first bytes decide."""

from __future__ import annotations

import unicodedata
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from experts.models import Document
from experts.safe_text import without_bidi_controls

CONTENT_TYPES = {
    Document.Kind.PDF: "application/pdf",
    Document.Kind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Document.Kind.TXT: "text/plain",
}
LONGEST_NAME = 150
"""Characters: with an accent or two each, what a file system takes as well."""
PDF_MARK, PDF_MARK_WITHIN = b"%PDF-", 1024
"""Readers accept what some programs write before the mark (PDF reference, implementation note 13)."""
_ENDINGS = {"pdf": Document.Kind.PDF, "docx": Document.Kind.DOCX, "txt": Document.Kind.TXT}
_READ = 4096
_WITH_PASSWORD = b"\xd0\xcf\x11\xe0"
"""How a Word file begins that is protected by a password: it is not a ZIP file then."""


def kind_of(name: str, file: BinaryIO) -> Document.Kind:
    """The kind of a file. Raises ValidationError if documents are not of such a kind, or it is not what its name
    says."""
    kind = _ENDINGS.get(name.rpartition(".")[2].lower())
    if kind is None:
        raise ValidationError(
            _("“%(name)s” cannot be read. Documents are PDF files, Word files (.docx) or plain text (.txt).")
            % {"name": name}
        )
    file.seek(0)
    start = file.read(_READ)
    fits = {
        Document.Kind.PDF: PDF_MARK in start[: PDF_MARK_WITHIN + len(PDF_MARK)],
        Document.Kind.DOCX: start.startswith(_WITH_PASSWORD) or _is_word(file),
        Document.Kind.TXT: _is_text(start),
    }
    if not fits[kind]:
        raise ValidationError(
            _("“%(name)s” is not a %(kind)s file, whatever its name says. Open it and save it again.")
            % {"name": name, "kind": kind.label}
        )
    return kind


def plain_name(name: str) -> str:
    """The name of a file without folders, control characters and marks of direction; at most LONGEST_NAME long."""
    base = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in base if each.isprintable() and unicodedata.category(each) != "Cf")
    stem, dot, ending = without_bidi_controls(" ".join(shown.split())).rpartition(".")
    if not dot:
        return ending[:LONGEST_NAME] or "?"
    return f"{stem[: LONGEST_NAME - len(ending) - 1] or '?'}.{ending}"[:LONGEST_NAME]


def _is_word(file: BinaryIO) -> bool:
    try:
        with ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except (BadZipFile, ValueError, NotImplementedError, OSError):
        return False


def _is_text(start: bytes) -> bool:
    return start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" not in start

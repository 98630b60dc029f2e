"""Which bodies the server takes, by what the head of a request says: nothing of the body has been read yet."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from tcs_site.http_server import refusals
from tcs_site.http_server.refusals import EarlyRefusal

LARGEST = 2**20
"""bytes, for all but files"""
SMALL = 64 * 2**10
"""Bytes of a body that needs no share of the `Budget`: forms, and what programs send to the API."""
BUDGET = 32 * 2**20
"""Bytes that all larger bodies have together, from their head to the end of the response."""
FORM_BYTES = 2**20
"""of an upload beside the file itself"""
METHODS = frozenset({b"POST", b"PUT", b"PATCH", b"DELETE"})
ADDRESSES = (b"/accounts/", b"/admin/", b"/api/", b"/experts/", b"/not-a-match/", b"/shortlists/")
IMPORT = b"/admin/experts/expert/import/"
API_IMPORT = b"/api/directory/imports"
FORM_OF_AN_EXPERT = b"/admin/experts/expert/"
API_EXPERTS = b"/api/directory/experts/"
PHOTO_BYTES = 10 * 2**20
"""As `experts.attachments.photos.MAX_BYTES`."""
FILES_AT_ONCE = 4
"""documents and a photo, in the form of an expert"""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a request before its body."""

    method: bytes
    path: bytes
    """below the prefix under which a proxy shows TCS, without the query"""
    length: int
    """bytes, as Content-Length says"""
    encoded: bool
    """It has a Transfer-Encoding, so the length is not known."""
    content_type: bytes

    @property
    def is_import(self) -> bool:
        """A file to import, from whoever may import."""
        return self._is_large_form and self.path in (IMPORT, API_IMPORT)

    @property
    def has_attachments(self) -> bool:
        """Documents or a photo of an expert, from whoever may edit experts."""
        is_form = self.path.startswith(FORM_OF_AN_EXPERT) and self.path.endswith((b"/add/", b"/change/"))
        return self._is_large_form and is_form

    @property
    def is_document(self) -> bool:
        """A document of an expert, from a program that may change experts."""
        return self._is_large_form and self.path.startswith(API_EXPERTS) and self.path.endswith(b"/documents")

    @property
    def is_photo(self) -> bool:
        """A photo of an expert, from a program that may change experts."""
        is_large = self.method == b"PUT" and self.length > LARGEST
        return is_large and self.path.startswith(API_EXPERTS) and self.path.endswith(b"/photo")

    @property
    def _is_large_form(self) -> bool:
        is_form = self.method == b"POST" and self.content_type.lower().startswith(b"multipart/form-data")
        return is_form and self.length > LARGEST


def refusal(head: Head) -> EarlyRefusal | None:
    """Why no body like this is taken, whoever sends it."""
    if head.encoded:
        return refusals.NO_LENGTH
    if head.is_import:
        most = settings.TCS_IMPORT_MAX_MB * 2**20 + FORM_BYTES
        return refusals.file_too_large() if head.length > most else None
    limit = 0
    if head.has_attachments:
        limit = FILES_AT_ONCE * settings.TCS_DOCUMENT_MAX_MB * 2**20 + FORM_BYTES
    elif head.is_document:
        limit = settings.TCS_DOCUMENT_MAX_MB * 2**20 + FORM_BYTES
    elif head.is_photo:
        limit = PHOTO_BYTES
    elif head.method in METHODS and head.path.startswith(ADDRESSES):
        limit = LARGEST
    return refusals.too_large(limit) if head.length > limit else None


class Budget:
    """Bounds the memory that bodies take: all at once, they must not be larger than `BUDGET`."""

    def __init__(self) -> None:
        self._left = BUDGET

    def take(self, length: int) -> bool:
        """False if nothing is left for a body of this length. What was taken must be given back."""
        if length > SMALL:
            if length > self._left:
                return False
            self._left -= length
        return True

    def give_back(self, length: int) -> None:
        if length > SMALL:
            self._left += length

"""Which bodies the server takes, by what the head of a request says: nothing of the body has been read yet."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from tcs_site.http_server import refusals
from tcs_site.http_server.refusals import EarlyRefusal

LARGEST = 2**20
"""bytes, for all but the import"""
SMALL = 64 * 2**10
"""Bytes of a body that needs no share of the `Budget`: forms, and what programs send to the API."""
BUDGET = 32 * 2**20
"""Bytes that all larger bodies have together, from their head to the end of the response."""
FORM_BYTES = 2**20
"""of an upload beside the file itself"""
METHODS = frozenset({b"POST", b"PUT", b"PATCH", b"DELETE"})
ADDRESSES = (b"/admin/", b"/api/", b"/not-a-match/")
IMPORT = b"/admin/experts/expert/import/"
API_IMPORT = b"/api/directory/imports"


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
    def is_upload(self) -> bool:
        """Only an import may be larger than `LARGEST`, and only if the user may import."""
        return (
            self.length > LARGEST
            and self.method == b"POST"
            and self.path in (IMPORT, API_IMPORT)
            and self.content_type.lower().startswith(b"multipart/form-data")
        )


def refusal(head: Head) -> EarlyRefusal | None:
    """Why no body like this is taken, whoever sends it."""
    if head.encoded:
        return refusals.NO_LENGTH
    if head.is_upload:
        most = settings.TCS_IMPORT_MAX_MB * 2**20 + FORM_BYTES
        return refusals.file_too_large() if head.length > most else None
    takes_one = head.method in METHODS and head.path.startswith(ADDRESSES)
    limit = LARGEST if takes_one else 0
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

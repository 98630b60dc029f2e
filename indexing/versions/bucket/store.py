"""The bucket that TCS_VERSIONS_URL names, as the other modules see it.

Everything lies below the id of the database, so no database sees, overwrites or deletes what another one wrote.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from indexing.errors import BucketUnavailable
from indexing.lib.messages import message
from indexing.lib.process_state import ProcessState

CHUNK = 8 * 1024 * 1024
"""Bytes of one request: so much is in memory for each file that is downloaded at the moment."""
S3 = "indexing.versions.bucket.s3.connect"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the bucket lists it."""

    name: str
    """below the database's own prefix"""
    size: int
    changed: datetime
    """by the clock of the bucket"""


class NoSuchObject(Exception):
    """The bucket answers, and does not have the object."""


class ObjectExists(Exception):
    """The bucket has an object of this name already."""


class Bucket(ABC):
    """The objects of one database. Every method raises BucketUnavailable if the bucket does not answer or refuses."""

    @abstractmethod
    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The object, or `length` bytes of it from `start`. Raises NoSuchObject."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Its bytes. Raises NoSuchObject."""

    @abstractmethod
    def write(self, name: str, content: bytes) -> None:
        """Write the object, or replace it."""

    @abstractmethod
    def create(self, name: str, content: bytes) -> None:
        """Write the object with `If-None-Match: *`: of several writers one wins, the others get ObjectExists."""

    @abstractmethod
    def write_file(self, name: str, path: Path) -> None:
        """Write the object, or replace it, with the content of a file, several parts at once. Raises OSError."""

    @abstractmethod
    def list(self, prefix: str) -> list[StoredObject]:
        """All objects whose names begin with `prefix`, which ends with a slash."""

    @abstractmethod
    def delete(self, names: Sequence[str]) -> None:
        """Delete the objects, as far as they exist."""


def is_used() -> bool:
    """Whether versions are kept in a bucket; otherwise the data folder is all there is."""
    return bool(settings.TCS_VERSIONS_URL)


def bucket() -> Bucket:
    """The bucket, for this process. Raises BucketUnavailable if it cannot be used at all."""
    return _bucket.get()


def _connect() -> Bucket:
    try:  # only where a bucket is used: the library takes a tenth of a second, and may be missing elsewhere
        connect = import_string(S3)
    except ImportError as error:
        raise BucketUnavailable(settings.TCS_VERSIONS_URL, message("obstore is not installed")) from error
    connected: Bucket = connect()
    return connected


_bucket = ProcessState(_connect)

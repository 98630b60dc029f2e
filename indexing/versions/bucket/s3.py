"""Objects in an S3 bucket, through `obstore`, and what its errors mean. Imported only where a bucket is used."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from indexing.errors import BucketUnavailable
from indexing.lib.messages import Message, message
from indexing.models import IndexState
from indexing.versions.bucket.store import CHUNK, Bucket, NoSuchObject, ObjectExists, StoredObject

PARTS_AT_ONCE = 4
"""Parts of a file that are uploaded at the same time, each of them in memory."""
CONNECT_SECONDS, REQUEST_SECONDS = 5, 60
RETRY_FOR = timedelta(seconds=5)
"""How long a request is tried again by itself. Who can wait longer does: see `indexing.versions.bucket.patience`."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_REFUSED = "status code: 4"
_WRONG_CLOCK = "RequestTimeTooSkewed"
_OLD_TOKEN = ("ExpiredToken", "TokenRefreshRequired")
_PASSING = ("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout")


class S3Bucket(Bucket):
    """The objects below the id of one database."""

    def __init__(self, store: S3Store, database: str) -> None:
        self._store = store
        self._prefix = f"{database}/"

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        with _explained(name):
            if length is None:
                return bytes(self._store.get(self._key(name)).bytes())
            return bytes(self._store.get_range(self._key(name), start=start, length=length))

    def size(self, name: str) -> int:
        with _explained(name):
            try:
                return self._store.head(self._key(name))["size"]
            except BaseError as error:
                if _REFUSED in str(error) and not _CODE.search(str(error)):  # what answers HEAD gives no reason
                    self._store.get_range(self._key(name), start=0, length=1)
                raise

    def write(self, name: str, content: bytes) -> None:
        with _explained(name):
            self._store.put(self._key(name), content)

    def create(self, name: str, content: bytes) -> None:
        with _explained(name):
            self._store.put(self._key(name), content, mode="create")

    def write_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file, _explained(name):
            self._store.put(self._key(name), file, chunk_size=CHUNK, max_concurrency=PARTS_AT_ONCE)

    def list(self, prefix: str) -> list[StoredObject]:
        below = len(self._prefix)
        with _explained(prefix):
            return [
                StoredObject(each["path"][below:], each["size"], each["last_modified"])
                for batch in self._store.list(self._key(prefix))
                for each in batch
            ]

    def delete(self, names: Sequence[str]) -> None:
        if names:
            with _explained(names[0]):
                self._store.delete([self._key(name) for name in names])

    def _key(self, name: str) -> str:
        return self._prefix + name


def connect() -> S3Bucket:
    """The bucket of TCS_VERSIONS_URL, for the current database. Asks nobody yet. Raises BucketUnavailable."""
    database = IndexState.read().database_id
    if not database:
        raise _unavailable(message("the database has no id yet"))
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    try:
        store = S3Store.from_url(
            settings.TCS_VERSIONS_URL,
            config={"endpoint": endpoint} if endpoint else {},
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
                "connect_timeout": f"{CONNECT_SECONDS}s",
                "timeout": f"{REQUEST_SECONDS}s",
            },
            retry_config={"max_retries": 3, "retry_timeout": RETRY_FOR},
        )
    except BaseError as error:
        raise _unavailable(_why(error)) from error
    return S3Bucket(store, database)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Translates the library's errors. A missing object is Python's FileNotFoundError there."""
    try:
        yield
    except AlreadyExistsError as error:
        raise ObjectExists(name) from error
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise _unavailable(_why(error)) from error
        raise NoSuchObject(name) from error
    except (BaseError, OSError) as error:
        raise _unavailable(_why(error), passes=_may_pass(error)) from error


def _unavailable(why: Message, *, passes: bool = False) -> BucketUnavailable:
    return BucketUnavailable(settings.TCS_VERSIONS_URL, why, passes=passes)


def _may_pass(error: Exception) -> bool:
    """Whether waiting may help: the server did not answer, or said that it cannot at the moment."""
    code = _CODE.search(str(error))
    return code is None or code[1] in _PASSING


def _why(error: Exception) -> Message:
    code = _CODE.search(str(error))
    if code is None:
        return message("it does not answer")
    if code[1] == _WRONG_CLOCK:
        return message("it says that the clock of this machine is wrong (%(code)s); set it by NTP", code=code[1])
    if code[1] in _OLD_TOKEN:
        return message(
            "the keys of this machine were for a time that is over (%(code)s); set AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN again, then restart",
            code=code[1],
        )
    return message("it answers with %(code)s", code=code[1])

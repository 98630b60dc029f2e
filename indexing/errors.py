"""What can go wrong in `indexing`, each with the sentence that the user sees.

An error holds a `Message`, so that this module, and `snapshot/` with it, knows no Django. `str(error)` is English,
for logs; whoever shows an error to a person uses `indexing.lib.translation.translated(error)`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from indexing.lib.messages import Message, message

if TYPE_CHECKING:
    from pathlib import Path

    from indexing.models import IndexState, RebuildRun


class IndexingError(Exception):
    """The family. `message` says what happened, what is unaffected and how to fix it."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    """The HTTP status of the response when a request raises the error; a subclass inherits it."""

    def __init__(self, sentence: Message | str = "") -> None:
        self.message = sentence if isinstance(sentence, Message) else Message(sentence)
        super().__init__(self.message)

    def __str__(self) -> str:
        return str(self.message)


class InvalidInput(IndexingError):
    """A parameter has a value that makes no sense; `field` names it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    field: str


class Busy(IndexingError):
    """Another run is queued or running; `run` says which."""

    status = HTTPStatus.CONFLICT

    def __init__(self, run: RebuildRun) -> None:
        self.run = run
        super().__init__(
            message(
                "Run %(number)s (%(kind)s) is already %(state)s. It was requested by %(who)s on %(when)s.",
                number=run.pk,
                kind=run.kind_label,
                state=run.state_label,
                who=run.requested_name or message("somebody"),
                when=run.created_at,
            )
        )


class SchedulePaused(IndexingError):
    """Scheduled runs are paused since a rollback, so that none of them silently undoes it."""

    status = HTTPStatus.CONFLICT

    def __init__(self, state: IndexState) -> None:
        super().__init__(
            message(
                "Scheduled rebuilds are paused since %(who)s rolled back (%(reason)s). "
                "Resume them on the index page.",
                who=state.schedule_paused_name,
                reason=state.schedule_paused_reason,
            )
        )


class Refused(IndexingError):
    """A decision that the rules do not allow now; the message says why and what would be allowed."""

    status = HTTPStatus.CONFLICT


class NotActive(IndexingError):
    """A run that has ended cannot be cancelled."""

    status = HTTPStatus.CONFLICT


class FenceLost(IndexingError):
    """This worker's claim is no longer the current one: it may write nothing more about the run."""


class Cancelled(IndexingError):
    """Raised inside the worker, between two steps, once somebody has requested that the run be cancelled."""


class NoIndexYet(IndexingError):
    """No version is live in this process."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(message("There is no index yet. Press “Rebuild index” on the index page."))


class EmptyQuery(InvalidInput):
    """A search without any text."""

    field = "q"

    def __init__(self) -> None:
        super().__init__(message("Type what you are looking for."))


class NotInVersion(IndexingError):
    """The version does not have this expert, who was added or activated after it was built."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self, name: str, number: int) -> None:
        super().__init__(
            message(
                "%(name)s is not in index version %(number)s. Experts who were added or activated since it was built "
                "become searchable with the next rebuild.",
                name=name,
                number=number,
            )
        )


class MeaningUnavailable(IndexingError):
    """Search by meaning does not work now; search by words does."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class EncoderUnavailable(MeaningUnavailable):
    """The model cannot be loaded: missing, damaged, or not the pinned one."""


class VectorsUnavailable(MeaningUnavailable):
    """The server that searches the vectors does not answer, or cannot search them now. `code` is the server's."""

    code: int | None = None


class NothingToIndex(IndexingError):
    """A rebuild of an empty directory."""

    def __init__(self) -> None:
        super().__init__(message("The directory has no active experts. Import some before rebuilding."))


class SnapshotInvalid(IndexingError):
    """The files of a version do not match its manifest; the message names the file."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class CollectionInvalid(SnapshotInvalid):
    """The vectors of a version are on a server, which does not have them, or not yet. Its files may be whole."""


class VersionDamaged(SnapshotInvalid):
    """A decision about a version whose files are damaged. It answers 409, as docs/api.md says of decisions, since
    trying again does not help; a search that needs these files answers 503."""

    status = HTTPStatus.CONFLICT


class WrongDatabase(IndexingError):
    """The data folder belongs to another database. `found` says to which, `current` names the one that is set."""

    status = HTTPStatus.CONFLICT

    def __init__(self, found: Message, current: Message) -> None:
        super().__init__(
            message(
                "%(found)s %(current)s Nothing was changed. Check DATABASE_URL and TCS_DATA_DIR. To give the folder "
                "to the current database, start once with “manage.py serve --adopt”: what the other one wrote stays "
                "on the disk, and is not used.",
                found=found,
                current=current,
            )
        )


class FolderNotShared(IndexingError):
    """The worker's data folder is not the one of the web processes: nobody could use what it builds."""

    status = HTTPStatus.CONFLICT

    def __init__(self, folder: Path, host: str, other: str) -> None:
        super().__init__(
            message(
                "The worker on %(host)s does not share the data folder of the web processes: what process %(other)s "
                "wrote into it is not in %(folder)s. Nothing was published. Set TCS_DATA_DIR to the same folder for "
                "both, then rebuild.",
                host=host,
                other=other,
                folder=folder,
            )
        )


class BucketNotShared(IndexingError):
    """The worker's bucket is not the one of the web processes: nobody could use what it builds."""

    status = HTTPStatus.CONFLICT

    def __init__(self, url: str, host: str, other: str) -> None:
        super().__init__(
            message(
                "The worker on %(host)s does not share the bucket of the web processes: what process %(other)s wrote "
                "is not in %(url)s. Nothing was published. Set TCS_VERSIONS_URL to the same bucket for both, then "
                "rebuild.",
                host=host,
                other=other,
                url=url,
            )
        )


class MapNotReady(IndexingError):
    """The version's map is still being computed; `progress` is its share, 0 to 1, or None before it is known."""

    status = HTTPStatus.ACCEPTED

    def __init__(self, number: int, progress: float | None) -> None:
        self.progress = progress
        super().__init__(message("The map of version %(number)s is being computed.", number=number))


class NoMap(IndexingError):
    """The version has no map and will not get one as things are; the message says why."""

    status = HTTPStatus.NOT_FOUND


class NotEnoughMemory(SnapshotInvalid):
    """A version does not fit into memory beside what is served. Callers treat it like a damaged version: it cannot
    be opened now. `needed` and `free` are bytes."""

    def __init__(self, number: int, needed: int, free: int) -> None:
        super().__init__(
            message(
                "There is not enough memory to open version %(number)s: %(needed)d MB needed, %(free)d MB free.",
                number=number,
                needed=needed // 1_000_000 + 1,
                free=max(free, 0) // 1_000_000,
            )
        )


class BucketUnavailable(SnapshotInvalid):
    """The bucket with the versions (TCS_VERSIONS_URL) cannot be used now: `url` names it, `why` is a part of a
    sentence. `passes`: whether waiting may help."""

    def __init__(self, url: str, why: Message, *, passes: bool = False) -> None:
        self.passes = passes
        super().__init__(
            message(
                "The bucket %(url)s cannot be used: %(why)s. Search continues with what this machine has.",
                url=url,
                why=why,
            )
        )


class VersionExists(IndexingError):
    """Another build has already put a version there: versions are never changed."""

    status = HTTPStatus.CONFLICT

    def __init__(self, number: int) -> None:
        super().__init__(
            message("Version %(number)s already exists and is never changed. Start a new run.", number=number)
        )


class DiskFull(IndexingError):
    """There is no room for the files of a version. `needed` and `free` are bytes."""

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        super().__init__(
            message(
                "Disk full: about %(needed)d MB needed for a version in %(folder)s, %(free)d MB free. "
                "Free some space, then start the run again.",
                needed=needed // 1_000_000 + 1,
                folder=folder,
                free=free // 1_000_000,
            )
        )


class VerifyFailed(IndexingError):
    """A new version does not answer as it must; the message names the check and its figures."""


class QueriesInvalid(IndexingError):
    """A file of queries and the experts they should find cannot be used; the message names the place and the fix."""

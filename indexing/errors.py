"""What can go wrong in `indexing`, each with the sentence that the user sees."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as gettext_noop  # for those who mark and do not translate

if TYPE_CHECKING:
    from pathlib import Path

    from indexing.models import IndexState, RebuildRun


class IndexingError(Exception):
    """The family. `str(error)` is a sentence for the person who asked."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    """Of the response to a request that raised it; a subclass inherits it."""


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
            _("Run %(number)s (%(kind)s) is %(state)s: asked for by %(who)s, %(when)s.")
            % {
                "number": run.pk,
                "kind": run.get_kind_display(),
                "state": run.get_state_display(),
                "who": run.who,
                "when": run.created_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            }
        )


class ScheduleOnHold(IndexingError):
    """Scheduled runs wait since a rollback, so that none of them silently undoes it."""

    status = HTTPStatus.CONFLICT

    def __init__(self, state: IndexState) -> None:
        super().__init__(
            _("Scheduled runs are on hold since %(who)s rolled back (%(reason)s): release them on the index page.")
            % {"who": state.schedule_paused_name, "reason": state.schedule_paused_reason}
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
    """Raised inside the worker, between two steps, once somebody has asked to cancel the run."""


class NoIndexYet(IndexingError):
    """No version is live in this process."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(_("There is no index yet: press “Rebuild index” on the index page."))


class EmptyQuery(InvalidInput):
    field = "q"

    def __init__(self) -> None:
        super().__init__(_("Type what you are looking for."))


class EncoderUnavailable(IndexingError):
    """The model cannot be loaded: missing, damaged, or not the one that is pinned."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class NothingToIndex(IndexingError):
    def __init__(self) -> None:
        super().__init__(_("The directory has no active experts: import some before rebuilding."))


class SnapshotInvalid(IndexingError):
    """The files of a version are not what its manifest says; the message names the file.

    The message is translated here, since `snapshot/` knows no Django: it marks it with `gettext_noop`.
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(_(message) % values if values else message)


class MapNotReady(IndexingError):
    """The version's map is still to come; `progress` (0 to 1) says how far it is, None while nobody knows."""

    status = HTTPStatus.ACCEPTED

    def __init__(self, number: int, progress: float | None) -> None:
        self.progress = progress
        super().__init__(_("The map of version %(number)s is being computed.") % {"number": number})


class NoMap(IndexingError):
    """The version has no map and will not get one as things are; the message says why."""

    status = HTTPStatus.NOT_FOUND


class NotEnoughMemory(SnapshotInvalid):
    """A version does not fit beside what is served: no better than a damaged one to whoever wants it opened now."""

    def __init__(self, number: int, needed: int, free: int) -> None:
        super().__init__(
            gettext_noop(
                "There is not enough memory to open version %(number)s: %(needed)d MB needed, %(free)d MB free."
            ),
            number=number,
            needed=needed // 1_000_000 + 1,
            free=max(free, 0) // 1_000_000,
        )


class VersionExists(IndexingError):
    """Another build has already put a version there: versions are never changed."""

    status = HTTPStatus.CONFLICT

    def __init__(self, number: int) -> None:
        super().__init__(
            _("Version %(number)s exists already and is never changed: start a new run.") % {"number": number}
        )


class DiskFull(IndexingError):
    """There is no room for the files of a version."""

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        super().__init__(
            _("Disk full: about %(needed)d MB needed for a version in %(folder)s, %(free)d MB free.")
            % {"needed": needed // 1_000_000 + 1, "folder": folder, "free": free // 1_000_000}
        )


class VerifyFailed(IndexingError):
    """A new version does not answer as it must; the message names the check and its figures."""


class QueriesInvalid(IndexingError):
    """A file of queries and whom they should find cannot be used; the message names the place and the mend."""

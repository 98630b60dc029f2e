"""Read a version's map and what belongs to it, or raise the sentence that says why there is no map."""

from __future__ import annotations

import logging

from indexing.embedding_map import positions
from indexing.embedding_map.positions import Positions
from indexing.errors import BucketUnavailable, MapNotReady, NoIndexYet, NoMap, SnapshotInvalid
from indexing.lib import paths
from indexing.lib.messages import message
from indexing.models import IndexState, IndexVersion
from indexing.versions import bucket
from indexing.versions.opening import searchable

logger = logging.getLogger(__name__)
MapState = IndexVersion.MapState
FileStamp = tuple[int, int]
"""(modification time in ns, inode) of a file."""


def get_version(number: int | None) -> IndexVersion:
    """The version with this number, if its files are on disk; the live one for None. Raises NoMap, NoIndexYet."""
    if number is None:
        live = IndexState.read().live_version
        if live is None:
            raise NoIndexYet
        return live
    for version in searchable():
        if version.number == number:
            return version
    raise no_such_version(number)


def no_such_version(number: int | str) -> NoMap:
    return NoMap(message("Version %(number)s does not exist or has been deleted.", number=number))


def file_stamp(version: IndexVersion) -> FileStamp:
    """Changes whenever the map's file is replaced: part of the key of what is remembered about a map."""
    try:
        status = paths.map_file(version.number).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def read_positions(version: IndexVersion, count: int | None = None) -> Positions:
    """The positions of the version's experts, float32[n, 2], in the order of its ids.

    `count` is the number of experts, for callers who know it better than the version's row. Raises MapNotReady while
    the map is still to be computed, NoMap if it never will be. A missing or damaged file counts as not computed: it
    is noted, and for the live version the map is then computed again. BucketUnavailable if it would have to come from
    there now.
    """
    if version.map_state == MapState.DONE:
        try:
            path = bucket.map_file_of(version.number)
            return positions.load(path, version.expert_count if count is None else count)
        except BucketUnavailable:
            raise
        except SnapshotInvalid as error:
            logger.error("The map of version %s is computed again once it is live: %s", version.number, error)
            version.lose_map()
    if version.map_state == MapState.FAILED:
        raise NoMap(
            message(
                "The map of version %(number)s failed; search is not affected. The next rebuild makes a new one.",
                number=version.number,
            )
        )
    if version.state != IndexVersion.State.LIVE:
        raise NoMap(
            message(
                "Version %(number)s has no map. Maps are computed only for the live version.", number=version.number
            )
        )
    raise MapNotReady(version.number, version.map_progress)

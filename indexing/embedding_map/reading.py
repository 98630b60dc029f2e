"""The map of a version, read; and what to say where there is none."""

from __future__ import annotations

import logging

from django.utils.translation import gettext as _

from indexing.embedding_map import positions as files
from indexing.embedding_map.positions import Positions
from indexing.errors import MapNotReady, NoIndexYet, NoMap, SnapshotInvalid
from indexing.lib import paths
from indexing.models import IndexState, IndexVersion
from indexing.versions.opening import searchable

logger = logging.getLogger(__name__)
MapState = IndexVersion.MapState
Stamp = tuple[int, int]


def version_numbered(number: int | None) -> IndexVersion:
    """A version that has its files; the live one for None. Raises NoMap, NoIndexYet."""
    if number is None:
        live = IndexState.read().live_version
        if live is None:
            raise NoIndexYet
        return live
    for version in searchable():
        if version.number == number:
            return version
    raise NoMap(_("There is no version %(number)s, or it is not kept any more.") % {"number": number})


def stamp(version: IndexVersion) -> Stamp:
    """Another one where the map's file is another: for what is remembered about it."""
    try:
        status = paths.map_file(version.number).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def positions_of(version: IndexVersion, count: int | None = None) -> Positions:
    """Where its experts stand, in the order of its ids; `count` is their number where the row may be wrong.

    Raises MapNotReady where the map is to come, NoMap where it is not. A file that is lost or damaged counts as not
    computed, and of the live version as to come: noting that has it computed again.
    """
    if version.map_state == MapState.DONE:
        try:
            return files.load(paths.map_file(version.number), version.expert_count if count is None else count)
        except SnapshotInvalid as error:
            logger.error("The map of version %s is computed again once it is live: %s", version.number, error)
            version.lose_map()
    if version.map_state == MapState.FAILED:
        raise NoMap(
            _("The map of version %(number)s failed; search is not affected. The next rebuild makes a new one.")
            % {"number": version.number}
        )
    if version.state != IndexVersion.State.LIVE:
        raise NoMap(
            _("Version %(number)s has no map: one is computed for the live version only.")
            % {"number": version.number}
        )
    raise MapNotReady(version.number, version.map_progress)

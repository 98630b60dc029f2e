"""The finished map of a version as the map page reads it, and the bytes in which points and colours are sent.

Both bodies are little-endian, and row i of both is row i of the version. They begin with 16 bytes:

    4 bytes   "TCSP" for points, "TCSC" for colours
    uint32    FORMAT
    uint32    n, the number of rows
    uint32    number of the version

Points go on with float32[2n], x and y in turns, in the map's own coordinates, then uint32[n], the experts' ids.
They never change with the directory, so that a browser keeps them. Colours go on with uint8[n]: the number of the
legend's entry, or GONE for who was deleted or hidden since and has to leave the map. At 1,000,000 experts that is
12 MB once and 1 MB for each change of colours.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing import paths
from indexing.models import IndexState, IndexVersion

logger = logging.getLogger(__name__)

FORMAT = 1
GONE = 0
_HEAD = struct.Struct("<4sIII")
State, MapState = IndexVersion.State, IndexVersion.MapState
WITH_FILES = (State.LIVE, State.HELD, State.RETIRED)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnMap:
    number: int
    ids: NDArray[np.int64]
    """int64[n], strictly rising."""
    positions: NDArray[np.float32]
    """float32[n, 2]."""

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Row int64[m] of each id, and bool[m] whether it is on the map; where not, its row means nothing."""
        if not len(self.ids):
            return np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
        rows = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return rows, self.ids[rows] == ids


def drawn() -> list[IndexVersion]:
    """The versions that have a map and their files, the newest first."""
    return list(IndexVersion.objects.filter(state__in=WITH_FILES, map_state=MapState.DONE).order_by("-number"))


def asked_for(number: int | None) -> IndexVersion | None:
    """The version `number` if its files are there, with or without a map; the live one for None."""
    if number is None:
        return IndexState.read().live_version
    return IndexVersion.objects.filter(pk=number, state__in=WITH_FILES).first()


def read(version: IndexVersion) -> DrawnMap | None:
    """None while there is no map, or where its files cannot be read."""
    if version.map_state != MapState.DONE:
        return None
    try:
        ids = ids_of(version.number)
        positions = np.load(paths.map_file(version.number), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        logger.error("The map of version %s cannot be read: %s", version.number, error)
        return None
    if positions.shape != (len(ids), 2):
        logger.error("The map of version %s has shape %s", version.number, positions.shape)
        return None
    return DrawnMap(version.number, ids, np.ascontiguousarray(positions, np.float32))


def ids_of(number: int) -> NDArray[np.int64]:
    """int64[n] of the version's experts, strictly rising. Raises OSError, ValueError, EOFError."""
    ids: NDArray[np.int64] = np.load(paths.version_folder(number) / "ids.npy", allow_pickle=False)
    return ids


def points_body(number: int, ids: NDArray[np.int64], positions: NDArray[np.float32]) -> bytes:
    """Ids int64[n] below 2**32, positions float32[n, 2]. See the head of this module."""
    head = _HEAD.pack(b"TCSP", FORMAT, len(ids), number)
    return head + positions.astype("<f4").tobytes() + ids.astype("<u4").tobytes()


def colours_body(number: int, classes: NDArray[np.uint8]) -> bytes:
    return _HEAD.pack(b"TCSC", FORMAT, len(classes), number) + classes.tobytes()


def etag(version: IndexVersion) -> str:
    """Of the points: another map of the same number (a new installation, a map made anew) has another one."""
    file = paths.map_file(version.number).stat()
    return f'"{version.manifest_sha256[:16]}-{file.st_mtime_ns}-{file.st_size}"'

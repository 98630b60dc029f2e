"""A version's finished map with its ids, and the bytes in which points and colours are sent to the map page.

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

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map import reading
from indexing.embedding_map.positions import Positions
from indexing.models import IndexVersion
from indexing.snapshot.lookup import find_rows
from indexing.versions.opening import read_ids

FORMAT = 1
GONE = 0
_HEAD = struct.Struct("<4sIII")


@dataclass(frozen=True, slots=True, eq=False)
class DrawnMap:
    number: int
    ids: NDArray[np.int64]
    """int64[n], strictly rising."""
    positions: Positions
    """float32[n, 2]."""

    @classmethod
    def of(cls, version: IndexVersion) -> DrawnMap:
        """Raises what `reading.positions_of` and `opening.read_ids` do."""
        positions = reading.positions_of(version)
        return cls(version.number, read_ids(version), positions)

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Row int64[m] of each id int64[m], and bool[m] whether it is on the map; the row is 0 if it is not."""
        return find_rows(self.ids, ids)


def with_maps() -> list[IndexVersion]:
    """The versions that have a map and their files, the newest first."""
    states = (IndexVersion.State.LIVE, IndexVersion.State.RETIRED)
    found = IndexVersion.objects.filter(state__in=states, map_state=IndexVersion.MapState.DONE)
    return list(found.order_by("-number"))


def points_body(number: int, ids: NDArray[np.int64], positions: Positions) -> bytes:
    """Ids int64[n] below 2**32, positions float32[n, 2]. See the head of this module."""
    return _head(b"TCSP", number, len(ids)) + positions.astype("<f4").tobytes() + ids.astype("<u4").tobytes()


def colours_body(number: int, classes: NDArray[np.uint8]) -> bytes:
    return _head(b"TCSC", number, len(classes)) + classes.tobytes()


def etag(version: IndexVersion) -> str:
    """Of the points: another map of the same number (a new installation, a map made anew) has another one."""
    changed, inode = reading.stamp(version)
    return f'"{version.manifest_sha256[:16]}-{changed}-{inode}"'


def _head(magic: bytes, number: int, count: int) -> bytes:
    return _HEAD.pack(magic, FORMAT, count, number)

"""A version's map with its expert ids, and the bytes in which points and colours are sent to the map page.

Both bodies are little-endian, and row i of both is row i of the version. They begin with 16 bytes:

    4 bytes   "TCSP" for points, "TCSC" for colours
    uint32    FORMAT
    uint32    n, the number of rows
    uint32    number of the version

Points continue with float32[2n], x and y alternating, in the map's own coordinates, then uint32[n], the experts' ids.
They do not depend on the directory, so the browser can keep them. Colours continue with uint8[n]: the number of the
legend entry, or GONE for experts who were deleted or deactivated since and are not drawn. At 1,000,000 experts that
is 12 MB once and 1 MB for each change of colours.
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
class VersionMap:
    """A finished map: n experts, row by row."""

    number: int
    """of the version"""
    ids: NDArray[np.int64]
    """int64[n], strictly rising"""
    positions: Positions
    """float32[n, 2], in the map's own coordinates"""

    @classmethod
    def load(cls, version: IndexVersion) -> VersionMap:
        """Read both files. Raises MapNotReady, NoMap, SnapshotInvalid: see `reading.read_positions`."""
        positions = reading.read_positions(version)
        return cls(version.number, read_ids(version), positions)

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For ids int64[m]: their rows int64[m], and bool[m], whether each is on the map. If not, its row is 0."""
        return find_rows(self.ids, ids)


def versions_with_maps() -> list[IndexVersion]:
    """The versions whose files and map are on disk, the newest first."""
    states = (IndexVersion.State.LIVE, IndexVersion.State.KEPT)
    found = IndexVersion.objects.filter(state__in=states, map_state=IndexVersion.MapState.DONE)
    return list(found.order_by("-number"))


def encode_points(number: int, ids: NDArray[np.int64], positions: Positions) -> bytes:
    """The body for ids int64[n], each below 2**32, and positions float32[n, 2]. See the head of this module."""
    return _head(b"TCSP", number, len(ids)) + positions.astype("<f4").tobytes() + ids.astype("<u4").tobytes()


def encode_colours(number: int, classes: NDArray[np.uint8]) -> bytes:
    """The body for classes uint8[n]. See the head of this module."""
    return _head(b"TCSC", number, len(classes)) + classes.tobytes()


def etag(version: IndexVersion) -> str:
    """ETag of the points. Another map under the same number (a new installation, a new computation) gets another."""
    changed, inode = reading.file_stamp(version)
    return f'"{version.manifest_sha256[:16]}-{changed}-{inode}"'


def _head(magic: bytes, number: int, count: int) -> bytes:
    return _HEAD.pack(magic, FORMAT, count, number)

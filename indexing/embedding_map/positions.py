"""The positions of a version's experts on its 2-D map: their file, and new positions among neighbours."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message

Positions = NDArray[np.float32]
"""float32[n, 2], finite, in the order of the version's ids."""

BLOCK = 16_384
"""Positions that are computed at once: each needs the distances between all its neighbours."""


def save(positions: Positions, target: Path) -> None:
    """Write float32[n, 2] to a file that appears whole or not at all. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with unfinished.open("wb") as file:
            np.save(file, positions, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Path, count: int) -> Positions:
    """Read the positions of `count` experts, float32[count, 2].

    Raises SnapshotInvalid if the file is missing, cut short, damaged, or of another version.
    """
    try:
        positions: Positions = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SnapshotInvalid(message("%(file)s cannot be read: %(error)s.", file=path, error=error)) from error
    if positions.shape != (count, 2) or positions.dtype != np.float32:
        raise SnapshotInvalid(
            message(
                "%(file)s is %(found)s, expected: %(expected)s.",
                file=path,
                found=f"{positions.dtype}{list(positions.shape)}",
                expected=f"float32[{count}, 2]",
            ),
        )
    if not np.isfinite(positions).all():
        raise SnapshotInvalid(message("%(file)s contains coordinates that are not finite numbers.", file=path))
    return positions


def between_neighbours(positions: Positions, neighbours: NDArray[np.int64]) -> Positions:
    """A position, float32[m, 2], among each item's neighbours: rows int64[m, k] of `positions` float32[n, 2].

    It is the median of the neighbours that lie together: the half (and one more) nearest to the medoid, which is the
    neighbour with the smallest sum of distances to the others. The median of all neighbours would put an item that
    is near two groups into the empty space between them.
    """
    places = np.empty((len(neighbours), 2), np.float32)
    half = neighbours.shape[1] // 2 + 1
    for start in range(0, len(neighbours), BLOCK):
        near = positions[neighbours[start : start + BLOCK]]
        distances = np.linalg.norm(near[:, :, np.newaxis] - near[:, np.newaxis], axis=3)
        medoid = distances.sum(axis=2).argmin(axis=1)
        from_medoid = np.take_along_axis(distances, medoid[:, np.newaxis, np.newaxis], axis=1)[:, 0]
        together = np.argsort(from_medoid, axis=1, kind="stable")[:, :half]
        places[start : start + BLOCK] = np.median(np.take_along_axis(near, together[:, :, np.newaxis], 1), axis=1)
    return places

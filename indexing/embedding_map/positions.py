"""Where a version's experts stand on its 2-D map: the file of it, and places beside neighbours."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.errors import SnapshotInvalid, gettext_noop

Positions = NDArray[np.float32]
"""float32[n, 2], finite, in the order of the version's ids."""

BLOCK = 16_384  # places found at once: each takes the distances between its neighbours


def save(positions: Positions, target: Path) -> None:
    """Write the file. It appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            np.save(file, positions, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Path, count: int) -> Positions:
    """The positions of `count` experts. Raises SnapshotInvalid: missing, cut short, damaged, of another version."""
    try:
        positions: Positions = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SnapshotInvalid(gettext_noop("%(file)s cannot be read: %(error)s."), file=path, error=error) from error
    if positions.shape != (count, 2) or positions.dtype != np.float32:
        raise SnapshotInvalid(
            gettext_noop("%(file)s is %(found)s, expected: %(expected)s."),
            file=path,
            found=f"{positions.dtype}{list(positions.shape)}",
            expected=f"float32[{count}, 2]",
        )
    if not np.isfinite(positions).all():
        raise SnapshotInvalid(gettext_noop("%(file)s has places that are no numbers."), file=path)
    return positions


def beside(positions: Positions, neighbours: NDArray[np.int64]) -> Positions:
    """A place, float32[m, 2], among the neighbours of each: rows int64[m, k] of `positions`.

    The median of those neighbours who stand together: of the half (and one more) that is nearest to the medoid, the
    neighbour from whom the others are least far. The median of all would put whoever is near two groups into the
    empty middle, among strangers.
    """
    places = np.empty((len(neighbours), 2), np.float32)
    half = neighbours.shape[1] // 2 + 1
    for start in range(0, len(neighbours), BLOCK):
        theirs = positions[neighbours[start : start + BLOCK]]
        apart = np.linalg.norm(theirs[:, :, np.newaxis] - theirs[:, np.newaxis], axis=3)
        medoid = apart.sum(axis=2).argmin(axis=1)
        from_medoid = np.take_along_axis(apart, medoid[:, np.newaxis, np.newaxis], axis=1)[:, 0]
        together = np.argsort(from_medoid, axis=1, kind="stable")[:, :half]
        places[start : start + BLOCK] = np.median(np.take_along_axis(theirs, together[:, :, np.newaxis], 1), axis=1)
    return places

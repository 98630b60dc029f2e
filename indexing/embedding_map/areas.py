"""Find the densest areas of a map and name each after a tag that is more common there than elsewhere.

Experts are counted on a grid and the counts are smoothed, a kernel density estimate. Every local maximum collects the
cells from which the density rises to it, as a hill collects its slopes: mode seeking, as in mean shift (Fukunaga and
Hostetler, IEEE Trans. Inf. Theory 21(1), 1975), on a grid. An area is named after the tag with the largest
p ln(p / q), where p is the tag's share in the area and q its share on the whole map: the tag's term of the
Kullback-Leibler divergence between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.positions import Positions

CELLS = 96
"""Cells along each side of the grid. Experts are only counted in cells, so finding areas takes milliseconds."""
SMOOTHING = 2.0
"""Standard deviation of the Gaussian, in cells: 2 % of the map's side, which leaves a few dozen hills."""
MOST = 40
FEWEST = 3
"""Experts with the tag that an area needs to be named after it."""
SHARE = 0.1
"""Share of the area's experts who must have the tag."""
LIFT = 1.5
"""How many times as common as on the whole map the tag must be in the area."""
APART = 0.12
"""A name is not used twice within this distance, as a share of the map's larger side."""


@dataclass(frozen=True, slots=True)
class Area:
    x: float
    """x and y are the centre of the area's densest cell, in the map's coordinates."""
    y: float
    tag: int
    count: int
    """experts of the area who have the tag"""


@dataclass(frozen=True, slots=True)
class _AreaTag:
    """A tag that an area could be named after."""

    area: int
    tag: int
    count: int
    importance: float


def named_areas(
    positions: Positions, tag_rows: NDArray[np.int64], tags: NDArray[np.int64], most: int = MOST
) -> list[Area]:
    """At most `most` areas, the most important first; the same map always gives the same areas.

    `tags` int64[t] and `tag_rows` int64[t]: the expert in row `tag_rows[i]` of `positions`, float32[n, 2], has the
    tag `tags[i]`.
    """
    if len(positions) < FEWEST or not len(tags):
        return []
    corner = positions.min(axis=0)
    side = float(np.ptp(positions, axis=0).max()) or 1.0
    cells = np.minimum((positions - corner) * (CELLS / side), CELLS - 1).astype(np.int64)
    flat = cells[:, 0] * CELLS + cells[:, 1]
    counts = np.bincount(flat, minlength=CELLS * CELLS).reshape(CELLS, CELLS).astype(np.float64)
    peaks, area_of_cell = hills(smoothed(counts))
    inhabited, area_of_row = np.unique(area_of_cell[flat], return_inverse=True)  # every empty cell is a maximum too
    centres = corner + (np.column_stack(np.divmod(peaks[inhabited], CELLS)) + 0.5) * (side / CELLS)
    return _chosen(_ranked_area_tags(area_of_row, len(inhabited), tag_rows, tags), centres, APART * side, most)


def _chosen(ranked: Iterator[_AreaTag], centres: NDArray[np.float64], apart: float, most: int) -> list[Area]:
    """Give each area its most important tag, until `most` areas have one. `centres` is float64[areas, 2].

    An area that lies within `apart` of another one with the same name is part of it, and gets no name.
    """
    chosen: list[Area] = []
    done: set[int] = set()
    for each in ranked:
        if each.area in done:
            continue
        done.add(each.area)  # also if its name is taken: its second tag would not tell the two apart
        x, y = centres[each.area].tolist()
        if any(other.tag == each.tag and np.hypot(other.x - x, other.y - y) < apart for other in chosen):
            continue
        chosen.append(Area(x, y, each.tag, each.count))
        if len(chosen) == most:
            break
    return chosen


def smoothed(counts: NDArray[np.float64], sigma: float = SMOOTHING) -> NDArray[np.float64]:
    """Counts float64[s, s] blurred by a Gaussian of `sigma` cells, cut off at three; nothing lies beyond the edge.

    `scipy.ndimage.gaussian_filter` gives the same, but importing it takes 0.4 s and 26 MB in every web process.
    """
    reach = int(3 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    one_way = np.apply_along_axis(np.convolve, 0, counts, kernel, "same")
    return np.apply_along_axis(np.convolve, 1, one_way, kernel, "same")


def hills(density: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split a density float64[s, s] into the hills around its local maxima.

    Returns the maxima as flat cell numbers int64[h], the highest first, and for each cell, int64[s * s], which of
    them it belongs to.
    """
    side = len(density)
    framed = np.full((side + 2, side + 2), -1.0)
    framed[1:-1, 1:-1] = density
    shifts = [(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)]  # itself first: it wins a tie
    around = np.stack([framed[1 + i : side + 1 + i, 1 + j : side + 1 + j] for i, j in shifts])
    steps = np.array([i * side + j for i, j in shifts])
    uphill = np.arange(side * side) + steps[around.argmax(axis=0)].ravel()
    while not np.array_equal(above := uphill[uphill], uphill):
        uphill = above
    peaks = np.unique(uphill)
    peaks = peaks[np.argsort(-density.ravel()[peaks], kind="stable")]
    number = np.empty(side * side, np.int64)
    number[peaks] = np.arange(len(peaks))
    return peaks, number[uphill]


def _ranked_area_tags(
    area_of_row: NDArray[np.int64], areas: int, tag_rows: NDArray[np.int64], tags: NDArray[np.int64]
) -> Iterator[_AreaTag]:
    """Which area could be named after which tag, the most important first.

    `area_of_row` int64[n] is the area of each expert. Importance is the number of experts in the area times the
    tag's term of the divergence.
    """
    known, columns = np.unique(tags, return_inverse=True)
    pairs = area_of_row[tag_rows] * len(known) + columns
    table = np.bincount(pairs, minlength=areas * len(known)).reshape(areas, len(known))
    people = np.bincount(area_of_row, minlength=areas)[:, np.newaxis]
    here = table / np.maximum(people, 1)
    everywhere = table.sum(axis=0) / len(area_of_row)
    fits = (table >= FEWEST) & (here >= SHARE) & (here >= LIFT * everywhere)
    rows, tag_columns = np.nonzero(fits)
    shares = here[rows, tag_columns]
    importance = people[rows, 0] * shares * np.log(shares / everywhere[tag_columns])
    for place in np.lexsort((known[tag_columns], rows, -importance)):
        row, column = int(rows[place]), int(tag_columns[place])
        yield _AreaTag(row, int(known[column]), int(table[row, column]), float(importance[place]))

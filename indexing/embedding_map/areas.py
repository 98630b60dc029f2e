"""Names for the densest areas of a map, from the tags that are commoner there than elsewhere.

Density is counted on a grid and smoothed; every local maximum draws the cells that climb to it, and so the map
falls into areas as a landscape falls into hills. An area is called by the tag whose share there says most:
p ln(p / q), with p the tag's share in the area and q on the whole map, which is the tag's part of the
Kullback-Leibler divergence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.positions import Positions

CELLS = 96
"""To a side. Areas are found in milliseconds whatever the number of experts, which is only counted."""
SMOOTHING = 2.0
"""Standard deviation of the blur in cells: 2 % of a map's side, a few dozen hills."""
MOST = 40
FEWEST = 3
"""Of so few experts no area is named."""
SHARE = 0.1
"""A tag names an area where at least one in ten there has it."""
LIFT = 1.5
"""And is so many times as common there as on the whole map."""
APART = 0.12
"""Of the map's larger side: no name stands twice within it."""


@dataclass(frozen=True, slots=True)
class Area:
    x: float
    y: float
    tag: int
    count: int
    """experts of the area who have the tag"""


@dataclass(frozen=True, slots=True)
class _Offer:
    """A tag that might name an area."""

    area: int
    tag: int
    count: int
    importance: float


def named_areas(
    positions: Positions, tag_rows: NDArray[np.int64], tags: NDArray[np.int64], most: int = MOST
) -> list[Area]:
    """At most `most` areas, the most important first; the same for the same map.

    `tags[i]` is a tag of the expert in row `tag_rows[i]` of `positions`, float32[n, 2].
    """
    if len(positions) < FEWEST or not len(tags):
        return []
    corner = positions.min(axis=0)
    side = float(np.ptp(positions, axis=0).max()) or 1.0
    cells = np.minimum((positions - corner) * (CELLS / side), CELLS - 1).astype(np.int64)
    flat = cells[:, 0] * CELLS + cells[:, 1]
    counts = np.bincount(flat, minlength=CELLS * CELLS).reshape(CELLS, CELLS).astype(np.float64)
    peaks, area_of_cell = hills(smoothed(counts))
    inhabited, area_of_row = np.unique(area_of_cell[flat], return_inverse=True)  # level ground is all maxima
    peaks = peaks[inhabited]
    chosen: list[Area] = []
    taken: set[int] = set()
    for offer in _offers(area_of_row, len(peaks), tag_rows, tags):
        if offer.area in taken:
            continue
        place = corner + (np.array(divmod(int(peaks[offer.area]), CELLS)) + 0.5) * (side / CELLS)
        x, y = float(place[0]), float(place[1])
        if any(each.tag == offer.tag and np.hypot(each.x - x, each.y - y) < APART * side for each in chosen):
            taken.add(offer.area)  # a part of that area, rather than one that its second tag would tell apart
            continue
        taken.add(offer.area)
        chosen.append(Area(x, y, offer.tag, offer.count))
        if len(chosen) == most:
            break
    return chosen


def smoothed(counts: NDArray[np.float64], sigma: float = SMOOTHING) -> NDArray[np.float64]:
    """Counts float64[s, s] blurred by a Gaussian of `sigma` cells."""
    reach = int(3 * sigma) + 1
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    bell /= bell.sum()
    along = np.apply_along_axis(np.convolve, 0, counts, bell, "same")
    return np.apply_along_axis(np.convolve, 1, along, bell, "same")


def hills(density: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The local maxima (flat cell numbers, highest first), and for each cell the number of the one it climbs to."""
    side = len(density)
    framed = np.full((side + 2, side + 2), -1.0)
    framed[1:-1, 1:-1] = density
    shifts = [(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)]  # itself first: it wins a tie
    around = np.stack([framed[1 + i : side + 1 + i, 1 + j : side + 1 + j] for i, j in shifts])
    steps = np.array([i * side + j for i, j in shifts])
    uphill = np.arange(side * side) + steps[around.argmax(axis=0)].ravel()
    while (above := uphill[uphill]).tolist() != uphill.tolist():
        uphill = above
    peaks = np.unique(uphill)
    peaks = peaks[np.argsort(-density.ravel()[peaks], kind="stable")]
    number = np.empty(side * side, np.int64)
    number[peaks] = np.arange(len(peaks))
    return peaks, number[uphill]


def _offers(
    area_of_row: NDArray[np.int64], areas: int, tag_rows: NDArray[np.int64], tags: NDArray[np.int64]
) -> Iterator[_Offer]:
    """What might name which area, the most important first: by how many experts it describes, and how well."""
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
    for each in np.lexsort((known[tag_columns], rows, -importance)):
        row, column = int(rows[each]), int(tag_columns[each])
        yield _Offer(row, int(known[column]), int(table[row, column]), float(importance[each]))

"""How long a map takes, how much it moves, and how long its areas take: on made-up vectors, without a database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map import areas, moves
from indexing.embedding_map.layout import projection
from indexing.embedding_map.positions import Positions
from indexing.lib import processes
from tests.benchmarks import derived_encoder

DIMENSION = 384
TAGS = 60
TAGS_EACH = 3
CHANGED = 0.02
"""Share of the experts who are replaced before the second map."""
AGAIN_UP_TO = 10_000
"""Experts up to which the second map is also made without the first: ten minutes at 100,000."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Movement:
    """How far the experts who are on both maps moved, as shares of the map's radius."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Duration:
    seconds: float
    processor: float
    """Seconds of processor time: what one thread would take on an otherwise idle machine."""


@dataclass(frozen=True, slots=True)
class MapMeasurement:
    experts: int
    first: Duration
    again: Duration
    """Starting from the first map."""
    moved: Movement
    moved_afresh: Movement | None
    """Without the first map; None if that would take too long."""
    areas: int
    areas_ms: float
    peak_mb: int
    load: float
    """Of the machine over the last minute: how far the figures can be trusted."""


@dataclass(frozen=True, slots=True)
class MadeUpDirectory:
    """n experts: ids int64[n] rising, unit vectors float32[n, DIMENSION], and the profession int64[n] of each."""

    ids: NDArray[np.int64]
    vectors: Vectors
    groups: NDArray[np.int64]

    def changed(self, random: np.random.Generator) -> MadeUpDirectory:
        """A directory in which a share CHANGED of the experts is replaced by new ones of the same kinds."""
        count = max(int(len(self.ids) * CHANGED), 1)
        kept = np.sort(random.permutation(len(self.ids))[count:])
        like = random.integers(len(self.ids), size=count)
        return MadeUpDirectory(
            np.concatenate([self.ids[kept], self.ids.max() + 1 + np.arange(count)]),
            np.concatenate([self.vectors[kept], derived_encoder.perturbed(self.vectors[like], random)]),
            np.concatenate([self.groups[kept], self.groups[like]]),
        )


def make_up(count: int, random: np.random.Generator) -> MadeUpDirectory:
    """`count` experts: professions are near each other in fields, experts near each other in professions."""
    fields = _unit(random.standard_normal((12, DIMENSION), dtype=np.float32))
    professions = derived_encoder.perturbed(fields[random.integers(len(fields), size=TAGS)], random)
    groups = random.integers(TAGS, size=count)
    vectors = np.empty((count, DIMENSION), np.float32)
    for start in range(0, count, derived_encoder.BLOCK):
        vectors[start : start + derived_encoder.BLOCK] = derived_encoder.perturbed(
            professions[groups[start : start + derived_encoder.BLOCK]], random
        )
    return MadeUpDirectory(np.arange(1, count + 1), vectors, groups)


def measure(count: int, report: Callable[[str], None]) -> MapMeasurement:
    random = np.random.default_rng(count)
    directory = make_up(count, random)
    report(f"{count:,} experts: the first map")
    first, first_took = _laid_out(directory)
    later = directory.changed(random)
    report(f"{count:,} experts: the map after {CHANGED:.0%} changed")
    again, again_took = _laid_out(later, projection.PreviousMap(directory.ids, first))
    afresh = None
    if count <= AGAIN_UP_TO:
        report(f"{count:,} experts: the same without the first map")
        afresh = _movement(directory, first, later, _laid_out(later)[0])
    found, areas_seconds = _areas(later, again, random)
    return MapMeasurement(
        count,
        first_took,
        again_took,
        _movement(directory, first, later, again),
        afresh,
        found,
        round(areas_seconds * 1000, 1),
        processes.peak_mb(),
        round(os.getloadavg()[0], 1),
    )


def _laid_out(
    directory: MadeUpDirectory, previous: projection.PreviousMap | None = None
) -> tuple[Positions, Duration]:
    began, processor = time.perf_counter(), time.process_time()
    positions = projection.layout(directory.vectors, directory.ids, previous=previous)
    took = Duration(round(time.perf_counter() - began, 2), round(time.process_time() - processor, 2))
    return positions, took


def _movement(before: MadeUpDirectory, old: Positions, after: MadeUpDirectory, new: Positions) -> Movement:
    distances = moves.moves(before.ids, old, after.ids, new).distances
    return Movement(*(round(float(each), 4) for each in np.quantile(distances, (0.5, 0.95))))


def _areas(directory: MadeUpDirectory, positions: Positions, random: np.random.Generator) -> tuple[int, float]:
    """How many areas have a name, and the processor seconds that naming them takes: the median of five times."""
    rows = np.repeat(np.arange(len(directory.ids)), TAGS_EACH)
    tags = np.where(np.arange(len(rows)) % TAGS_EACH, random.integers(TAGS, size=len(rows)), directory.groups[rows])
    took = []
    for _each in range(5):
        began = time.process_time()
        found = areas.named_areas(positions, rows, tags)
        took.append(time.process_time() - began)
    return len(found), float(np.median(took))


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

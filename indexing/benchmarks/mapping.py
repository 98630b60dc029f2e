"""How long a map takes, how much it moves, and how long its areas take: over made vectors, without a database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.benchmarks import derived
from indexing.embedding_map import areas, moves
from indexing.embedding_map.layout import projection
from indexing.embedding_map.positions import Positions
from indexing.lib import processes

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
    """Of those who are on both maps, as shares of the map's radius."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Took:
    seconds: float
    processor: float
    """seconds of processor time: what it would take on a machine with nothing else to do, where one thread works"""


@dataclass(frozen=True, slots=True)
class Measured:
    experts: int
    first: Took
    again: Took
    """with the first map to start from"""
    moved: Movement
    moved_afresh: Movement | None
    """without it"""
    areas: int
    areas_ms: float
    peak_mb: int
    load: float
    """of the machine over the last minute: how far the figures can be trusted"""


@dataclass(frozen=True, slots=True)
class Directory:
    ids: NDArray[np.int64]
    vectors: Vectors
    groups: NDArray[np.int64]

    def changed(self, random: np.random.Generator) -> Directory:
        """One with CHANGED of its experts gone, and as many new ones of the same kinds."""
        count = max(int(len(self.ids) * CHANGED), 1)
        kept = np.sort(random.permutation(len(self.ids))[count:])
        like = random.integers(len(self.ids), size=count)
        return Directory(
            np.concatenate([self.ids[kept], self.ids.max() + 1 + np.arange(count)]),
            np.concatenate([self.vectors[kept], derived.perturbed(self.vectors[like], random)]),
            np.concatenate([self.groups[kept], self.groups[like]]),
        )


def made(count: int, random: np.random.Generator) -> Directory:
    """Professions near each other in fields, experts near each other in professions."""
    fields = _unit(random.standard_normal((12, DIMENSION), dtype=np.float32))
    professions = derived.perturbed(fields[random.integers(len(fields), size=TAGS)], random)
    groups = random.integers(TAGS, size=count)
    vectors = np.empty((count, DIMENSION), np.float32)
    for start in range(0, count, derived.BLOCK):
        vectors[start : start + derived.BLOCK] = derived.perturbed(
            professions[groups[start : start + derived.BLOCK]], random
        )
    return Directory(np.arange(1, count + 1), vectors, groups)


def measure(count: int, say: Callable[[str], None]) -> Measured:
    random = np.random.default_rng(count)
    directory = made(count, random)
    say(f"{count:,} experts: the first map")
    first, first_took = _laid_out(directory)
    later = directory.changed(random)
    say(f"{count:,} experts: the map after {CHANGED:.0%} changed")
    again, again_took = _laid_out(later, projection.Previous(directory.ids, first))
    afresh = None
    if count <= AGAIN_UP_TO:
        say(f"{count:,} experts: the same without the first map")
        afresh = _movement(directory, first, later, _laid_out(later)[0])
    found, areas_seconds = _areas(later, again, random)
    return Measured(
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


def _laid_out(directory: Directory, previous: projection.Previous | None = None) -> tuple[Positions, Took]:
    began, processor = time.perf_counter(), time.process_time()
    positions = projection.layout(directory.vectors, directory.ids, previous=previous)
    took = Took(round(time.perf_counter() - began, 2), round(time.process_time() - processor, 2))
    return positions, took


def _movement(before: Directory, old: Positions, after: Directory, new: Positions) -> Movement:
    distances = moves.moves(before.ids, old, after.ids, new).distances
    return Movement(*(round(float(each), 4) for each in np.quantile(distances, (0.5, 0.95))))


def _areas(directory: Directory, positions: Positions, random: np.random.Generator) -> tuple[int, float]:
    """How many areas have a name, and the median of five times that naming them takes, of processor time."""
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

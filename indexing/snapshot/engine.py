"""What finds the nearest vectors of a version: the files of the version, or a server. Nothing else knows which.

The rows are those of the version's matrix of vectors (`indexing.building.layout`): first the experts', then their
passages'. What counts are the rows of texts: experts with one vector, and passages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.prefilter import Prefilter

Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows and their cosine similarities, best first."""


class SearchableVectors(Protocol):
    """The vectors of one version, opened: immutable, and safe for any number of threads."""

    @property
    def matrix(self) -> NDArray[np.float32] | None:
        """float32[r, d]: all of them, where comparing a query with many is cheap; None where they are elsewhere."""

    @property
    def compares_all(self) -> bool:
        """Whether there is no index, and every query is compared with all of `matrix`."""

    @property
    def count(self) -> int:
        """How many vectors it holds."""

    @property
    def dimension(self) -> int:
        """Floats per vector, d."""

    @property
    def kind(self) -> str:
        """EXACT, HNSW or IVF: see `indexing.snapshot.manifest`."""

    @property
    def effort(self) -> int:
        """How many candidates a search keeps, or in how many lists it looks; see `indexing.snapshot.recall`."""

    def with_effort(self, effort: int) -> Self:
        """The same vectors, searched with another effort."""

    def search(self, vectors: NDArray[np.float32], k: int) -> Found:
        """The k nearest rows to each of m unit vectors, float32[m, d].

        Returns rows int64[m, j] and similarities float32[m, j], j <= k, filled up with row -1.
        """

    def reader(self, vector: NDArray[np.float32], only: Prefilter | None) -> Callable[[int], Found]:
        """A function that returns the k nearest rows to a unit `vector`, float32[d], among the experts of `only`.

        It returns int64[j] and float32[j], j <= k; fewer than k if there are no more.
        """

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[k, d]: the vectors of these `rows`, int64[k]."""

    def require_ready(self) -> None:
        """Check that it can be searched now. Raises VectorsUnavailable or SnapshotInvalid."""


@dataclass(frozen=True, slots=True, eq=False)
class VersionVectors:
    """What an engine makes a version's index from."""

    folder: Path
    """where the version's files are while it is built"""
    number: int
    fence: int
    database: str
    """the id of the database that the version belongs to"""
    ids: NDArray[np.int64]
    """int64[n]: of the experts"""
    matrix: NDArray[np.float32]
    """float32[n + m, d], memory-mapped"""
    passages: PassageRows
    facets: FacetColumns
    """the columns over the n experts"""


class Engine(Protocol):
    """Makes, opens and deletes the indexes of versions. Each method may raise VectorsUnavailable."""

    @property
    def name(self) -> str:
        """As manifests have it."""

    def build(
        self, of: VersionVectors, *, approximate: bool, advance: Callable[[int], None] = lambda count: None
    ) -> SearchableVectors:
        """Make the index of a version, which compares every vector unless it is `approximate`; and open it.

        `advance` is called with the number of rows done since its last call; what it raises ends the building.
        """

    def open(
        self, folder: Path, manifest: Manifest, matrix: NDArray[np.float32], passages: PassageRows
    ) -> SearchableVectors:
        """The index of the version in `folder`; `matrix` is float32[n + m, d]. Raises SnapshotInvalid."""

    def drop(self, of: VersionVectors) -> None:
        """Delete the index that `build` made."""

"""The engine of most installations: the vectors are a mapped file, with an index beside it if they are many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message
from indexing.snapshot import vectors
from indexing.snapshot.engine import Found, VersionVectors
from indexing.snapshot.list_index import LISTS_LOOKED_AT, ListIndex, build_lists
from indexing.snapshot.manifest import EXACT, FILES_ENGINE, IVF, Manifest
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.vectors import (
    EF_SEARCH,
    VectorIndex,
    best_of,
    build_index,
    compare_each,
    nearest,
    products,
)
from indexing.snapshot.version_files import unreadable
from indexing.snapshot.writer import ANN, VECTORS


class MappedVectors:
    """The vectors in a file, and perhaps an index over them."""

    def __init__(
        self, matrix: NDArray[np.float32], passages: PassageRows, ann: VectorIndex | ListIndex | None
    ) -> None:
        """`matrix` is float32[n + m, d]; `ann` is an index over its rows."""
        self.matrix = np.asarray(matrix)  # a plain array is indexed in half the time of a mapped one
        self.compares_all = ann is None
        self._passages = passages
        self._ann = ann

    @property
    def count(self) -> int:
        return len(self.matrix)

    @property
    def dimension(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def kind(self) -> str:
        return self._ann.kind if self._ann else EXACT

    @property
    def effort(self) -> int:
        return self._ann.effort if self._ann else self.count

    def with_effort(self, effort: int) -> MappedVectors:
        return MappedVectors(self.matrix, self._passages, self._ann.with_effort(effort) if self._ann else None)

    def search(self, vectors: NDArray[np.float32], k: int) -> Found:
        """int64[m, j] and float32[m, j] for float32[m, d]."""
        return self._ann.search(vectors, k) if self._ann else nearest(self.matrix, vectors, min(k, self.count))

    def reader(self, vector: NDArray[np.float32], only: Prefilter | None) -> Callable[[int], Found]:
        """For a `vector`, float32[d]."""
        if only is not None:
            counted = self._passages.counted(only.mask)
            return lambda k: self._among(vector, k, counted)
        return lambda k: self._nearest(vector, k)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[k, d] of int64[k]."""
        return self.matrix[rows]

    def require_ready(self) -> None:
        """It always can be searched."""

    def _nearest(self, vector: NDArray[np.float32], k: int) -> Found:
        if self._ann is not None:
            rows, similarities = self._ann.search(vector[np.newaxis], k)
            return rows[0], similarities[0]
        similarities = products(self.matrix, vector)
        best = best_of(similarities, k)
        return best, similarities[best]

    def _among(self, vector: NDArray[np.float32], k: int, counted: NDArray[np.bool_]) -> Found:
        if self._ann is not None:
            return self._ann.search_among(self.matrix, vector, k, counted)
        rows = np.flatnonzero(counted)
        return compare_each(self.matrix, vector, min(k, len(rows)), rows)


class FilesEngine:
    """Versions whose vectors are searched in their own files."""

    name = FILES_ENGINE

    def build(
        self, of: VersionVectors, *, approximate: bool, advance: Callable[[int], None] = lambda count: None
    ) -> MappedVectors:
        if approximate:
            make = build_lists if len(of.matrix) > vectors.GRAPH_UP_TO else build_index
            return MappedVectors(of.matrix, of.passages, make(of.matrix, of.folder / ANN, advance=advance))
        advance(len(of.matrix))
        return MappedVectors(of.matrix, of.passages, None)

    def open(
        self, folder: Path, manifest: Manifest, matrix: NDArray[np.float32], passages: PassageRows
    ) -> MappedVectors:
        """Over a `matrix`, float32[n + m, d]. Raises SnapshotInvalid."""
        ann = _ann(folder / ANN, manifest, np.asarray(matrix)) if manifest.ann_kind != EXACT else None
        if ann is not None and (ann.count, ann.dimension) != matrix.shape:
            raise SnapshotInvalid(
                message(
                    "%(file)s holds %(found)s vectors of %(dimension)s dimensions, %(other)s holds %(expected)s of "
                    "%(expected_dimension)s. Rebuild the index.",
                    file=ANN,
                    found=ann.count,
                    dimension=ann.dimension,
                    other=VECTORS,
                    expected=len(matrix),
                    expected_dimension=manifest.dimension,
                ),
            )
        return MappedVectors(matrix, passages, ann)

    def drop(self, of: VersionVectors) -> None:
        (of.folder / ANN).unlink(missing_ok=True)


FILES = FilesEngine()


def _ann(path: Path, manifest: Manifest, matrix: NDArray[np.float32]) -> VectorIndex | ListIndex:
    try:
        if manifest.ann_kind == IVF:
            return ListIndex.open(path, matrix, manifest.ann_effort or LISTS_LOOKED_AT)
        return VectorIndex.open(path, manifest.ann_effort or EF_SEARCH)
    except RuntimeError as error:
        raise unreadable(path, str(error).strip().splitlines()[-1]) from error

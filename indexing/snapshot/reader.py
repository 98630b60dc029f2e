"""Opens a whole version, to be searched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from indexing.errors import SnapshotInvalid
from indexing.lib.messages import count_of_experts, message
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.keyword_index import KeywordIndex
from indexing.snapshot.lookup import require_rows
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.suggestion_index import Suggestions
from indexing.snapshot.vectors import Spread, VectorIndex, products
from indexing.snapshot.version_files import check_files, open_array, open_facets, read_manifest, unreadable
from indexing.snapshot.writer import ANN, FACETS, IDS, KEYWORDS, SUGGESTIONS, TEXT_HASHES, VECTORS


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Snapshot:
    """One version, opened: immutable, safe for any number of threads, and independent of its folder once open.

    Row i of every array is the expert ids[i]. Nothing has to be closed: open files and memory maps are released with
    the last reference.
    """

    baseline: Baseline
    text_hashes: NDArray[np.uint8]
    """uint8[n, 16]: hashes of the encoded texts; an equal hash means that the vector can be reused."""
    vectors: NDArray[np.float32]
    """float32[n, d], unit length, memory-mapped and read-only."""
    facets: FacetColumns
    ann: VectorIndex
    keywords: KeywordIndex
    spread: Spread
    suggestions: Suggestions

    @classmethod
    def open(cls, folder: Path, *, check_hashes: bool = True, manifest_sha256: str | None = None) -> Snapshot:
        """Open `folder` and check it: manifest against `manifest_sha256`, sizes, hashes, counts, dimensions.

        Raises SnapshotInvalid, which names the first file that is missing, damaged or does not fit.
        """
        manifest = read_manifest(folder, manifest_sha256)
        check_files(folder, manifest, hashes=check_hashes)
        vectors = open_array(
            folder / VECTORS, np.dtype(np.float32), (manifest.count, manifest.dimension), mapped=True
        )
        snapshot = cls(
            baseline=Baseline.read(folder, manifest),
            text_hashes=open_array(folder / TEXT_HASHES, np.dtype(np.uint8), (manifest.count, HASH_BYTES)),
            vectors=vectors,
            facets=open_facets(folder / FACETS),
            ann=_ann(folder / ANN),
            keywords=_keywords(folder / KEYWORDS),
            spread=Spread.from_vectors(vectors),
            suggestions=_suggestions(folder / SUGGESTIONS, manifest.count),
        )
        snapshot._check_agreement()
        return snapshot

    @property
    def manifest(self) -> Manifest:
        """The version's description."""
        return self.baseline.manifest

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64[n], strictly rising."""
        return self.baseline.ids

    @property
    def number(self) -> int:
        """The version's number."""
        return self.manifest.number

    def __len__(self) -> int:
        return self.manifest.count

    def semantic(
        self, vector: NDArray[np.float32], k: int, only: Prefilter | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k experts nearest to a unit `vector`, float32[d], among those that pass `only`.

        Returns expert ids int64[m] and cosine similarities float32[m], m <= k, best first.
        """
        if only is not None:
            selected, near = self.ann.search_among(self.vectors, vector, k, only.mask)
            return self.ids[selected], near
        rows, similarities = self.ann.search(vector[np.newaxis], k)
        found = rows[0] >= 0
        return self.ids[rows[0][found]], similarities[0][found]

    def keyword(
        self, query: str, k: int, only: Prefilter | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k experts who match the words of `query` best, among those that pass `only`.

        Returns expert ids int64[m] and BM25 scores float32[m], m <= k, best first. Any text is answered, never an
        error.
        """
        return self.keywords.search(query, k, only.conditions if only else None)

    def similarities(self, vector: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine similarity float32[m] of a unit `vector`, float32[d], to each of `ids`, int64[m].

        Raises KeyError with an id that this version does not have.
        """
        return products(self.vectors[self.rows(ids)], vector)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row int64[m] of each expert id int64[m]. Raises KeyError with an id that this version does not have."""
        return require_rows(self.ids, ids)

    def _check_agreement(self) -> None:
        count, dimension = self.manifest.count, self.manifest.dimension
        for file, found in ((ANN, self.ann.count), (FACETS, len(self.facets)), (KEYWORDS, self.keywords.count)):
            if found != count:
                raise SnapshotInvalid(
                    message(
                        "%(file)s holds %(found)s, the manifest says %(count)s. Rebuild the index.",
                        file=file,
                        found=count_of_experts(found),
                        count=count,
                    ),
                )
        if self.ann.dimension != dimension or self.ann.kind != self.manifest.ann_kind:
            raise SnapshotInvalid(
                message(
                    "%(file)s is %(kind)s with %(found)s dimensions, the manifest says %(expected)s with "
                    "%(dimension)s. Rebuild the index.",
                    file=ANN,
                    kind=self.ann.kind,
                    found=self.ann.dimension,
                    expected=self.manifest.ann_kind,
                    dimension=dimension,
                ),
            )
        if not (np.diff(self.ids) > 0).all():
            raise unreadable(IDS, "the ids are not in rising order")


def _suggestions(path: Path, experts: int) -> Suggestions:
    try:
        return Suggestions.load(path, experts)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise unreadable(path, error) from error


def _ann(path: Path) -> VectorIndex:
    try:
        return VectorIndex.open(path)
    except RuntimeError as error:
        raise unreadable(path, str(error).strip().splitlines()[-1]) from error


def _keywords(folder: Path) -> KeywordIndex:
    try:
        return KeywordIndex.open(folder)
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from error

"""Opens a whole version, to be searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from indexing.errors import SnapshotInvalid
from indexing.lib.messages import count_of_experts, message
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.engine import Engine
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.feedback_terms import FeedbackTerms
from indexing.snapshot.files_engine import FILES
from indexing.snapshot.keyword_index import KeywordIndex
from indexing.snapshot.lookup import require_rows
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.meaning_index import MeaningIndex, Nearness
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.spread import Spread
from indexing.snapshot.suggestion_index import Suggestions
from indexing.snapshot.version_files import (
    check_files,
    open_array,
    open_facets,
    open_passages,
    read_manifest,
    unreadable,
)
from indexing.snapshot.writer import (
    FACETS,
    FEEDBACK,
    FEEDBACK_WORDS,
    IDS,
    KEYWORDS,
    SUGGESTIONS,
    TEXT_HASHES,
    VECTORS,
)

ENGINES: Mapping[str, Engine] = {FILES.name: FILES}
"""Those that need no server."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Snapshot:
    """One version, opened: immutable, safe for any number of threads, and independent of its folder once open.

    Row i of every array is the expert ids[i]. Nothing has to be closed: open files and memory maps are released with
    the last reference.
    """

    baseline: Baseline
    text_hashes: NDArray[np.uint8]
    """uint8[n, 16]: hashes of the whole profiles; an equal hash means that their vectors can be reused."""
    matrix: NDArray[np.float32]
    """float32[n + m, d], unit length, memory-mapped and read-only: those of the experts, then their passages'. What
    searches asks `meaning` instead, which may have them elsewhere."""
    facets: FacetColumns
    meaning: MeaningIndex
    keywords: KeywordIndex
    spread: Spread
    suggestions: Suggestions
    feedback: FeedbackTerms | None
    """None if the version was built by a release that did not store them."""

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        check_hashes: bool = True,
        manifest_sha256: str | None = None,
        engines: Mapping[str, Engine] = ENGINES,
    ) -> Snapshot:
        """Open `folder` and check it: manifest against `manifest_sha256`, sizes, hashes, counts, dimensions.

        `engines` has those that this process can use by name.
        Raises SnapshotInvalid, which names the first file that is missing, damaged or does not fit.
        """
        manifest = read_manifest(folder, manifest_sha256)
        check_files(folder, manifest, hashes=check_hashes)
        passages = open_passages(folder, manifest)
        rows = manifest.count + len(passages)
        matrix = open_array(folder / VECTORS, np.dtype(np.float32), (rows, manifest.dimension), mapped=True)
        index = _engine(manifest, engines).open(folder, manifest, matrix, passages)
        snapshot = cls(
            baseline=Baseline.read(folder, manifest),
            text_hashes=open_array(folder / TEXT_HASHES, np.dtype(np.uint8), (manifest.count, HASH_BYTES)),
            matrix=matrix,
            facets=open_facets(folder / FACETS),
            meaning=MeaningIndex(index, manifest.count, passages),
            keywords=_keywords(folder / KEYWORDS),
            spread=Spread.from_vectors(matrix, passages.whole_rows(manifest.count)),
            suggestions=_suggestions(folder / SUGGESTIONS, manifest.count),
            feedback=_feedback(folder, manifest, len(passages)),
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
    def vectors(self) -> NDArray[np.float32]:
        """float32[n, d], unit length, memory-mapped and read-only: one for each expert.

        Of an expert with several passages it is the normalised mean of their vectors.
        """
        return self.matrix[: len(self)]

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

        Returns expert ids int64[m] and similarities float32[m], m <= k, best first. An expert's similarity is the
        cosine similarity of their best passage, corrected for their number: see `indexing.snapshot.meaning_index`.
        """
        rows, similarities = self.meaning.nearest(vector, k, only)
        return self.ids[rows], similarities

    def compared(
        self, vector: NDArray[np.float32], k: int, only: Prefilter | None = None
    ) -> tuple[tuple[NDArray[np.int64], NDArray[np.float32]], Nearness]:
        """What `semantic` returns, ids int64[m] and similarities float32[m] for `vector`, float32[d]; and the
        similarities of anybody else, by their rows."""
        (rows, similarities), nearness = self.meaning.compared(vector, k, only)
        return (self.ids[rows], similarities), nearness

    def keyword(
        self, query: str, k: int, only: Prefilter | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k experts who match the words of `query` best, among those that pass `only`.

        Returns expert ids int64[m] and BM25 scores float32[m], m <= k, best first. Any text is answered, never an
        error.
        """
        return self.keywords.search(query, k, only.conditions if only else None)

    def similarities(self, vector: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Similarity float32[m] of a unit `vector`, float32[d], to each of `ids`, int64[m], as in `semantic`.

        Raises KeyError with an id that this version does not have.
        """
        return self.meaning.similarities(vector, self.rows(ids))

    def best_passages(self, vector: NDArray[np.float32], ids: NDArray[np.int64]) -> list[tuple[int, int] | None]:
        """For each of `ids`, int64[m], the piece of the profile nearest to a unit `vector`, float32[d].

        Given as its start and length in the bio as it was when the version was built; None if the profile was short
        enough to count as a whole. Raises KeyError with an id that this version does not have.
        """
        return self.meaning.best_passages(vector, self.rows(ids))

    def having(self, phrases: Sequence[str], excluded: Sequence[str]) -> NDArray[np.bool_]:
        """bool[n]: which rows have every phrase, and none of the excluded words and phrases, in their profile."""
        mask = np.ones(len(self), np.bool_)
        for text, wanted in (*((each, True) for each in phrases), *((each, False) for each in excluded)):
            found = np.zeros(len(self), np.bool_)
            found[self.rows(self.keywords.having(text))] = True
            mask &= found if wanted else ~found
        return mask

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row int64[m] of each expert id int64[m]. Raises KeyError with an id that this version does not have."""
        return require_rows(self.ids, ids)

    def _check_agreement(self) -> None:
        count = self.manifest.count
        for file, found in ((FACETS, len(self.facets)), (KEYWORDS, self.keywords.count)):
            if found != count:
                raise SnapshotInvalid(
                    message(
                        "%(file)s holds %(found)s, the manifest says %(count)s. Rebuild the index.",
                        file=file,
                        found=count_of_experts(found),
                        count=count,
                    ),
                )
        if not (np.diff(self.ids) > 0).all():
            raise unreadable(IDS, "the ids are not in rising order")


def _engine(manifest: Manifest, engines: Mapping[str, Engine]) -> Engine:
    if manifest.engine not in engines:
        raise SnapshotInvalid(
            message(
                "The vectors of version %(number)s are in Milvus. Set TCS_MILVUS_URI and restart, or rebuild the "
                "index.",
                number=manifest.number,
            )
        )
    return engines[manifest.engine]


def _suggestions(path: Path, experts: int) -> Suggestions:
    try:
        return Suggestions.load(path, experts)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise unreadable(path, error) from error


def _feedback(folder: Path, manifest: Manifest, passages: int) -> FeedbackTerms | None:
    if FEEDBACK not in manifest.files:
        return None
    try:
        return FeedbackTerms.load(folder / FEEDBACK, folder / FEEDBACK_WORDS, manifest.count, passages)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise unreadable(folder / FEEDBACK, error) from error


def _keywords(folder: Path) -> KeywordIndex:
    try:
        return KeywordIndex.open(folder)
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from error

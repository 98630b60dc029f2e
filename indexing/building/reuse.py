"""Vectors of the previous version, found by the hash of their text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from experts.profiles.passages import RULE
from experts.profiles.text import TEMPLATE_VERSION
from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.version_files import check_files, open_passages, passage_files, read_manifest
from indexing.snapshot.writer import PASSAGE_HASHES, TEXT_HASHES, VECTORS

NONE = -1


class PreviousVectors:
    """The vectors of one version by text hash (16 bytes). Its files are verified: damaged vectors would be copied."""

    def __init__(
        self,
        manifest: Manifest,
        hashes: NDArray[np.uint8],
        passages: PassageRows,
        passage_hashes: NDArray[np.uint8],
        matrix: NDArray[np.float32],
    ) -> None:
        """`hashes` are uint8[n, 16], those of the m passages uint8[m, 16]; `matrix` is float32[n + m, d]."""
        self.manifest = manifest
        self.matrix = matrix
        self._passages = passages
        self._passage_hashes = list(_each(passage_hashes))
        self._experts = {each: row for row, each in enumerate(_each(hashes))}
        several = dict(zip(passages.owners.tolist(), range(len(passages.owners)), strict=True))
        self._several = several
        self._rows = {each: row for each, row in self._experts.items() if row not in several}
        self._rows |= {each: row for row, each in enumerate(self._passage_hashes, len(hashes))}

    @classmethod
    def open(cls, folder: Path) -> PreviousVectors:
        """Open those of the version in `folder`. Raises SnapshotInvalid if its files do not match its manifest."""
        manifest = read_manifest(folder)
        check_files(folder, manifest, hashes=True, only=(TEXT_HASHES, VECTORS, *passage_files(manifest)))
        passages = open_passages(folder, manifest)
        hashes = np.load(folder / TEXT_HASHES, allow_pickle=False)
        matrix = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        of_passages = np.empty((0, HASH_BYTES), np.uint8)
        if passage_files(manifest):
            of_passages = np.load(folder / PASSAGE_HASHES, allow_pickle=False)
        shapes = (hashes.shape, of_passages.shape, matrix.shape)
        rows = manifest.count + len(passages)
        if shapes != ((manifest.count, HASH_BYTES), (len(passages), HASH_BYTES), (rows, manifest.dimension)):
            raise SnapshotInvalid(
                message("%(file)s is not as long as the manifest says. Rebuild the index.", file=folder)
            )
        return cls(manifest, hashes, passages, of_passages, matrix)

    def is_compatible(self, fingerprint: str) -> bool:
        """Whether the encoder with this fingerprint would give the same vectors for the same hashes."""
        return self.manifest.fingerprint == fingerprint and self.manifest.template_version == TEMPLATE_VERSION

    def __contains__(self, text: bytes) -> bool:
        """Whether it has the vector of the text with this hash."""
        return text in self._rows

    def rows(self, hashes: Sequence[bytes]) -> NDArray[np.int64]:
        """Row int64[k], in `matrix`, of the vector of each text; -1 if the version does not have it."""
        return np.fromiter((self._rows.get(each, NONE) for each in hashes), np.int64, len(hashes))

    def passages_of(self, whole: bytes) -> Iterator[tuple[int, int, bytes]] | None:
        """Start, length and hash of each passage of the profile with this hash; nothing if it has one vector.

        None if the version does not have the profile, or divided profiles by another rule.
        """
        row = self._experts.get(whole)
        if row is None or self.manifest.passage_rule != RULE:
            return None
        return self._listed(self._several[row]) if row in self._several else iter(())

    def _listed(self, place: int) -> Iterator[tuple[int, int, bytes]]:
        start, count = int(self._passages.starts[place]), int(self._passages.counts[place])
        for at, (_owner, begins, length) in enumerate(self._passages.table[start : start + count].tolist(), start):
            yield begins, length, self._passage_hashes[at]


def _each(hashes: NDArray[np.uint8]) -> Iterator[bytes]:
    raw = np.ascontiguousarray(hashes).tobytes()
    return (raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))

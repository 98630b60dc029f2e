"""Vectors of the previous version, found by the hash of their text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from experts.profiles.text import TEMPLATE_VERSION
from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.version_files import check_files, read_manifest
from indexing.snapshot.writer import TEXT_HASHES, VECTORS

NONE = -1


class PreviousVectors:
    """The vectors of one version by text hash (16 bytes). Its files are verified: damaged vectors would be copied."""

    def __init__(self, manifest: Manifest, hashes: NDArray[np.uint8], vectors: NDArray[np.float32]) -> None:
        self.manifest = manifest
        self.vectors = vectors
        raw = np.ascontiguousarray(hashes).tobytes()
        self._rows = {raw[at : at + HASH_BYTES]: at // HASH_BYTES for at in range(0, len(raw), HASH_BYTES)}

    @classmethod
    def open(cls, folder: Path) -> PreviousVectors:
        """Open those of the version in `folder`. Raises SnapshotInvalid if its files do not match its manifest."""
        manifest = read_manifest(folder)
        check_files(folder, manifest, hashes=True, only=(TEXT_HASHES, VECTORS))
        hashes = np.load(folder / TEXT_HASHES, allow_pickle=False)
        vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        if hashes.shape != (manifest.count, HASH_BYTES) or vectors.shape != (manifest.count, manifest.dimension):
            raise SnapshotInvalid(
                message("%(file)s is not as long as the manifest says. Rebuild the index.", file=folder)
            )
        return cls(manifest, hashes, vectors)

    def is_compatible(self, fingerprint: str) -> bool:
        """Whether the encoder with this fingerprint would give the same vectors for the same hashes."""
        return self.manifest.fingerprint == fingerprint and self.manifest.template_version == TEMPLATE_VERSION

    def rows(self, hashes: Sequence[bytes]) -> NDArray[np.int64]:
        """Row int64[n] of each hash; -1 if the version does not have it."""
        return np.fromiter((self._rows.get(each, NONE) for each in hashes), np.int64, len(hashes))

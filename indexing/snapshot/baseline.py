"""As much of a version as the directory is compared with: for whoever does not serve it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.manifest import Manifest
from indexing.snapshot.profiles import Profiles
from indexing.snapshot.reader import check_files, open_field_hashes, open_ids, open_profiles, read_manifest
from indexing.snapshot.writer import FIELD_HASHES, IDS, PROFILE_FILES


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Baseline:
    """Row i of every array is the expert ids[i], as in the `Snapshot` of the same folder."""

    manifest: Manifest
    ids: NDArray[np.int64]
    field_hashes: NDArray[np.uint64]
    profiles: Profiles | None

    @classmethod
    def open(cls, folder: Path, manifest_sha256: str) -> Self:
        """Reads and hashes a few files only, a fraction of a second at 100,000 experts. Raises SnapshotInvalid."""
        manifest = read_manifest(folder, manifest_sha256)
        kept = tuple(name for name in PROFILE_FILES if name in manifest.files)
        check_files(folder, manifest, hashes=True, only=(IDS, FIELD_HASHES, *kept))
        return cls(
            manifest=manifest,
            ids=open_ids(folder, manifest),
            field_hashes=open_field_hashes(folder, manifest),
            profiles=open_profiles(folder, manifest),
        )

    @property
    def number(self) -> int:
        return self.manifest.number

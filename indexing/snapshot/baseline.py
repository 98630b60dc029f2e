"""The part of a version that the directory or another version is compared with, without what searches need."""

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
    """Ids, hashes and stored profiles of one version. Row i of every array is the expert ids[i], as in `Snapshot`."""

    manifest: Manifest
    ids: NDArray[np.int64]
    """int64[n], strictly rising."""
    field_hashes: NDArray[np.uint64]
    """uint64[n, fields]: one hash for each of `experts.profiles.records.FIELDS`."""
    profiles: Profiles | None
    """None if the version was built by a release that did not store profiles."""

    @classmethod
    def open(cls, folder: Path, manifest_sha256: str) -> Self:
        """Open and verify only these files of the version in `folder`: a fraction of a second at 100,000 experts.

        Raises SnapshotInvalid if the manifest does not have that hash, or a file is missing or damaged.
        """
        manifest = read_manifest(folder, manifest_sha256)
        stored = tuple(name for name in PROFILE_FILES if name in manifest.files)
        check_files(folder, manifest, hashes=True, only=(IDS, FIELD_HASHES, *stored))
        return cls(
            manifest=manifest,
            ids=open_ids(folder, manifest),
            field_hashes=open_field_hashes(folder, manifest),
            profiles=open_profiles(folder, manifest),
        )

    @property
    def number(self) -> int:
        """The version's number."""
        return self.manifest.number

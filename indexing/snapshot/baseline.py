"""The part of a version that is compared with the directory or another version: who is in it, and their fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.lookup import require_rows
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.profiles import Profile, Profiles
from indexing.snapshot.version_files import (
    check_files,
    open_field_hashes,
    open_ids,
    open_profiles,
    read_manifest,
)
from indexing.snapshot.writer import FIELD_HASHES, IDS, PROFILE_FILES


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Baseline:
    """A few files of a version: a fraction of its memory, and all that comparing needs. A `Snapshot` has one.

    Row i of every array is the expert ids[i].
    """

    manifest: Manifest
    ids: NDArray[np.int64]
    """int64[n], strictly rising."""
    field_hashes: NDArray[np.uint64]
    """uint64[n, fields]: tells which of `experts.profiles.records.FIELDS` changed since."""
    profiles: Profiles | None
    """None if the version was built by a release that did not store them."""

    @classmethod
    def open(cls, folder: Path, manifest_sha256: str) -> Self:
        """Check the hashes of these files and read them, in a fraction of a second at 100,000 experts.

        Raises SnapshotInvalid, which names the first file that is missing, damaged or does not fit.
        """
        manifest = read_manifest(folder, manifest_sha256)
        profile_files = tuple(name for name in PROFILE_FILES if name in manifest.files)
        check_files(folder, manifest, hashes=True, only=(IDS, FIELD_HASHES, *profile_files))
        return cls.read(folder, manifest)

    @classmethod
    def read(cls, folder: Path, manifest: Manifest) -> Self:
        """Read files that have already been checked. Raises SnapshotInvalid if one does not fit the manifest."""
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

    def __len__(self) -> int:
        """Number of experts."""
        return self.manifest.count

    def profiles_of(self, ids: Sequence[int]) -> dict[int, Profile]:
        """The stored profile of each expert id; empty if the version has no profiles.

        Raises KeyError if it has profiles, but not that expert.
        """
        if self.profiles is None or not len(ids):
            return {}
        rows = require_rows(self.ids, np.asarray(ids, np.int64)).tolist()
        profiles = self.profiles.at(rows)
        return {expert_id: profiles[row] for expert_id, row in zip(ids, rows, strict=True)}

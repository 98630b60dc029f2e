"""Write a version: every file into a building folder, flushed to the disk, then one rename."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexing.errors import VersionExists
from indexing.lib.files import flush_to_disk, hashing
from indexing.lib.messages import message
from indexing.lib.ownership import MARK, mark
from indexing.snapshot.manifest import MANIFEST_NAME, FileEntry
from indexing.snapshot.profiles import Profiles

logger = logging.getLogger(__name__)

IDS = "ids.npy"
TEXT_HASHES = "text_hashes.npy"
FIELD_HASHES = "field_hashes.npy"
VECTORS = "vectors.npy"
ANN = "ann.faiss"
FACETS = "facets.npz"
SUGGESTIONS = "suggest.npz"
PASSAGES = "passages.npy"
PASSAGE_HASHES = "passage_hashes.npy"
KEYWORDS = "keywords"
ROW_DIGESTS = "row_digests.npy"
PROFILES = "profiles.npy"
PROFILE_ENDS = "profile_ends.npy"
NONSENSE = "nonsense.npy"
FEEDBACK = "feedback.npy"
FEEDBACK_WORDS = "feedback_words.npz"
WORD_HASHES = "word_hashes.npy"
WORD_LANGUAGES = "word_languages.npy"
INDEXED = "indexed.bin"
INDEXED_ENDS = "indexed_ends.npy"
TEXT_TERMS = "text_terms.npz"
PASSAGE_TERMS = "passage_terms.npz"
ARRAYS = (IDS, TEXT_HASHES, FIELD_HASHES, VECTORS, FACETS, SUGGESTIONS)
PASSAGE_FILES = (PASSAGES, PASSAGE_HASHES)
"""Versions of earlier releases have one vector for each expert, and not these files."""
WORD_FILES = (WORD_HASHES, WORD_LANGUAGES, INDEXED, INDEXED_ENDS, TEXT_TERMS, PASSAGE_TERMS)
"""What the next build takes over of the words (`indexing.building.words`); searches do not need them."""
PROFILE_FILES = (ROW_DIGESTS, PROFILES, PROFILE_ENDS)
"""The first releases did not write them; a version without them can still be read."""

ATTEMPTS, PAUSE_SECONDS = 20, 0.1


class VersionWriter:
    """The folder of a version while it is built. Leaving the context with an error deletes it."""

    def __init__(self, building: Path, target: Path, number: int, database: str = "") -> None:
        """Make `building` as a folder that is marked as written by `database`, and else empty.

        Raises VersionExists if `target` exists already, and OSError.
        """
        self.building = building
        self.target = target
        self.number = number
        self.is_renamed = False
        if target.exists():
            raise VersionExists(number)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        mark(building, database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.discard()

    def path(self, name: str) -> Path:
        """Where to write a file of the version."""
        return self.building / name

    def allocate_vectors(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """The file of the vectors, mapped and writable, float32[n + m, d]. Raises OSError on a full disk."""
        mapped = np.lib.format.open_memmap(self.path(VECTORS), "w+", np.float32, shape)
        if hasattr(os, "posix_fallocate"):  # to write into a hole on a full disk would end the process
            with self.path(VECTORS).open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, self.path(VECTORS).stat().st_size)
        return mapped

    def save(self, name: str, array: NDArray[np.generic]) -> None:
        """Write an array, such as float32[n, d], as the .npy file `name`: any shape, any dtype but object.

        Raises OSError.
        """
        with self.path(name).open("wb") as file:
            np.save(file, array, allow_pickle=False)

    def save_profiles(self, profiles: Profiles) -> None:
        """Write the three files of the profiles. Raises OSError."""
        self.save(ROW_DIGESTS, profiles.digests)
        self.save(PROFILES, profiles.packed)
        self.save(PROFILE_ENDS, profiles.ends)

    def seal(self) -> dict[str, FileEntry]:
        """Flush every file to the disk, and return size and hash by path relative to the folder. Raises OSError.

        The mark is left out: it says who wrote the version, and does not belong to its content.
        """
        paths = sorted(path for path in self.building.rglob("*") if path.is_file())
        for path in paths:
            flush_to_disk(path)
        sizes = {path: path.stat().st_size for path in paths if path != self.path(MARK)}
        with hashing(sorted(sizes, key=sizes.__getitem__, reverse=True)) as hashed:
            found = {path: FileEntry(size, hashed[path].result()) for path, size in sizes.items()}
        entries = {path.relative_to(self.building).as_posix(): entry for path, entry in found.items()}
        for folder in (path for path in self.building.rglob("*") if path.is_dir()):
            flush_to_disk(folder)
        return entries

    def finish(self, manifest: bytes) -> Path:
        """Write the manifest, give the folder its final name and return it. Raises VersionExists and OSError."""
        path = self.path(MANIFEST_NAME)
        path.write_bytes(manifest)
        flush_to_disk(path)
        flush_to_disk(self.building)
        if self.target.exists():
            raise VersionExists(self.number)
        self.building.rename(self.target)
        self.is_renamed = True
        flush_to_disk(self.target.parent)
        return self.target

    def discard(self) -> None:
        """Delete the building folder and, if this writer gave it its final name, the version."""
        _delete(self.building)
        if self.is_renamed:
            _delete(self.target)


def _delete(folder: Path) -> None:
    """Delete a folder, trying again: under load a thread of tantivy may still write into it."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(PAUSE_SECONDS)
    logger.warning(message("Could not delete %(folder)s. It will be tried again after the next run.", folder=folder))


def free_bytes(folder: Path) -> int:
    """Free space on the disk that holds `folder`. Raises OSError."""
    return shutil.disk_usage(folder).free

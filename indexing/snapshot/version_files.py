"""Reads single files of a version, and checks them against the version's manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import value_hashes
from experts.profiles.records import FIELDS
from indexing.errors import SnapshotInvalid
from indexing.lib import pulse
from indexing.lib.files import hashing
from indexing.lib.messages import message
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.manifest import (
    EXACT,
    FILES_ENGINE,
    FORMAT,
    MANIFEST_NAME,
    WITH_PASSAGES,
    FileEntry,
    Manifest,
)
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.profiles import Profiles
from indexing.snapshot.writer import (
    ANN,
    ARRAYS,
    FACETS,
    FIELD_HASHES,
    IDS,
    KEYWORDS,
    PASSAGE_FILES,
    PASSAGES,
    PROFILE_FILES,
    PROFILES,
)


def read_manifest(folder: Path, sha256: str | None = None) -> Manifest:
    """The manifest in `folder`, which must have the hash `sha256` if given. Raises SnapshotInvalid."""
    path = folder / MANIFEST_NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise missing(path, error) from error
    found = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and found != sha256:
        raise SnapshotInvalid(
            message(
                "%(file)s has SHA-256 %(found)s, the database says %(expected)s. Rebuild the index.",
                file=path,
                found=found,
                expected=sha256,
            ),
        )
    return Manifest.from_bytes(raw)


def read_ids(folder: Path, sha256: str | None = None) -> NDArray[np.int64]:
    """The expert ids, int64[n], of the version in `folder`, without opening the rest. Raises SnapshotInvalid."""
    manifest = read_manifest(folder, sha256)
    check_files(folder, manifest, hashes=True, only=(IDS,))
    return open_array(folder / IDS, np.dtype(np.int64), (manifest.count,))


def read_facets(folder: Path, sha256: str | None = None) -> FacetColumns:
    """The facet columns of the version in `folder`, checked, without opening the rest. Raises SnapshotInvalid."""
    check_files(folder, read_manifest(folder, sha256), hashes=True, only=(FACETS,))
    return open_facets(folder / FACETS)


def check_files(folder: Path, manifest: Manifest, *, hashes: bool, only: tuple[str, ...] = ()) -> None:
    """Check that every file of the manifest (or of `only`) has its size and, with `hashes`, its SHA-256.

    Raises SnapshotInvalid, which names the first file that does not, or that the manifest does not list.
    """
    for name in only or _required(manifest):
        if name not in manifest.files:
            raise _not_listed(folder, manifest, name)
    files = {folder / name: entry for name, entry in manifest.files.items() if not only or name in only}
    for path, entry in files.items():
        try:
            size = path.stat().st_size
        except OSError as error:
            raise missing(path, error) from error
        if size != entry.bytes:
            raise SnapshotInvalid(
                message(
                    "%(file)s has %(size)s bytes, the manifest says %(bytes)s. Rebuild the index.",
                    file=path,
                    size=size,
                    bytes=entry.bytes,
                ),
            )
    if hashes:
        _check_hashes(files)


def _check_hashes(files: Mapping[Path, FileEntry]) -> None:
    with hashing(sorted(files, key=lambda path: files[path].bytes, reverse=True)) as hashed:
        for path, entry in files.items():
            try:
                found = hashed[path].result()
            except OSError as error:
                raise missing(path, error) from error
            pulse.beat()
            if found != entry.sha256:
                raise SnapshotInvalid(
                    message("%(file)s is damaged: its SHA-256 is not the manifest's. Rebuild the index.", file=path),
                )


def _required(manifest: Manifest) -> tuple[str, ...]:
    """The files that every version of its format has."""
    index = (ANN,) if manifest.ann_kind != EXACT and manifest.engine == FILES_ENGINE else ()
    return (*ARRAYS, *passage_files(manifest), *index, f"{KEYWORDS}/meta.json")


def passage_files(manifest: Manifest) -> tuple[str, ...]:
    """The files with the passages; none if the version is of an earlier release, which had no passages."""
    return PASSAGE_FILES if manifest.format >= WITH_PASSAGES else ()


def _not_listed(folder: Path, manifest: Manifest, name: str) -> SnapshotInvalid:
    if manifest.format < FORMAT:
        return SnapshotInvalid(
            message(
                "It was built by an earlier release of TCS, which did not write %(name)s. Rebuild the index, or run "
                "the release that built it.",
                name=name,
            )
        )
    return SnapshotInvalid(
        message("%(file)s does not list %(name)s. Rebuild the index.", file=folder / MANIFEST_NAME, name=name)
    )


def open_ids(folder: Path, manifest: Manifest) -> NDArray[np.int64]:
    """The expert ids, int64[n], strictly rising, read-only. Raises SnapshotInvalid."""
    return open_array(folder / IDS, np.dtype(np.int64), (manifest.count,))


def open_field_hashes(folder: Path, manifest: Manifest) -> NDArray[np.uint64]:
    """One hash per expert and field, uint64[n, fields], read-only. Raises SnapshotInvalid.

    Fields that TCS did not have when the version was built were empty then.
    """
    stored = open_array(folder / FIELD_HASHES, np.dtype(np.uint64), (manifest.count, len(manifest.fields)))
    if manifest.fields == tuple(FIELDS):
        return stored
    hashes = np.full((manifest.count, len(FIELDS)), value_hashes([""])[0], np.uint64)
    for column, name in enumerate(FIELDS):
        if name in manifest.fields:
            hashes[:, column] = stored[:, manifest.fields.index(name)]
    hashes.flags.writeable = False
    return hashes


def open_passages(folder: Path, manifest: Manifest) -> PassageRows:
    """The passages of experts who have several, none for a version of an earlier release. Raises SnapshotInvalid."""
    if not passage_files(manifest):
        return PassageRows.none()
    try:
        count = len(np.load(folder / PASSAGES, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise unreadable(folder / PASSAGES, error) from error
    passages = PassageRows(open_array(folder / PASSAGES, np.dtype(np.int32), (count, 3)))
    passages.check(manifest.count)
    if manifest.count - len(passages.owners) + count != manifest.passages:
        raise unreadable(folder / PASSAGES, f"{count} passages, the manifest says {manifest.passages}")
    return passages


def open_profiles(folder: Path, manifest: Manifest) -> Profiles | None:
    """The stored profiles, memory-mapped; None if the version has none. Raises SnapshotInvalid."""
    if not any(name in manifest.files for name in PROFILE_FILES):
        return None
    try:
        digests, packed, ends = (np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in PROFILE_FILES)
        profiles = Profiles(digests=digests, ends=ends, packed=packed)
        profiles.check(manifest.count)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(folder / PROFILES, error) from error
    return profiles


def open_array(path: Path, dtype: np.dtype, shape: tuple[int, ...], *, mapped: bool = False) -> NDArray:
    """The array of this dtype and shape in an .npy file, such as float32[n, d]: read-only, memory-mapped if `mapped`.

    Raises SnapshotInvalid if the file cannot be read or has another dtype or shape.
    """
    try:
        array: NDArray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    if array.dtype != dtype or array.shape != shape:
        raise SnapshotInvalid(
            message(
                "%(file)s is %(found)s, expected: %(expected)s. Rebuild the index.",
                file=path,
                found=f"{array.dtype}{list(array.shape)}",
                expected=f"{dtype}{list(shape)}",
            ),
        )
    array.flags.writeable = False
    return array


def open_facets(path: Path) -> FacetColumns:
    """The columns that experts are filtered and counted by. Raises SnapshotInvalid."""
    try:
        return FacetColumns.load(path)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise unreadable(path, error) from error


def missing(path: Path, error: OSError) -> SnapshotInvalid:
    """The error to raise if a file cannot be read."""
    return SnapshotInvalid(
        message("%(file)s cannot be read: %(error)s. Rebuild the index.", file=path, error=error.strerror or error),
    )


def unreadable(file: Path | str, error: object) -> SnapshotInvalid:
    """The error to raise if the content of a file is wrong."""
    return SnapshotInvalid(message("%(file)s cannot be used: %(error)s. Rebuild the index.", file=file, error=error))

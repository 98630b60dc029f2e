"""Opens a version and answers from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from experts.profiles.records import FIELDS
from indexing.errors import SnapshotInvalid, gettext_noop
from indexing.lib.files import file_sha256
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.keyword_index import KeywordIndex
from indexing.snapshot.lookup import require_rows
from indexing.snapshot.manifest import MANIFEST_NAME, Manifest
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.profiles import Profiles
from indexing.snapshot.suggestions import Suggestions
from indexing.snapshot.vectors import Spread, VectorIndex, products
from indexing.snapshot.writer import (
    ANN,
    ARRAYS,
    FACETS,
    FIELD_HASHES,
    IDS,
    KEYWORDS,
    PROFILE_FILES,
    PROFILES,
    SUGGESTIONS,
    TEXT_HASHES,
    VECTORS,
)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Snapshot:
    """One version, opened: immutable, for any number of threads, and independent of its folder from then on.

    Row i of every array is the expert ids[i]. Nothing has to be closed: files and maps go with the last reference.
    """

    manifest: Manifest
    ids: NDArray[np.int64]
    """int64[n], strictly rising."""
    text_hashes: NDArray[np.uint8]
    """uint8[n, 16]: the key for reusing a vector."""
    field_hashes: NDArray[np.uint64]
    """uint64[n, fields]: tells which of `experts.profiles.records.FIELDS` changed since."""
    vectors: NDArray[np.float32]
    """float32[n, d], unit length, memory-mapped and read-only."""
    facets: FacetColumns
    ann: VectorIndex
    keywords: KeywordIndex
    spread: Spread
    suggestions: Suggestions
    profiles: Profiles | None
    """None: the version is of a release that did not keep them"""

    @classmethod
    def open(cls, folder: Path, *, check_hashes: bool = True, manifest_sha256: str | None = None) -> Snapshot:
        """Open `folder` and check it: manifest against `manifest_sha256`, sizes, hashes, counts, dimensions.

        Raises SnapshotInvalid naming the first file that is not as it must be.
        """
        manifest = read_manifest(folder, manifest_sha256)
        check_files(folder, manifest, hashes=check_hashes)
        vectors = _array(folder / VECTORS, np.dtype(np.float32), (manifest.count, manifest.dimension), mapped=True)
        snapshot = cls(
            manifest=manifest,
            ids=open_ids(folder, manifest),
            text_hashes=_array(folder / TEXT_HASHES, np.dtype(np.uint8), (manifest.count, HASH_BYTES)),
            field_hashes=open_field_hashes(folder, manifest),
            vectors=vectors,
            facets=_facets(folder / FACETS),
            ann=_ann(folder / ANN),
            keywords=_keywords(folder / KEYWORDS),
            spread=Spread.from_vectors(vectors),
            suggestions=_suggestions(folder / SUGGESTIONS, manifest.count),
            profiles=open_profiles(folder, manifest),
        )
        snapshot._check_agreement()
        return snapshot

    @property
    def number(self) -> int:
        return self.manifest.number

    def __len__(self) -> int:
        return self.manifest.count

    def semantic(
        self, vector: NDArray[np.float32], k: int, only: Prefilter | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids int64[m] and cosine similarities float32[m], m <= k, best first; `vector` is a unit float32[d]."""
        if only is not None:
            selected, near = self.ann.search_among(self.vectors, vector, k, only.mask)
            return self.ids[selected], near
        rows, similarities = self.ann.search(vector[np.newaxis], k)
        found = rows[0] >= 0
        return self.ids[rows[0][found]], similarities[0][found]

    def keyword(
        self, query: str, k: int, only: Prefilter | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids int64[m] and BM25 scores float32[m], m <= k, best first. Any text is answered, never an error."""
        return self.keywords.search(query, k, only.conditions if only else None)

    def similarities(self, vector: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine similarity float32[m] of a unit `vector` to each of `ids`, which must be of this version."""
        return products(self.vectors[self.rows(ids)], vector)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row int64[m] of each expert id int64[m]. Raises KeyError with an id that this version does not have."""
        return require_rows(self.ids, ids)

    def _check_agreement(self) -> None:
        count, dimension = self.manifest.count, self.manifest.dimension
        for file, found in ((ANN, self.ann.count), (FACETS, len(self.facets)), (KEYWORDS, self.keywords.count)):
            if found != count:
                raise SnapshotInvalid(
                    gettext_noop("%(file)s holds %(found)s experts, the manifest says %(count)s. Rebuild the index."),
                    file=file,
                    found=found,
                    count=count,
                )
        if self.ann.dimension != dimension or self.ann.kind != self.manifest.ann_kind:
            raise SnapshotInvalid(
                gettext_noop(
                    "%(file)s is %(kind)s with %(found)s dimensions, the manifest says %(expected)s with "
                    "%(dimension)s. Rebuild the index."
                ),
                file=ANN,
                kind=self.ann.kind,
                found=self.ann.dimension,
                expected=self.manifest.ann_kind,
                dimension=dimension,
            )
        if count > 1 and not (np.diff(self.ids) > 0).all():
            raise _unreadable(IDS, "ids do not rise strictly")


def read_manifest(folder: Path, sha256: str | None = None) -> Manifest:
    """The manifest in `folder`, which must have the hash `sha256` if given. Raises SnapshotInvalid."""
    path = folder / MANIFEST_NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _missing(path, error) from error
    found = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and found != sha256:
        raise SnapshotInvalid(
            gettext_noop("%(file)s has SHA-256 %(found)s, the database says %(expected)s. Rebuild the index."),
            file=path,
            found=found,
            expected=sha256,
        )
    return Manifest.from_bytes(raw)


def read_ids(folder: Path, sha256: str | None = None) -> NDArray[np.int64]:
    """Expert ids int64[n] of the version in `folder`, checked, without the rest of it. Raises SnapshotInvalid."""
    manifest = read_manifest(folder, sha256)
    check_files(folder, manifest, hashes=True, only=(IDS,))
    return _array(folder / IDS, np.dtype(np.int64), (manifest.count,))


def read_facets(folder: Path, sha256: str | None = None) -> FacetColumns:
    """The columns of the version in `folder`, checked, without the rest of it. Raises SnapshotInvalid."""
    check_files(folder, read_manifest(folder, sha256), hashes=True, only=(FACETS,))
    return _facets(folder / FACETS)


def check_files(folder: Path, manifest: Manifest, *, hashes: bool, only: tuple[str, ...] = ()) -> None:
    """Every file of the manifest (or of `only`) has its size and, with `hashes`, its SHA-256."""
    required = only or (*ARRAYS, f"{KEYWORDS}/meta.json")
    for name in required:
        if name not in manifest.files:
            raise SnapshotInvalid(
                gettext_noop("%(file)s does not list %(name)s. Rebuild the index."),
                file=folder / MANIFEST_NAME,
                name=name,
            )
    for name, entry in manifest.files.items():
        if only and name not in only:
            continue
        path = folder / name
        try:
            size = path.stat().st_size
            found = file_sha256(path) if hashes and size == entry.bytes else entry.sha256
        except OSError as error:
            raise _missing(path, error) from error
        if size != entry.bytes:
            raise SnapshotInvalid(
                gettext_noop("%(file)s has %(size)s bytes, the manifest says %(bytes)s. Rebuild the index."),
                file=path,
                size=size,
                bytes=entry.bytes,
            )
        if found != entry.sha256:
            raise SnapshotInvalid(
                gettext_noop("%(file)s is damaged: its SHA-256 is not the manifest's. Rebuild the index."),
                file=path,
            )


def open_ids(folder: Path, manifest: Manifest) -> NDArray[np.int64]:
    return _array(folder / IDS, np.dtype(np.int64), (manifest.count,))


def open_field_hashes(folder: Path, manifest: Manifest) -> NDArray[np.uint64]:
    return _array(folder / FIELD_HASHES, np.dtype(np.uint64), (manifest.count, len(FIELDS)))


def open_profiles(folder: Path, manifest: Manifest) -> Profiles | None:
    """Mapped; None where the version was built without any. Raises SnapshotInvalid."""
    if not any(name in manifest.files for name in PROFILE_FILES):
        return None
    try:
        digests, packed, ends = (np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in PROFILE_FILES)
        profiles = Profiles(digests=digests, ends=ends, packed=packed)
        profiles.check(manifest.count)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(folder / PROFILES, error) from error
    return profiles


def _array(path: Path, dtype: np.dtype, shape: tuple[int, ...], *, mapped: bool = False) -> NDArray:
    try:
        array: NDArray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, error) from error
    if array.dtype != dtype or array.shape != shape:
        raise SnapshotInvalid(
            gettext_noop("%(file)s is %(found)s, expected: %(expected)s. Rebuild the index."),
            file=path,
            found=f"{array.dtype}{list(array.shape)}",
            expected=f"{dtype}{list(shape)}",
        )
    array.flags.writeable = False
    return array


def _facets(path: Path) -> FacetColumns:
    try:
        return FacetColumns.load(path)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise _unreadable(path, error) from error


def _suggestions(path: Path, experts: int) -> Suggestions:
    try:
        return Suggestions.load(path, experts)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise _unreadable(path, error) from error


def _ann(path: Path) -> VectorIndex:
    try:
        return VectorIndex.open(path)
    except RuntimeError as error:
        raise _unreadable(path, str(error).strip().splitlines()[-1]) from error


def _keywords(folder: Path) -> KeywordIndex:
    try:
        return KeywordIndex.open(folder)
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error


def _missing(path: Path, error: OSError) -> SnapshotInvalid:
    return SnapshotInvalid(
        gettext_noop("%(file)s cannot be read: %(error)s. Rebuild the index."),
        file=path,
        error=error.strerror or error,
    )


def _unreadable(file: Path | str, error: object) -> SnapshotInvalid:
    return SnapshotInvalid(
        gettext_noop("%(file)s is not what it must be: %(error)s. Rebuild the index."), file=file, error=error
    )

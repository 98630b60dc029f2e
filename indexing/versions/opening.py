"""Which versions can be opened, and the one place that finds their files from their rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experts.numbers import whole_number
from indexing.errors import CollectionInvalid, Refused, SnapshotInvalid, VectorsUnavailable, VersionDamaged
from indexing.lib.messages import message
from indexing.lib.translation import label
from indexing.models import IndexVersion
from indexing.snapshot import version_files
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.reader import Snapshot
from indexing.versions import bucket, engines, free_memory

State = IndexVersion.State
SEARCHABLE = IndexVersion.SEARCHABLE


def searchable() -> list[IndexVersion]:
    """The versions that have their files and can be searched, newest first."""
    return list(IndexVersion.objects.searchable().order_by("-number"))


def numbered(versions: Sequence[IndexVersion], text: str | None) -> IndexVersion | None:
    """The one of `versions` with the number that an address holds; None without."""
    return next((version for version in versions if version.number == whole_number(text)), None)


def usual_pair(versions: Sequence[IndexVersion]) -> tuple[IndexVersion | None, IndexVersion | None]:
    """The default comparison: the live version and the newest other one, the older of the two first.

    `versions` is sorted newest first. With one version it is both sides; with none both are None.
    """
    live = next((version for version in versions if version.state == State.LIVE), None)
    others = [version for version in versions if version != live]
    pair = sorted((version for version in (live, *others[:1]) if version), key=lambda version: version.number)
    return (pair[0], pair[-1]) if pair else (None, None)


def in_state(number: int, state: str) -> IndexVersion:
    """Version `number` with its run. Raises Refused if there is no such version or it is in another state."""
    version = IndexVersion.objects.select_related("run").filter(pk=number).first()
    if version is None:
        raise Refused(message("There is no version %(number)s.", number=number))
    if version.state != state:
        raise Refused(
            message(
                "Version %(number)s is %(state)s, not %(needed)s.",
                number=number,
                state=version.state_label,
                needed=label(State(state).label),
            )
        )
    return version


def require_openable(number: int) -> None:
    """Check that version `number` can be served: that it fits in memory, and every hash of its files.

    Reading all the files takes seconds, so call this before a transaction, not inside it. Raises Refused if there is
    no finished version of that number, or if Milvus cannot search it; NotEnoughMemory, VersionDamaged.
    """
    version = IndexVersion.objects.filter(pk=number).first()
    if version is None or not version.manifest_sha256:
        raise Refused(message("There is no finished version %(number)s.", number=number))
    bucket.require_kept(version)
    free_memory.require(version)
    try:
        open_snapshot(version).meaning.index.require_ready()
    except SnapshotInvalid as error:
        raise VersionDamaged(error.message) from error
    except VectorsUnavailable as error:
        raise Refused(error.message) from error


def require_files(version: IndexVersion) -> None:
    """Check that every file of the version is there and has its size; no hashes. Raises SnapshotInvalid."""
    folder = bucket.folder_of(version)
    version_files.check_files(folder, version_files.read_manifest(folder, version.manifest_sha256), hashes=False)


def open_snapshot(version: IndexVersion) -> Snapshot:
    """The whole version, ready to be searched, every hash checked. Raises SnapshotInvalid.

    Needs about `version.bytes` of memory: call `free_memory.require` first where that may be too much.
    """
    folder = bucket.folder_of(version)
    # The row of a version that is still being built has no hash yet: its files are checked against each other only.
    try:
        snapshot = Snapshot.open(folder, manifest_sha256=version.manifest_sha256 or None, engines=engines.available())
    except CollectionInvalid:
        raise
    except SnapshotInvalid:
        bucket.note_damage(version)
        raise
    if snapshot.number != version.number:  # the database and the data folder do not belong together
        raise SnapshotInvalid(
            message("%(folder)s holds version %(number)s. Rebuild the index.", folder=folder, number=snapshot.number)
        )
    return snapshot


def open_baseline(version: IndexVersion) -> Baseline:
    """The few files that are needed to compare the version's experts, hashes checked. Raises SnapshotInvalid.

    Takes a fraction of a second and little memory, also at 100,000 experts.
    """
    return Baseline.open(bucket.folder_of(version), version.manifest_sha256)


def read_ids(version: IndexVersion) -> NDArray[np.int64]:
    """The version's expert ids, int64[n], rising; the file's hash is checked. Raises SnapshotInvalid."""
    return version_files.read_ids(bucket.folder_of(version), version.manifest_sha256)


def read_facets(version: IndexVersion) -> FacetColumns:
    """The version's facet columns, without the rest of it; the file's hash is checked. Raises SnapshotInvalid."""
    return version_files.read_facets(bucket.folder_of(version), version.manifest_sha256)

"""Deletes what nobody needs: old versions, and what failed runs left on the disk.

Only what this database has written is deleted. A folder says in a mark which database that was; one of an earlier
release is known by the hash of its manifest.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.lib.ownership import marked_by
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.snapshot.manifest import MANIFEST_NAME
from indexing.versions import collections

logger = logging.getLogger(__name__)
State, MapState = IndexVersion.State, IndexVersion.MapState

UNFINISHED_MAP = ".tmp"
ENCODED_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SweepForecast:
    """What will be deleted next, and when. Numbers of versions, newest first."""

    keep: int
    """TCS_KEEP_VERSIONS: how many are kept, including the live one; pinned ones are kept as well"""
    after_next_run: tuple[int, ...]
    """too many already, because the setting was lowered, a version was unpinned, or one was published by hand"""
    with_next_version: tuple[int, ...]
    """those that will be deleted once one more is published"""
    pinned: tuple[int, ...]
    leftovers: tuple[str, ...]
    """names of folders and files on the disk that belong to no version"""
    foreign: tuple[str, ...] = ()
    """names of those that this database did not write: they are never deleted"""


def forecast() -> SweepForecast:
    """The forecast from the tables and the disk as they are now. Leftovers may include files of an active run."""
    keep = settings.TCS_KEEP_VERSIONS
    kept = list(IndexVersion.objects.deletable().values_list("number", flat=True))
    too_many = kept[keep - 1 :]
    live = IndexVersion.objects.filter(state=State.LIVE, pinned_at=None).values_list("number", flat=True)
    after = sorted([*kept, *live], reverse=True)  # what is kept once another one is live
    ours, foreign = _leftovers()
    return SweepForecast(
        keep=keep,
        after_next_run=tuple(too_many),
        with_next_version=tuple(number for number in after[keep - 1 :] if number not in too_many),
        pinned=tuple(IndexVersion.objects.pinned().order_by("-number").values_list("number", flat=True)),
        leftovers=tuple(path.name for path in ours),
        foreign=tuple(path.name for path in foreign),
    )


def mark_old_deleted() -> None:
    """Mark the versions beyond the last TCS_KEEP_VERSIONS, including the live one, as deleted. Their rows stay.

    Pinned ones stay and are not counted. Locks the state row, as pinning does.
    """
    with transaction.atomic():
        IndexState.locked()
        for version in list(IndexVersion.objects.deletable()[settings.TCS_KEEP_VERSIONS - 1 :]):
            IndexVersion.objects.filter(pk=version.pk).update(state=State.DELETED)
            logger.info(
                gettext_noop("Deleted version %s: only the last %s are kept."),
                version.number,
                settings.TCS_KEEP_VERSIONS,
            )


def delete_leftovers() -> None:
    """Delete folders, maps and collections that belong to no version, if this database wrote them."""
    ours, _foreign = _leftovers()
    for path in ours:
        _delete(path)
    collections.sweep()


def delete_old_encoded(now: datetime) -> int:
    """Delete what runs encoded that did not end well, once it is older than ENCODED_KEPT. Returns how many files."""
    oldest, deleted = (now - ENCODED_KEPT).timestamp(), 0
    for path in paths.encoded_folder().glob("*/*"):
        with suppress(FileNotFoundError):  # a run, or another process, deleted it
            if path.stat().st_mtime < oldest:
                path.unlink()
                deleted += 1
    return deleted


def foreign() -> tuple[str, ...]:
    """Names of folders and files that belong to no version and that this database did not write."""
    return tuple(path.name for path in _leftovers()[1])


def _leftovers() -> tuple[list[paths.Path], list[paths.Path]]:
    """Folders and maps that belong to no version, and unfinished ones of processes that were killed: those that this
    database wrote, and the others.

    Folders are listed before rows are read, and a row is created before its folder, so what a running build creates
    in between is never taken for a leftover. Models are only exported within runs.
    """
    folders = sorted(paths.versions_folder().glob("*"))
    maps = sorted(paths.map_file(0).parent.glob("*"))
    exports = sorted(paths.models_folder().glob("*.*"))  # a finished one has no dot in its name
    rows = dict(IndexVersion.objects.exclude(state=State.DELETED).values_list("number", "state"))
    mapping = set(IndexVersion.objects.filter(map_state=MapState.COMPUTING).values_list("number", flat=True))
    building = {number for number, state in rows.items() if state == State.BUILDING}
    finished = rows.keys() - building
    unneeded, unneeded_maps = [], []
    for path in folders:
        number, _, rest = path.name.partition(".")
        keep = number.isdigit() and int(number) in (building if rest else rows.keys())
        if not keep:
            unneeded.append(path)
    for path in maps:
        number = path.name.partition(".")[0]
        kept = finished & mapping if path.suffix == UNFINISHED_MAP else finished
        if not (number.isdigit() and int(number) in kept):
            unneeded_maps.append(path)
    if exports and not RebuildRun.objects.active().exists():
        unneeded += exports
    return _by_owner(unneeded, unneeded_maps)


def _by_owner(folders: list[paths.Path], maps: list[paths.Path]) -> tuple[list[paths.Path], list[paths.Path]]:
    """What this database wrote, and what it did not."""
    if not folders and not maps:
        return [], []
    database = IndexState.read().database_id
    hashes = dict(IndexVersion.objects.values_list("number", "manifest_sha256"))
    ours: list[paths.Path] = []
    foreign: list[paths.Path] = []
    for path in folders:
        (ours if _wrote_folder(path, database, hashes) else foreign).append(path)
    for path in maps:
        (ours if _wrote_map(path, database, hashes) else foreign).append(path)
    return ours, foreign


def _wrote_folder(path: paths.Path, database: str, hashes: Mapping[int, str]) -> bool:
    if database and marked_by(path) == database:
        return True
    expected = hashes.get(int(path.name), "") if path.name.isdecimal() else ""
    try:
        return bool(expected) and file_sha256(path / MANIFEST_NAME) == expected
    except OSError:
        return False


def _wrote_map(path: paths.Path, database: str, hashes: Mapping[int, str]) -> bool:
    """A map has no mark: it is of the version of its number, unless that folder is another database's."""
    number = path.name.partition(".")[0]
    if not number.isdecimal() or int(number) not in hashes:
        return False
    folder = paths.version_folder(int(number))
    return not folder.exists() or _wrote_folder(folder, database, hashes)


def _delete(path: paths.Path) -> None:
    """Processes that have the files open can still read them. What cannot be deleted is tried again next time."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        logger.warning(
            gettext_noop("Could not delete %s (%s). It will be tried again after the next run."),
            path.name,
            error.strerror,
        )
    else:
        logger.info(gettext_noop("Deleted %s."), path.name)

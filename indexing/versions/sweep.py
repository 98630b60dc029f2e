"""Taking away what nobody needs: old versions, and what failed runs left on disk."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from indexing.lib import paths
from indexing.models import IndexState, IndexVersion, RebuildRun

logger = logging.getLogger(__name__)
State, MapState = IndexVersion.State, IndexVersion.MapState

UNFINISHED_MAP = ".tmp"


@dataclass(frozen=True, slots=True)
class SweepForecast:
    """What goes next, and when. Numbers of versions, the newest first."""

    keep: int
    """how many are kept, the live one among them; pinned ones besides"""
    after_next_run: tuple[int, ...]
    """too many already: the setting was lowered, a pin was taken off, or one was published by hand"""
    with_next_version: tuple[int, ...]
    """those that go once one more is published"""
    pinned: tuple[int, ...]
    leftovers: tuple[str, ...]
    """what lies on the disk and belongs to no kept version: names of folders and files"""

    @property
    def goes(self) -> frozenset[int]:
        return frozenset(self.after_next_run + self.with_next_version)


def forecast() -> SweepForecast:
    """As the tables and the disk are now; a run that goes on may make leftovers of its own meanwhile."""
    keep = settings.TCS_KEEP_VERSIONS
    kept = list(IndexVersion.objects.removable().values_list("number", flat=True))
    too_many = kept[keep - 1 :]
    live = IndexVersion.objects.filter(state=State.LIVE, pinned_at=None).values_list("number", flat=True)
    then = sorted([*kept, *live], reverse=True)  # once another one is live
    return SweepForecast(
        keep=keep,
        after_next_run=tuple(too_many),
        with_next_version=tuple(number for number in then[keep - 1 :] if number not in too_many),
        pinned=tuple(IndexVersion.objects.pinned().order_by("-number").values_list("number", flat=True)),
        leftovers=tuple(path.name for path in leftovers()),
    )


def retire_old() -> None:
    """Mark the versions beyond the last TCS_KEEP_VERSIONS (the live one counts) as removed. Their rows stay.

    Pinned ones are left alone and take nobody's place. The lock row is held, as by whoever pins.
    """
    with transaction.atomic():
        IndexState.locked()
        for version in list(IndexVersion.objects.removable()[settings.TCS_KEEP_VERSIONS - 1 :]):
            IndexVersion.objects.filter(pk=version.pk).update(state=State.REMOVED)
            logger.info(
                gettext_noop("Version %s is removed: the last %s are kept."),
                version.number,
                settings.TCS_KEEP_VERSIONS,
            )


def remove_leftovers() -> None:
    """Delete folders and maps of no kept version."""
    for path in leftovers():
        _delete(path)


def leftovers() -> list[paths.Path]:
    """Folders and maps of no kept version, and what was being made by somebody who was killed.

    Folders are listed before rows are read, and a row is made before its folder: what a running build makes
    meanwhile is never taken for a leftover. Models are exported within runs only.
    """
    folders = sorted(paths.versions_folder().glob("*"))
    maps = sorted(paths.map_file(0).parent.glob("*"))
    exports = sorted(paths.models_folder().glob("*.*"))  # a finished one has no dot in its name
    rows = dict(IndexVersion.objects.exclude(state=State.REMOVED).values_list("number", "state"))
    mapping = set(IndexVersion.objects.filter(map_state=MapState.COMPUTING).values_list("number", flat=True))
    building = {number for number, state in rows.items() if state == State.BUILDING}
    finished = rows.keys() - building
    found = []
    for path in folders:
        number, _, rest = path.name.partition(".")
        keep = number.isdigit() and int(number) in (building if rest else rows.keys())
        if not keep:
            found.append(path)
    for path in maps:
        number = path.name.partition(".")[0]
        kept = finished & mapping if path.suffix == UNFINISHED_MAP else finished
        if not (number.isdigit() and int(number) in kept):
            found.append(path)
    if exports and not RebuildRun.objects.active().exists():
        found += exports
    return found


def _delete(path: paths.Path) -> None:
    """Files a reader has open stay readable to it; what cannot be deleted now is tried again after the next run."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        logger.warning(
            gettext_noop("%s could not be deleted (%s); the next run tries again."), path.name, error.strerror
        )
    else:
        logger.info(gettext_noop("Deleted %s."), path.name)

"""Taking away what nobody needs: old versions, and what failed runs left on disk."""

from __future__ import annotations

import logging
import shutil

from django.conf import settings

from indexing import paths
from indexing.models import IndexVersion

logger = logging.getLogger(__name__)
State = IndexVersion.State


def retire_old() -> None:
    """Mark the versions beyond the last TCS_KEEP_VERSIONS (the live one counts) as removed. Their rows stay."""
    kept = IndexVersion.objects.filter(state=State.RETIRED).order_by("-number")
    for version in kept[settings.TCS_KEEP_VERSIONS - 1 :]:
        if IndexVersion.objects.filter(pk=version.pk, state=State.RETIRED).update(state=State.REMOVED):
            logger.info("Version %s is removed: the last %s are kept.", version.number, settings.TCS_KEEP_VERSIONS)


def next_to_go() -> set[int]:
    """Numbers of the versions that will be removed once another one is published."""
    kept = IndexVersion.objects.filter(state__in=(State.LIVE, State.RETIRED)).order_by("-number")
    return set(kept.values_list("number", flat=True)[settings.TCS_KEEP_VERSIONS - 1 :])


def remove_leftovers() -> None:
    """Delete folders and maps of no kept version.

    Folders are listed before rows are read, and a row is made before its folder: what a running build makes
    meanwhile is never taken for a leftover.
    """
    folders = list(paths.versions_folder().glob("*"))
    maps = list(paths.map_file(0).parent.glob("*"))
    rows = dict(IndexVersion.objects.exclude(state=State.REMOVED).values_list("number", "state"))
    building = {number for number, state in rows.items() if state == State.BUILDING}
    finished = rows.keys() - building
    for path in folders:
        number, _, rest = path.name.partition(".")
        keep = number.isdigit() and int(number) in (building if rest else rows.keys())
        if not keep:
            _delete(path)
    for path in maps:
        number = path.name.partition(".")[0]
        if not (number.isdigit() and int(number) in finished):
            _delete(path)


def _delete(path: paths.Path) -> None:
    """Files a reader has open stay readable to it; what cannot be deleted now is tried again after the next run."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        logger.warning("%s could not be deleted (%s); the next run tries again.", path.name, error.strerror)
    else:
        logger.info("Deleted %s.", path.name)

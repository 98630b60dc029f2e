"""Writes what a version keeps of each profile as it is: hashes that tell what changed since, and its texts.

Those who are the same as in the previous version have the same hashes there, and mostly the same block of texts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES, IN_OTHER_ROWS, field_hashes, own_row, row_digests, value_hashes
from experts.profiles.record_file import RecordFile
from experts.profiles.records import FIELDS, ExpertRecord
from indexing.errors import SnapshotInvalid
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.manifest import FORMAT
from indexing.snapshot.profiles import ProfilePacker
from indexing.snapshot.version_files import check_files, read_manifest
from indexing.snapshot.writer import FIELD_HASHES, IDS, PROFILE_FILES, VersionWriter

logger = logging.getLogger(__name__)

BLOCK = 8_192
"""Experts in memory at once; whole blocks of `snapshot.profiles`."""
_COLUMNS = [list(FIELDS).index(name) for name in IN_OTHER_ROWS]


def write_profiles(writer: VersionWriter, experts: RecordFile, before: Baseline | None) -> None:
    """Write the hashes and the profiles of `experts`; those that `before` has are copied. Raises OSError."""
    hashes, packer, left, start = [], ProfilePacker(before.profiles if before else None), iter(experts), 0
    while block := list(islice(left, BLOCK)):
        digests = np.frombuffer(row_digests(list(map(own_row, block))), np.uint8).reshape(-1, HASH_BYTES)
        own, same = _hashes(block, experts.ids[start : start + BLOCK], digests, before)
        hashes.append(own)
        packer.add(block, digests, same)
        start += BLOCK
    writer.save(FIELD_HASHES, np.concatenate(hashes))
    writer.save_profiles(packer.packed())


def previous_profiles(folder: Path | None, *, reembed: bool) -> Baseline | None:
    """The profiles that may be taken over: none with `reembed`, from an earlier release, or if files are damaged."""
    if folder is None or reembed:
        return None
    try:
        manifest = read_manifest(folder)
        if manifest.format != FORMAT or manifest.fields != tuple(FIELDS):
            return None
        check_files(folder, manifest, hashes=True, only=(IDS, FIELD_HASHES, *PROFILE_FILES))
        return Baseline.read(folder, manifest)
    except SnapshotInvalid as error:
        logger.warning(gettext_noop("The profiles of all experts are written again: %s"), error)
        return None


def _hashes(
    experts: Sequence[ExpertRecord], ids: NDArray[np.int64], digests: NDArray[np.uint8], before: Baseline | None
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """What `field_hashes` gives for b experts, uint64[b, fields], and in which row `before` has the same profile,
    int64[b], -1 for in none."""
    if before is None or before.profiles is None:
        return field_hashes(experts), np.full(len(experts), -1, np.int64)
    rows, is_known = find_rows(before.ids, ids)
    stored = before.field_hashes[rows]
    others = [value_hashes([FIELDS[name](expert) for expert in experts]) for name in IN_OTHER_ROWS]
    same = is_known & (before.profiles.digests[rows] == digests).all(1)
    same &= (stored[:, _COLUMNS] == np.column_stack(others)).all(1)
    new = np.flatnonzero(~same)
    stored[new] = field_hashes([experts[place] for place in new.tolist()])
    return stored, np.where(same, rows, -1)

"""What the gate judges a new version by: gathered here, where versions can be opened and searched."""

from __future__ import annotations

import logging

import numpy as np
from django.contrib.admin.models import DELETION, LogEntry
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from experts.models import Expert
from indexing import paths
from indexing.build.gate import Evidence, QueryOutcome
from indexing.build.pipeline import Built
from indexing.comparing import OVERLAP_AT
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.models import IndexState, IndexVersion, SavedQuery
from indexing.search import Mode, search
from indexing.snapshot.reader import Snapshot

logger = logging.getLogger(__name__)


def gather(built: Built) -> Evidence:
    """Compare the version that was built, hence the directory as read at its start, with the live one."""
    assert built.folder is not None  # noqa: S101  a full build always has one
    new = Snapshot.open(built.folder, manifest_sha256=built.manifest_sha256, check_hashes=False)
    live = _live()
    nobody = np.empty(0, np.int64)
    return Evidence(
        experts=built.experts,
        live_number=live.number if live else None,
        live_experts=len(live) if live else 0,
        lost=_names(np.setdiff1d(live.ids, new.ids) if live else nobody),
        gained=_names(np.setdiff1d(new.ids, live.ids) if live else nobody),
        without_text=built.without_text,
        failed=built.failed,
        recall=new.manifest.ann_recall,
        queries=tuple(_ask(query, new, live) for query in SavedQuery.objects.filter(is_active=True)),
    )


def _live() -> Snapshot | None:
    """The live version; one that is damaged is nothing to compare with, and replacing it is the mend."""
    version: IndexVersion | None = IndexState.read().live_version
    if version is None:
        return None
    try:
        return Snapshot.open(paths.version_folder(version.number), manifest_sha256=version.manifest_sha256)
    except SnapshotInvalid as error:
        logger.warning("There is nothing to compare with: %s", error)
        return None


def _ask(query: SavedQuery, new: Snapshot, live: Snapshot | None) -> QueryOutcome:
    after = _found(query, new)
    expected = query.expected.active().order_by("username").values_list("username", flat=True)
    return QueryOutcome(
        text=query.text,
        k=query.k,
        missing=tuple(name for name in expected if name not in after[: query.k]),
        before=_found(query, live) if live else (),
        after=after,
    )


def _found(query: SavedQuery, snapshot: Snapshot) -> tuple[str, ...]:
    try:
        results = search(query.text, max(query.k, OVERLAP_AT), Mode.HYBRID, snapshot=snapshot)
    except EncoderUnavailable:  # the live version is of another model: nothing can be asked of it
        return ()
    return tuple(hit.expert.username for hit in results.hits)


def _names(ids: NDArray[np.int64]) -> tuple[str, ...]:
    """Usernames, in order; of a deleted expert what the admin's log remembers."""
    known: dict[int, str] = {}
    wanted = ids.tolist()
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        known |= dict(Expert.objects.filter(pk__in=some).values_list("pk", "username"))
    deleted = LogEntry.objects.filter(action_flag=DELETION, content_type__model="expert").exclude(object_id=None)
    gone = [key for key in wanted if key not in known]
    for start in range(0, len(gone), 500):
        entries = deleted.filter(object_id__in=[str(key) for key in gone[start : start + 500]])
        known |= {
            int(entry.object_id or 0): _("%(name)s (deleted)") % {"name": entry.object_repr} for entry in entries
        }
    return tuple(sorted(known.get(key, _("number %(id)s (deleted)") % {"id": key}) for key in wanted))

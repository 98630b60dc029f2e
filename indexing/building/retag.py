"""The stage that assigns automatic tags to experts."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord
from experts.tagging import assignment, storage
from indexing.building.reporting import StageProgress
from indexing.encoders import Encoder
from indexing.encoders.protocol import QUERY
from indexing.lib.messages import count_of_experts, message
from indexing.lib.retrying import with_database_retry

LET_OTHERS_WRITE = 0.12
"""Seconds between two batches on SQLite; 12 s in all at 100,000 experts."""


@dataclass(frozen=True, slots=True)
class TagPlan:
    """The experts whose tags are out of date, found before anything is encoded."""

    tags: list[assignment.TagSpec]
    threshold: float
    rows: NDArray[np.int64]
    """int64[m]: positions of those experts in the list that was read."""
    tagged_for: list[str]
    """For each of `rows`, the new value of `Expert.tagged_for`."""


def plan_tags(
    experts: Iterable[ExpertRecord], hashes: Iterable[bytes], fingerprint: str, threshold: float
) -> TagPlan:
    """Experts are tagged again if their text, the model, the tags or the threshold has changed.

    `threshold` is a cosine similarity, and the text is compared by `hashes`, one for each expert.
    """
    tags = with_database_retry(storage.active_tags)
    catalogue = assignment.tag_set_hash(fingerprint, tags, threshold)
    rows, bases = [], []
    for row, (expert, each) in enumerate(zip(experts, hashes, strict=True)):
        if (basis := assignment.tagging_basis(each, catalogue)) != expert.tagged_for:
            rows.append(row)
            bases.append(basis)
    return TagPlan(tags, threshold, np.array(rows, np.int64), bases)


def retag(
    ids: NDArray[np.int64],
    todo: TagPlan,
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    encoder: Encoder,
    progress: StageProgress,
) -> None:
    """Assign and store the tags of `todo`. `ids`, int64[n], are those of the experts; `rows`, int64[m], say which of
    `vectors`, float32[r, d], belong to `todo.rows`.

    A block after another, each stored in batches. If the run stops in between, the next one tags the rest.
    """
    progress.expect(len(rows))
    changes = storage.TagChanges(0, 0, 0)
    if len(rows):
        tag_vectors = encoder.encode([tag.text for tag in todo.tags], QUERY)
    for start in range(0, len(rows), assignment.BLOCK):
        some = slice(start, start + assignment.BLOCK)
        assigned = assignment.assign(vectors[rows[some]], tag_vectors, todo.tags, todo.threshold)
        changes += _store(ids[todo.rows[some]].tolist(), assigned, todo.tagged_for[some], progress, waits=start > 0)
    progress.summarise(
        message(
            "Tagged %(tagged)s; tags added: %(added)d, removed: %(removed)d; %(changed)s changed",
            tagged=count_of_experts(len(rows)),
            added=changes.added,
            removed=changes.removed,
            changed=count_of_experts(changes.experts),
        )
    )


def _store(
    ids: list[int],
    assigned: list[list[tuple[int, float]]],
    tagged_for: list[str],
    progress: StageProgress,
    *,
    waits: bool,
) -> storage.TagChanges:
    """Store batch by batch, so that while the database is away only one batch is repeated, not the run.

    SQLite has no queue for its one writer: others try again every 100 ms at most. Without a pause between two batches
    they would find it locked each time, for minutes: somebody who signs in, or the heartbeat of this run. `waits`:
    also before the first one.
    """
    changes = storage.TagChanges(0, 0, 0)
    for start in range(0, len(ids), storage.BATCH):
        if (start or waits) and connection.vendor == "sqlite":
            time.sleep(LET_OTHERS_WRITE)
        some = slice(start, start + storage.BATCH)
        tags = dict(zip(ids[some], assigned[some], strict=True))
        bases = dict(zip(ids[some], tagged_for[some], strict=True))
        changes += with_database_retry(partial(storage.store, tags, bases, between=progress.advance))
    return changes

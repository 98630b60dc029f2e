"""The part of each hit's profile that is nearest to the query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experts.models import Expert
from experts.profiles.hashes import value_hashes
from experts.profiles.records import FIELDS
from indexing.snapshot.reader import Snapshot

Span = tuple[int, int]

BIO = list(FIELDS).index("bio")


def best_passages(experts: Sequence[Expert], snapshot: Snapshot, vector: NDArray[np.float32]) -> list[Span | None]:
    """Start and length, in the bio, of the passage of each expert nearest to the query's `vector`, float32[d].

    None for a short profile, which counts as a whole, and for a bio that changed since the version was built. All
    `experts` must be in the version.
    """
    if not experts or not len(snapshot.meaning.passages):
        return [None] * len(experts)
    rows = snapshot.rows(np.array([expert.pk for expert in experts], np.int64))
    unchanged = snapshot.baseline.field_hashes[rows, BIO] == value_hashes([expert.bio for expert in experts])
    found = snapshot.meaning.best_passages(vector, rows)
    return [passage if same else None for passage, same in zip(found, unchanged.tolist(), strict=True)]

"""The vectors of a version: from the previous one if the text is the same, else from the encoder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from experts.profiles.record_file import RecordFile
from indexing.building.layout import Layout
from indexing.building.order import Order
from indexing.building.reporting import StageProgress
from indexing.building.reuse import PreviousVectors
from indexing.building.shards import Shards, encode
from indexing.building.unit_length import is_usable
from indexing.encoders import Encoder
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.lib.messages import count_of_experts, message

logger = logging.getLogger(__name__)

BLOCK = 16_384  # vectors in memory at once: the matrix may be a mapped file
Allocate = Callable[[tuple[int, int]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Embedded:
    layout: Layout
    matrix: NDArray[np.float32]
    """float32[n + m, d], unit length: the experts in their order, then their passages: see
    `indexing.building.layout`."""
    encoded: int
    """Experts with a text that was encoded now. Identical texts are encoded once, but each expert counts."""
    reused: int

    @property
    def vectors(self) -> NDArray[np.float32]:
        """float32[n, d], unit length: one for each expert."""
        return self.matrix[: len(self.layout)]


def embed(
    layout: Layout,
    encoder: Encoder,
    previous: PreviousVectors | None,
    progress: StageProgress,
    order: Order,
    allocate: Allocate = lambda shape: np.empty(shape, np.float32),
) -> Embedded:
    """The vectors of `layout`. Texts that are neither in `previous` nor in the shards of `order` are encoded where it
    says, each different one once.

    `allocate` makes the matrix of this shape, perhaps on the disk. If `previous` has all texts, the encoder is not
    even loaded. Raises EncoderUnavailable, and what `progress` raises.
    """
    rows, hashes = layout.to_encode
    known = previous.rows(hashes) if previous else np.full(len(hashes), -1, np.int64)
    new, old = np.flatnonzero(known < 0), np.flatnonzero(known >= 0)
    keys = list(dict.fromkeys(hashes[at] for at in new.tolist()))
    if keys or previous is None:
        _require_one_dimension(encoder, previous)
        dimension = encoder.dimension
    else:
        dimension = previous.manifest.dimension
    matrix = allocate((len(layout) + len(layout.owners), dimension))
    if previous is not None:
        _copy(previous.matrix, known[old], matrix, rows[old])
    if keys:
        place = {each: row for row, each in enumerate(keys)}
        of_new = np.array([place[hashes[at]] for at in new.tolist()])
        first = rows[new[np.unique(of_new, return_index=True)[1]]]
        shards, where = _shards(order, encoder), (order.scheduler, order.processes, (matrix, first))
        _, found = encode(keys, layout.texts, encoder, shards, progress, *where)
        _repeat(matrix, first[of_new], rows[new])
        new = new[~found[of_new]]
    _fill_in_means(matrix, layout)
    encoded = len(np.unique(layout.expert_of(rows[new])))
    reused = len(layout) - encoded
    counts = {"reused": count_of_experts(reused), "encoded": count_of_experts(encoded)}
    progress.summarise(message("Reused the vectors of %(reused)s; encoded the profiles of %(encoded)s", **counts))
    return Embedded(layout, matrix, encoded, reused)


def _shards(order: Order, encoder: Encoder) -> Shards | None:
    return Shards(order.encoded, encoder.fingerprint, recompute=order.reembed) if order.encoded else None


def _repeat(matrix: NDArray[np.float32], first: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    """Set `rows`, int64[k], of `matrix`, float32[r, d], to those with the same text, `first`, int64[k]."""
    same = first != rows
    _copy(matrix, first[same], matrix, rows[same])


def _copy(
    source: NDArray[np.float32],
    from_rows: NDArray[np.int64],
    target: NDArray[np.float32],
    to_rows: NDArray[np.int64],
) -> None:
    """Copy rows of `source`, float32[s, d], to rows of `target`, float32[t, d]; both lists are int64[k]."""
    for start in range(0, len(to_rows), BLOCK):
        some = slice(start, start + BLOCK)
        target[to_rows[some]] = source[from_rows[some]]


def _fill_in_means(matrix: NDArray[np.float32], layout: Layout) -> None:
    """Set the rows of experts with several passages: the mean of these, at unit length."""
    passages = layout.passages
    if not len(passages):
        return
    ends = passages.starts + passages.counts
    for start in range(0, len(passages.owners), BLOCK):
        some = slice(start, start + BLOCK)
        starts = passages.starts[some]
        own = matrix[len(layout) + starts[0] : len(layout) + ends[some][-1]]
        sums = np.add.reduceat(own, starts - starts[0], axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):  # of unusable vectors, see `drop_unusable`
            matrix[passages.owners[some]] = sums / lengths


def _require_one_dimension(encoder: Encoder, previous: PreviousVectors | None) -> None:
    """The fingerprint ensures it, unless the model's files were replaced. Raises EncoderUnavailable."""
    if previous is not None and previous.manifest.dimension != encoder.dimension:
        raise EncoderUnavailable(
            message(
                "The model %(name)s produces vectors of %(own)d dimensions, but those of version %(number)s have "
                "%(built)d. The model’s files must have changed. Install the model again, then rebuild with "
                "“Recompute every profile”.",
                name=encoder.name,
                own=encoder.dimension,
                number=previous.manifest.number,
                built=previous.manifest.dimension,
            )
        )


def drop_unusable(experts: RecordFile, embedded: Embedded) -> tuple[RecordFile, Embedded]:
    """The arguments without experts who have a vector that is not finite and of unit length; the log names them."""
    bad = np.flatnonzero(~is_usable(embedded.matrix))
    if not len(bad):
        return experts, embedded
    layout = embedded.layout
    left_out = set(layout.expert_of(bad).tolist())
    for row in sorted(left_out):
        logger.error(gettext_noop("The model gave no usable vector for %s, who is left out."), experts[row].username)
    rows = [row for row in range(len(experts)) if row not in left_out]
    kept = [*rows, *(len(experts) + at for at, owner in enumerate(layout.owners) if owner not in left_out)]
    usable = Embedded(layout.of_rows(rows), embedded.matrix[kept], embedded.encoded, embedded.reused)
    return experts.of_rows(rows), usable


def previous_vectors(folder: Path | None, fingerprint: str, *, reembed: bool) -> PreviousVectors | None:
    """The vectors that may be reused: none with `reembed`, of another model or template, or if files are damaged.

    A damaged live version does not stop the build: a new version is what replaces it.
    """
    if folder is None or reembed:
        return None
    try:
        previous = PreviousVectors.open(folder)
    except SnapshotInvalid as error:
        logger.warning(gettext_noop("Nothing is reused: %s"), error)
        return None
    return previous if previous.is_compatible(fingerprint) else None

"""The experts' vectors: from the previous version if the text is the same, else from the encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from experts.profiles.hashes import text_hash
from experts.profiles.records import ExpertRecord
from experts.profiles.text import profile_text
from indexing.building.reporting import StageProgress
from indexing.building.reuse import PreviousVectors
from indexing.encoders import Encoder
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.lib.messages import count_of_experts, message

logger = logging.getLogger(__name__)

UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Embedded:
    vectors: NDArray[np.float32]
    """float32[n, d], unit length, in the order of the experts."""
    encoded: int
    """Experts whose text the previous version does not have; identical texts are encoded once, but each counts."""
    reused: int


def text_hashes(experts: Sequence[ExpertRecord], fingerprint: str) -> list[bytes]:
    """A 16-byte hash for each expert, of the text and the encoder's `fingerprint`: equal ones share a vector."""
    return [text_hash(fingerprint, profile_text(expert)) for expert in experts]


def embed(
    experts: Sequence[ExpertRecord],
    hashes: Sequence[bytes],
    encoder: Encoder,
    previous: PreviousVectors | None,
    progress: StageProgress,
) -> Embedded:
    """A vector for each expert. Texts that `previous` does not have are encoded, each different one once.

    If it has them all, the encoder is not even loaded. `hashes` are the experts' `text_hashes`. Raises
    EncoderUnavailable, and what `progress` raises.
    """
    known = previous.rows(hashes) if previous else np.full(len(experts), -1, np.int64)
    new, old = np.flatnonzero(known < 0), np.flatnonzero(known >= 0)
    texts = {hashes[row]: profile_text(experts[row]) for row in new.tolist()}
    progress.expect(len(texts))
    if texts or previous is None:
        _require_one_dimension(encoder, previous)
        vectors = np.empty((len(experts), encoder.dimension), np.float32)
    else:
        vectors = np.empty((len(experts), previous.manifest.dimension), np.float32)
    if previous is not None and len(old):
        vectors[old] = previous.vectors[known[old]]
    if texts:
        fresh = encoder.encode(list(texts.values()), progress=progress.advance)
        place = {each: row for row, each in enumerate(texts)}
        vectors[new] = fresh[[place[hashes[row]] for row in new.tolist()]]
    encoded = len(experts) - len(old)
    progress.summarise(
        message(
            "Reused the vectors of %(reused)s; encoded the profiles of %(encoded)s",
            reused=count_of_experts(len(old)),
            encoded=count_of_experts(encoded),
        )
    )
    return Embedded(vectors, encoded, len(old))


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


def drop_unusable(
    experts: Sequence[ExpertRecord], hashes: Sequence[bytes], embedded: Embedded
) -> tuple[Sequence[ExpertRecord], Sequence[bytes], Embedded]:
    """The three arguments without experts whose vector is not finite and of unit length; the log names them."""
    lengths = np.linalg.norm(embedded.vectors, axis=1)
    good = np.abs(lengths - 1) <= UNIT_TOLERANCE  # False for NaN as well
    if good.all():
        return experts, hashes, embedded
    for row in np.flatnonzero(~good).tolist():
        logger.error(gettext_noop("The model gave no usable vector for %s, who is left out."), experts[row].username)
    rows = np.flatnonzero(good).tolist()
    usable = Embedded(embedded.vectors[good], embedded.encoded, embedded.reused)
    return [experts[row] for row in rows], [hashes[row] for row in rows], usable


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

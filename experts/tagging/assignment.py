"""Which tags fit which experts. Pure functions.

Nothing is encoded here: a build hands over the vectors that it has anyway, so tagging costs one matrix product.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experts.tagging.default_tags import DOMAIN, INDUSTRY

MAX_TAGS = {DOMAIN: 6, INDUSTRY: 3}
"""How many automatic tags of each kind an expert has at most."""

BLOCK = 8_192  # experts whose similarities are in memory at the same time


@dataclass(frozen=True, slots=True)
class TagSpec:
    """An active tag as a run read it."""

    id: int
    name: str
    kind: str
    description: str

    @property
    def text(self) -> str:
        """The text that is embedded for the tag."""
        return f"{self.name}. {self.description}"


def tag_set_hash(fingerprint: str, tags: Sequence[TagSpec], threshold: float) -> str:
    """32 hex characters that change with the model, any tag, the threshold or the limits, but not with the order.

    `threshold` is a cosine similarity.
    """
    digest = hashlib.blake2b(digest_size=16)
    parts = [fingerprint, repr(float(threshold)), repr(sorted(MAX_TAGS.items()))]
    for tag in sorted(tags, key=lambda tag: tag.id):
        parts += [str(tag.id), tag.kind, tag.name, tag.description]
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()


def tagging_basis(text_hash: bytes, tag_set_hash: str) -> str:
    """32 hex characters that identify what an expert's automatic tags were computed from: `Expert.tagged_for`."""
    return hashlib.blake2b(text_hash + bytes.fromhex(tag_set_hash), digest_size=16).hexdigest()


def assign(
    vectors: NDArray[np.float32], tag_vectors: NDArray[np.float32], tags: Sequence[TagSpec], threshold: float
) -> list[list[tuple[int, float]]]:
    """For each expert the tags that fit, as (tag id, cosine similarity), best first.

    `vectors` is float32[n, d] and `tag_vectors` float32[t, d] in the order of `tags`, both of unit length. A tag
    needs a similarity of at least `threshold`, and the best `MAX_TAGS` of each kind are taken. Between equal
    similarities the tag that comes first in `tags` wins, so that the same input always gives the same tags.
    Raises ValueError if there is not one vector for each tag.
    """
    if len(tag_vectors) != len(tags):
        raise ValueError(f"{len(tag_vectors)} tag vectors for {len(tags)} tags")
    assigned: list[list[tuple[int, float]]] = []
    for start in range(0, len(vectors), BLOCK):
        similarities = vectors[start : start + BLOCK] @ tag_vectors.T
        block: list[list[tuple[int, float]]] = [[] for _ in similarities]
        for kind, limit in MAX_TAGS.items():
            columns = [number for number, tag in enumerate(tags) if tag.kind == kind]
            if not columns:
                continue
            of_kind = similarities[:, columns]
            best = np.argsort(-of_kind, axis=1, kind="stable")[:, :limit]
            scores = np.take_along_axis(of_kind, best, axis=1)
            for row, place in zip(*np.nonzero(scores >= threshold), strict=True):
                tag = tags[columns[best[row, place]]]
                block[row].append((tag.id, float(scores[row, place])))
        for chosen in block:
            chosen.sort(key=lambda pair: -pair[1])
        assigned += block
    return assigned

"""An encoder for directories that would take too long to encode: most vectors are derived from real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.encoders import ModelEncoder
from indexing.encoders.protocol import DOCUMENT, BatchCallback, Role

REAL = 1_500
"""Texts of one call that are really encoded: that takes seconds to a minute. Queries always are."""
NOISE = 0.5
"""Length of the random vector that is added to a unit vector: the cosine of the two is then .89, about that of two
similar profiles."""
BLOCK = 8_192


class DerivedEncoder:
    """The configured model. Encodes REAL of many texts, and perturbs their vectors for the others."""

    real: int | None = REAL

    def __init__(self) -> None:
        self.model = ModelEncoder()
        self.name = f"{self.model.name}, derived"
        self.fingerprint = hashlib.sha256(f"derived {self.model.fingerprint}".encode()).hexdigest()

    @property
    def dimension(self) -> int:
        return self.model.dimension

    def load(self) -> None:
        self.model.load()

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order; the same for the same texts."""
        if self.real is None or len(texts) <= self.real:
            return self.model.encode(texts, role, progress=progress)
        rows = np.linspace(0, len(texts) - 1, self.real, dtype=np.int64)
        base = self.model.encode([texts[row] for row in rows], role, progress=progress)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        random = np.random.default_rng(1)
        for start in range(0, len(vectors), BLOCK):
            block = vectors[start : start + BLOCK]
            block[:] = perturbed(base[random.integers(len(base), size=len(block))], random)
            if progress is not None:
                progress(len(block))
        vectors[rows] = base
        return vectors

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        return self.model.characters_read(texts)


class FullEncoder(DerivedEncoder):
    """Encodes every text, as a rebuild does: searches are measured while it works. Nobody waits for its end."""

    real = None


def perturbed(vectors: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors near the given ones, both float32[n, d]: a random vector of length NOISE is added to each."""
    noise = random.standard_normal(vectors.shape, dtype=np.float32)
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    moved = vectors + noise
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved

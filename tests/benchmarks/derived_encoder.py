"""An encoder for directories that would take too long to encode: vectors of profiles are derived from real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from experts.samples import generator
from indexing.encoders import ModelEncoder
from indexing.encoders.protocol import DOCUMENT, BatchCallback, Role

REAL = 1_500
"""Sample profiles that are really encoded, once for each data folder: that takes seconds to a minute."""
NOISE = 0.5
"""Length of the random vector that is added to a unit vector: the cosine of the two is then .89, about that of two
similar profiles."""
READ = 1_000  # characters, about 256 tokens
BLOCK = 8_192
_SEED_BYTES = 8


class DerivedEncoder:
    """The configured model for queries. A profile gets the vector of a sample that its text picks, perturbed."""

    real: int | None = REAL

    def __init__(self) -> None:
        self.model = ModelEncoder()
        self.name = f"{self.model.name}, derived"
        self.fingerprint = hashlib.sha256(f"derived by text {self.model.fingerprint}".encode()).hexdigest()
        self._base: NDArray[np.float32] | None = None

    @property
    def dimension(self) -> int:
        return self.model.dimension

    def load(self) -> None:
        self.model.load()

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order; the same for the same text, whatever is encoded with it."""
        if self.real is None or role != DOCUMENT:
            return self.model.encode(texts, role, progress=progress)
        base = self.base
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), BLOCK):
            block = vectors[start : start + BLOCK]
            seeds = [_seed(text) for text in texts[start : start + BLOCK]]
            for row, seed in enumerate(seeds):
                block[row] = np.random.Generator(np.random.SFC64(seed)).standard_normal(block.shape[1], np.float32)
            block[:] = moved(base[np.array(seeds, np.uint64) % np.uint64(len(base))], block)
            if progress is not None:
                progress(len(block))
        return vectors

    @property
    def base(self) -> NDArray[np.float32]:
        """float32[r, d]: the vectors of the first `real` sample profiles; from a file, if the data folder has one."""
        if self._base is None:
            path = settings.DATA_DIR / f"base-{self.model.fingerprint[:16]}-{self.real}.npy"
            if not path.exists():
                samples = islice(generator.generate_experts(self.real or 0), self.real)
                texts = [f"{each.job_title}, {each.company}. {each.bio}" for each in samples]
                np.save(path, self.model.encode(texts))
            self._base = np.load(path, allow_pickle=False)
        return self._base

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """About what the model reads, without counting tokens: that takes a third of a millisecond for each text."""
        return [min(len(text), READ) for text in texts]


class FullEncoder(DerivedEncoder):
    """Encodes every text, as a rebuild does: searches are measured while it works. Nobody waits for its end."""

    real = None


def perturbed(vectors: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors near the given ones, both float32[n, d]: a random vector of length NOISE is added to each."""
    return moved(vectors, random.standard_normal(vectors.shape, dtype=np.float32))


def moved(vectors: NDArray[np.float32], noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors, float32[n, d]: `vectors` with the `noise`, both float32[n, d], which is made NOISE long first."""
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    moved = vectors + noise
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved


def _seed(text: str) -> int:
    raw = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_SEED_BYTES).digest()
    return int.from_bytes(raw, "little")

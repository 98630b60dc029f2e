"""What tests put in place of the real thing: only the encoder, through `settings.TCS_ENCODER`.

By environment variable it reaches subprocesses too: `TCS_ENCODER=tests.support.fakes.HashEncoder`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.protocol import DOCUMENT, Role

DIMENSION = 64
BATCH = 8


class HashEncoder:
    """Deterministic unit vectors, float32[n, 64], from the words of a text: texts that share words are similar."""

    name = "hash-encoder"
    fingerprint = hashlib.sha256(b"tests.support.fakes.HashEncoder 1").hexdigest()
    dimension = DIMENSION
    limit = 256
    """Words of a text that it reads."""

    def __init__(self) -> None:
        self.encoded: list[str] = []
        """Every text that was encoded, so that a test can tell what was not encoded again."""
        self.roles: dict[str, Role] = {}
        """The role of each text that was encoded, the last one if there were several."""

    def load(self) -> None:
        pass

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            for row, (text, read) in enumerate(zip(batch, self.characters_read(batch), strict=True), start):
                vectors[row] = text_vector(text[:read])
            self.encoded += batch
            self.roles.update(dict.fromkeys(batch, role))
            if progress is not None:
                progress(len(batch))
        return vectors

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """Up to `limit` words, and any punctuation after them."""
        ends = [[word.end() for word in re.finditer(r"\w+\W*", text)] for text in texts]
        return [
            len(text) if len(each) <= self.limit else each[self.limit - 1]
            for text, each in zip(texts, ends, strict=True)
        ]


class OtherHashEncoder(HashEncoder):
    """The same vectors under another fingerprint: another model."""

    fingerprint = hashlib.sha256(b"tests.support.fakes.OtherHashEncoder 1").hexdigest()


def text_vector(text: str) -> NDArray[np.float32]:
    """The unit vector of a text, float32[64]: the normalised sum of its words' vectors."""
    words = re.findall(r"\w+", text.lower()) or [text]
    total = np.sum([word_vector(word) for word in words], axis=0)
    return (total / np.linalg.norm(total)).astype(np.float32)


@lru_cache(maxsize=65_536)
def word_vector(word: str) -> NDArray[np.float64]:
    """A random vector, float64[64], that is always the same for the same word."""
    seed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
    return np.random.default_rng(seed).normal(size=DIMENSION)

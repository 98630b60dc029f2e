"""Caches the vectors of recent queries: people turn pages, reload and change filters with the same words."""

from __future__ import annotations

import hashlib
import threading

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexing.encoders.protocol import QUERY, Encoder, Role

SIZE = 2_048
"""Vectors in the cache; at 384 dimensions about 4 MB."""


class QueryCache:
    """A least-recently-used cache. Any number of threads may use it; two may encode the same text at once."""

    def __init__(self, size: int = SIZE) -> None:
        self._vectors: LRUCache[tuple[str, Role, bytes], NDArray[np.float32]] = LRUCache(size)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def vector(self, encoder: Encoder, text: str, role: Role = QUERY) -> NDArray[np.float32]:
        """The unit vector of `text` in that role, float32[d], read-only. Raises EncoderUnavailable."""
        # a digest, since queries can be long and the cache should bound memory too
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        key = (encoder.fingerprint, role, digest)
        with self._lock:
            if (known := self._vectors.get(key)) is not None:
                return known
        vector: NDArray[np.float32] = encoder.encode([text], role)[0].copy()
        vector.flags.writeable = False
        with self._lock:
            self._vectors[key] = vector
        return vector

    def clear(self) -> None:
        """Forget all vectors."""
        with self._lock:
            self._vectors.clear()

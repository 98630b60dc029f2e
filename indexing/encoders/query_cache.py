"""Caches the vectors of recent queries: people turn pages, reload and change filters with the same words."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from indexing.encoders.protocol import Encoder

SIZE = 2_048
"""Vectors in the cache; at 384 dimensions about 4 MB."""


class QueryCache:
    """A least-recently-used cache. Any number of threads may use it; two may encode the same text at once."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._vectors: OrderedDict[tuple[str, bytes], NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def vector(self, encoder: Encoder, text: str) -> NDArray[np.float32]:
        """The unit vector of `text`, float32[d], read-only. Raises EncoderUnavailable."""
        # a digest, since queries can be long and the cache should bound memory too
        key = (encoder.fingerprint, hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())
        with self._lock:
            if (known := self._vectors.get(key)) is not None:
                self._vectors.move_to_end(key)
                return known
        vector: NDArray[np.float32] = encoder.encode([text])[0].copy()
        vector.flags.writeable = False
        with self._lock:
            self._vectors[key] = vector
            self._vectors.move_to_end(key)
            while len(self._vectors) > self._size:
                self._vectors.popitem(last=False)
        return vector

    def clear(self) -> None:
        """Forget all vectors."""
        with self._lock:
            self._vectors.clear()

"""What a Dask worker does for a build: encode a shard of texts. `indexing.building.dask_encoding` hands them out.

A worker announces what it encodes with as a resource of Dask, so that the scheduler gives it only shards that need
just that: `manage.py encoding_worker` starts it so. Nothing here imports Dask.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexing import encoders
from indexing.encoders.protocol import Encoder
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import Message, message

PREFIX = "tcs"
SHOWN = 8
"""Characters of a fingerprint that are shown."""


def _code() -> str:
    """Changes with each source file of this package: 16 hex characters."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


CODE = _code()


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a process encodes with. Vectors of two processes belong together only if it is the same."""

    name: str
    fingerprint: str
    code: str

    @classmethod
    def of(cls, encoder: Encoder) -> Self:
        """That of this process, which uses `encoder`."""
        return cls(encoder.name, encoder.fingerprint, CODE)

    @classmethod
    def announced(cls, resource: str) -> Self | None:
        """What is announced as that resource; None for resources of others."""
        prefix, *parts = resource.split(":", 3)
        if prefix != PREFIX or len(parts) != 3:
            return None
        fingerprint, code, name = parts
        return cls(name, fingerprint, code)

    @property
    def resource(self) -> str:
        """The name of the resource that a worker announces and a shard needs."""
        return f"{PREFIX}:{self.fingerprint}:{self.code}:{self.name}"

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint[:SHOWN]}…, code {self.code[:SHOWN]})"


def refusal(worker: str, own: Equipment, wanted: Equipment) -> Message:
    """Why that worker encodes nothing for a build."""
    return message(
        "The worker %(worker)s is not used: it encodes with %(own)s, but this run with %(wanted)s. Install the same "
        "release of TCS and the same model there, then restart it.",
        worker=worker,
        own=str(own),
        wanted=str(wanted),
    )


def encode(texts: Sequence[str], wanted: Equipment) -> NDArray[np.float32]:
    """Unit vectors, float32[n, d], of the documents, in input order.

    Raises EncoderUnavailable, also if this process encodes with something else.
    """
    encoder = encoders.loaded()
    own = Equipment.of(encoder)
    if own != wanted:
        raise EncoderUnavailable(refusal(platform.node(), own, wanted))
    return encoder.encode(texts)

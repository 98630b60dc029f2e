"""What an encoder is to everybody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

ProgressCallback = Callable[[int], None]
"""Called with the number of texts in each batch that is done; may raise, which ends the encoding."""


class Encoder(Protocol):
    """What `settings.TCS_ENCODER` names: a class without arguments, cheap to make."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """64 hex characters that change with whatever changes a vector."""

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Make ready to encode; does nothing the second time. Raises EncoderUnavailable."""

    def encode(self, texts: Sequence[str], *, progress: ProgressCallback | None = None) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order. Raises EncoderUnavailable, and what `progress` raises."""

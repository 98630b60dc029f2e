"""What the rest of the code may expect of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BatchCallback = Callable[[int], None]
"""Called after each batch with its number of texts. What it raises ends the encoding and is passed on."""


class Encoder(Protocol):
    """`settings.TCS_ENCODER` names a class like this, which is made without arguments and must be cheap to make."""

    @property
    def name(self) -> str:
        """Shown to people, for instance all-MiniLM-L6-v2."""

    @property
    def fingerprint(self) -> str:
        """64 hex characters. Two encoders with the same fingerprint give the same vectors."""

    @property
    def dimension(self) -> int:
        """Floats per vector, d. May load the model. Raises EncoderUnavailable."""

    def load(self) -> None:
        """Get ready to encode; does nothing if it is. Raises EncoderUnavailable."""

    def encode(self, texts: Sequence[str], *, progress: BatchCallback | None = None) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order. Raises EncoderUnavailable, and what `progress` raises."""

"""What the rest of the code may expect of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

BatchCallback = Callable[[int], None]
"""Called after each batch with its number of texts. What it raises ends the encoding and is passed on."""

Role = Literal["query", "document"]
"""What a text is to the model: many models put another prompt in front of a query than of what is searched.

Profiles and their passages are documents. What is looked for among them is a query: what people type, and tags too,
since a tag finds the profiles that are near it. A model without prompts gives both the same vector.
"""
QUERY: Role = "query"
DOCUMENT: Role = "document"
ROLES: tuple[Role, ...] = (QUERY, DOCUMENT)

MIN_COSINE = 0.9999
"""The lowest cosine similarity of two vectors of one text that count as the same."""
MIN_COSINE_COMPACT = 0.99
"""The lowest of a query's vector by weights of 8 bits to that by the model itself: .993 for “?”, .999 for most."""


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

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], of the texts in that role, in input order.

        Raises EncoderUnavailable, and what `progress` raises.
        """

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """How many characters of each document the model reads: all, or those up to its limit of tokens.

        May load the model. Raises EncoderUnavailable.
        """

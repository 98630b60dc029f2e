"""What a search is while the vectors cannot be searched: hybrid search goes on with words alone, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from indexing.errors import VectorsUnavailable
from indexing.lib.messages import message
from indexing.models.searches import Mode

T = TypeVar("T")

NOTICE = message(
    "Search by meaning is not available at the moment. These experts were found by words alone, and others may be "
    "missing."
)


def words_if_needed(mode: Mode, answer: Callable[[Mode], T]) -> T:
    """`answer(mode)`; for hybrid mode, while the vectors cannot be searched, `answer(Mode.KEYWORD)`.

    Raises what `answer` raises; VectorsUnavailable for a search by meaning alone.
    """
    try:
        return answer(mode)
    except VectorsUnavailable:
        if mode != Mode.HYBRID:
            raise
        return answer(Mode.KEYWORD)

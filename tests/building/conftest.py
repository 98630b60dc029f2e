"""The process's encoder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from indexing import encoders
from tests.support.fakes import HashEncoder


@pytest.fixture(autouse=True)
def encoder() -> Iterator[HashEncoder]:
    """The process's encoder, which remembers what it was asked to encode."""
    encoders.reset()
    yield encoders.loaded()
    encoders.reset()

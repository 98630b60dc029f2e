"""A version on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import cast
from tests.support.index_cast import built


@pytest.fixture
def folder(db: None) -> Path:
    """The folder of a finished version with twelve experts."""
    cast.experts(12)
    made = built()
    assert made.folder is not None
    return made.folder

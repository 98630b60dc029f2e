"""What a build leaves behind, reuses, and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from indexing import encoders, paths
from indexing.build.pipeline import Built, Order, build
from indexing.snapshot.reader import Snapshot
from tests import cast
from tests.index_cast import FULL, Reporter


@pytest.mark.django_db
def test_a_build_leaves_a_version_that_opens() -> None:
    cast.experts(20)
    built = build(FULL, Reporter())
    snapshot = Snapshot.open(built.folder, manifest_sha256=built.manifest_sha256)
    assert len(snapshot) == 20

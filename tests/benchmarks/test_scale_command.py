"""The benchmark of the vector index measures what it says."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.snapshot.recall import EFFORTS
from tests.benchmarks import command
from tests.benchmarks.scale_command import derive, measure
from tests.snapshot.test_vectors import unit


def test_it_measures_an_index_over_moved_vectors(tmp_path):
    np.save(tmp_path / "real.npy", real := unit(50, 16))
    made = derive(tmp_path / "real.npy", 400, tmp_path)
    np.testing.assert_array_equal(made[:50], real)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    measured = measure(made, tmp_path)
    assert (measured.vectors, measured.dimension, measured.effort) == (400, 16, EFFORTS[0])
    assert measured.recall == measured.recall_opened > 0.97
    assert measured.p50_ms <= measured.p95_ms


def test_a_file_that_holds_no_vectors_is_named(tmp_path, capsys):
    assert command.main(["scale", "--vectors", str(tmp_path / "none.npy")]) == 1
    assert "none.npy cannot be read" in capsys.readouterr().err

"""The measurement of maps: what it makes, and what it reports."""

from __future__ import annotations

import json

import numpy as np

from tests.benchmarks import command, measure_map


def test_it_measures_maps_of_each_size(capsys):
    assert command.main(["map", "--experts", "90", "40", "--json"]) == 0
    small, large = json.loads(capsys.readouterr().out)["sizes"]
    assert (small["experts"], large["experts"]) == (40, 90)
    for each in (small, large):
        assert each["first"]["processor"] > 0
        assert 0 <= each["moved"]["median"] <= each["moved"]["p95"] <= 2
        assert each["moved_afresh"]["median"] >= 0
    assert command.main(["map", "--experts", "40"]) == 0
    assert "40" in capsys.readouterr().out.splitlines()[1]


def test_a_made_up_directory_is_the_same_each_time_and_changes_a_little():
    directory = measure_map.make_up(500, np.random.default_rng(1))
    np.testing.assert_array_equal(directory.vectors, measure_map.make_up(500, np.random.default_rng(1)).vectors)
    np.testing.assert_allclose(np.linalg.norm(directory.vectors, axis=1), 1, atol=1e-5)
    later = directory.changed(np.random.default_rng(2))
    assert len(later.ids) == len(np.unique(later.ids)) == 500
    assert len(np.intersect1d(directory.ids, later.ids)) == 490

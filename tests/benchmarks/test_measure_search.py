"""The measurement itself: what it derives, what it reports, and that it uses a data folder of its own."""

from __future__ import annotations

import json

import numpy as np
import pytest

from indexing.lib import paths
from tests.benchmarks import command, derived_encoder, measure_search, search_command
from tests.benchmarks.derived_encoder import DerivedEncoder, FullEncoder
from tests.support import tiny_models


@pytest.fixture
def data_folder(settings, tmp_path, monkeypatch):
    """With the export of a tiny model, which the measuring processes copy, so that none of them needs torch."""
    settings.DATA_DIR = tmp_path / "mine"
    model = tiny_models.make_exported(tmp_path / "tiny", paths.models_folder())
    settings.TCS_MODEL_PATH = str(model)
    monkeypatch.setenv("TCS_MODEL_PATH", str(model))
    return settings.DATA_DIR


def test_it_measures_and_leaves_the_data_folder_alone(data_folder, capfd):
    before = sorted(data_folder.rglob("*"))
    options = "--experts 40 --clients 1 2 --searches 12 --state idle --json"
    assert command.main(["search", *options.split()]) == 0
    (size,) = json.loads(capfd.readouterr().out)["sizes"]
    assert (size["experts"], size["backend"]) == (40, "onnx")
    measured = size["measured"]
    assert [(each["clients"], each["cache"]) for each in measured] == [
        (1, "cold"),
        (1, "warm"),
        (2, "cold"),
        (2, "warm"),
    ]
    for each in measured:
        assert each["searches"] == 12
        assert list(each["steps"]) == ["encode", "vectors", "keywords", "fuse", "feedback", "cards"]
        assert 0 < each["search"]["p50"] <= each["search"]["p95"] <= each["search"]["p99"]
        assert each["request"]["p50"] > 0
        assert each["page"]["p50"] > 0
    assert sorted(data_folder.rglob("*")) == before


@pytest.mark.parametrize("value", ["0", "-1", "many"])
@pytest.mark.parametrize("what", ["search", "map", "drift"])
def test_a_size_that_is_not_a_number_is_refused(what, value, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main([what, "--experts", value])
    assert "is not a whole number from 1" in capsys.readouterr().err


def test_derived_vectors_are_unit_near_a_real_one_and_the_same_for_the_same_text(data_folder, monkeypatch):
    monkeypatch.setattr(DerivedEncoder, "real", 5)
    data_folder.mkdir(exist_ok=True)
    encoder = DerivedEncoder()
    texts = [f"Expert number {number} for bridges" for number in range(40)]
    reported: list[int] = []
    vectors = encoder.encode(texts, progress=reported.append)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors, encoder.encode(texts))
    assert len(np.unique(vectors, axis=0)) == 40
    np.testing.assert_array_equal(vectors[[3, 39]], encoder.encode([texts[3], texts[39]]))
    np.testing.assert_array_equal(encoder.base, DerivedEncoder().base)
    assert encoder.base.shape == (5, encoder.dimension)
    nearest = (vectors @ encoder.base.T).max(axis=1)
    assert np.abs(nearest - 1 / np.sqrt(1 + derived_encoder.NOISE**2)).max() < 0.1
    assert sum(reported) >= 40
    real = FullEncoder().encode(texts)
    assert real.shape == vectors.shape
    assert not np.allclose(real, vectors)
    assert FullEncoder().fingerprint == encoder.fingerprint


def test_no_query_is_asked_twice():
    words = measure_search.queries(50)
    asked = [next(words) for _ in range(500)]
    assert len(set(asked)) == 500
    assert all(asked)


def test_the_table_says_how_much_a_rebuild_costs_the_slowest():
    def measured(state: str, p99: float) -> dict[str, object]:
        taken = {"p50": 1.0, "p95": 2.0, "p99": p99}
        names = {"state": state, "clients": 4, "cache": "cold", "load": 0.5}
        return {**names, "search": taken, "request": taken, "page": taken, "steps": {"encode": taken}}

    size = {
        "experts": 10_000,
        "backend": "onnx",
        "seconds_to_open": 0.1,
        "seconds_to_load_the_model": 0.2,
        "first_search_ms": 5.0,
        "peak_mb": 300,
        "measured": [measured("idle", 4.0), measured("rebuild", 5.0)],
    }
    lines = search_command.table(size)
    assert "1.0 / 2.0 / 4.0" in lines[2]
    assert lines[4] == "p99 during a rebuild / idle,   4 at once cold: search 1.25, API 1.25, page 1.25"


def test_percentiles_are_milliseconds():
    assert measure_search.percentiles([0.001 * n for n in range(1, 102)]) == {"p50": 51.0, "p95": 96.0, "p99": 100.0}

"""A whole small directory is built, searched, changed and built again by the benchmark."""

from __future__ import annotations

import json

from indexing.lib import paths
from tests.benchmarks import command
from tests.support import tiny_models


def test_it_measures_every_step_in_a_folder_of_its_own(settings, tmp_path, monkeypatch, capfd):
    settings.DATA_DIR = tmp_path / "mine"
    model = tiny_models.make_exported(tmp_path / "tiny", paths.models_folder())
    settings.TCS_MODEL_PATH = str(model)
    monkeypatch.setenv("TCS_MODEL_PATH", str(model))
    folder = tmp_path / "large"
    assert command.main(["scale", "--folder", str(folder), "--experts", "300"]) == 0
    steps = json.loads(capfd.readouterr().out)
    assert list(steps) == ["fill", "rebuild", "serve", "change", "again"]
    assert steps["serve"]["experts"] == 300
    assert steps["serve"]["recall"] == 1
    assert all(each["recall"] == 1 for each in steps["serve"]["filters"].values())
    assert steps["change"]["experts"] == 3
    for step in ("rebuild", "again"):
        assert set(steps[step]["stages"]) >= {"embed", "tag", "vectors", "keywords", "verify"}
        assert 0 < max(steps[step]["anonymous_mb"].values()) <= steps[step]["peak_mb"]
    assert not (tmp_path / "mine" / "db.sqlite3").exists()
    assert (folder / "versions" / "000002").is_dir()

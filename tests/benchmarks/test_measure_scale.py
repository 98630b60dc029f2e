"""A whole small directory is built, searched, changed and built again by the benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from indexing.lib import paths
from tests.benchmarks import command, scale_command
from tests.support import forked, tiny_models


def inside(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """As `run_inside`, whose processes are tried by `test_measure_search.py`, but forked, which is cheap."""
    code = f"from tests.benchmarks import command\nassert command.main({list(arguments)!r}) == 0"
    ended = forked.manage(("shell", "--verbosity", "0", "-c", code), environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_it_measures_every_step_in_a_folder_of_its_own(settings, tmp_path, monkeypatch, capfd):
    settings.DATA_DIR = tmp_path / "mine"
    model = tiny_models.make_exported(tmp_path / "tiny", paths.models_folder())
    settings.TCS_MODEL_PATH = str(model)
    monkeypatch.setenv("TCS_MODEL_PATH", str(model))
    monkeypatch.setattr(scale_command, "run_inside", inside)
    folder = tmp_path / "large"
    assert command.main(["scale", "--folder", str(folder), "--experts", "100"]) == 0
    steps = json.loads(capfd.readouterr().out)
    assert list(steps) == ["fill", "rebuild", "serve", "change", "again"]
    assert steps["serve"]["experts"] == 100
    assert steps["serve"]["recall"] == 1
    assert all(each["recall"] == 1 for each in steps["serve"]["filters"].values())
    assert steps["change"]["experts"] == 1
    for step in ("rebuild", "again"):
        assert set(steps[step]["stages"]) >= {"embed", "tag", "vectors", "keywords", "verify"}
        assert 0 < max(steps[step]["anonymous_mb"].values()) <= steps[step]["peak_mb"]
    assert not (tmp_path / "mine" / "db.sqlite3").exists()
    assert (folder / "versions" / "000002").is_dir()

"""What TCS stores is taken out of the reach of others; what is not its own is left alone."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.lib import private_files
from indexing.lib.private_files import make_private
from tests.support.small_disk import mounted


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder as the first releases left it, under an umask of 0, in a folder that everybody can enter."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        yield filled(Path(outer) / "data")


def filled(folder: Path) -> Path:
    (folder / "versions" / "000001").mkdir(parents=True)
    for name in ("db.sqlite3", "db.sqlite3-wal", "versions/000001/ids.npy"):
        (folder / name).write_text("secret")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return folder


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}


def test_others_lose_all_rights_and_it_is_said_once(folder):
    (said,) = make_private(folder)
    assert "6 permissions changed" in said
    assert modes(folder) == {0o700, 0o600}
    assert make_private(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_somebody_else_cannot_read_it_any_more(folder):
    def read() -> int:
        return subprocess.run(["cat", folder / "db.sqlite3"], user=65534, capture_output=True, check=False).returncode

    assert read() == 0
    make_private(folder)
    assert read() == 1


def test_links_are_not_followed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "model").write_text("of everybody")
    outside.chmod(0o755)
    (outside / "model").chmod(0o644)
    (folder / "models").symlink_to(outside)
    (folder / "link").symlink_to(outside / "model")
    make_private(folder)
    assert modes(outside) == {0o755, 0o644}


@pytest.mark.parametrize("kind", ["with the program", "of everybody"])
def test_a_folder_that_is_not_for_tcs_alone_stays_open_and_that_is_said(folder, kind, monkeypatch):
    if kind == "of everybody":
        folder.chmod(0o1777)
    else:
        monkeypatch.setattr(private_files, "__file__", str(folder / "tcs" / "private_files.py"))
    (said,) = make_private(folder)
    assert "TCS_DATA_DIR" in said
    assert modes(folder) == {0o777, 0o666}


def test_a_disk_that_cannot_be_changed_is_said_and_stops_nothing():
    with mounted(megabytes=1) as disk:
        (disk.folder / "db.sqlite3").write_text("secret")
        (disk.folder / "db.sqlite3").chmod(0o644)
        disk.make_read_only()
        (said,) = make_private(disk.folder)
    assert "could not be changed" in said
    assert "Read-only file system" in said

"""Hashing files, a few at a time."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from indexing.lib import files
from indexing.lib.files import hashing


def test_each_file_has_its_hash_and_one_that_is_gone_its_error(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcde"]
    for path in paths[:4]:
        path.write_bytes(path.name.encode() * 100_000)
    with hashing(paths) as hashed:
        found = [hashed[path].result() for path in paths[:4]]
        with pytest.raises(FileNotFoundError):
            hashed[paths[4]].result()
    assert found == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths[:4]]


def test_files_that_nobody_waits_for_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    go_on = threading.Event()

    def slowly(path: Path) -> str:
        read.append(path)
        go_on.wait(10)
        return ""

    monkeypatch.setattr(files, "file_sha256", slowly)
    paths = [tmp_path / str(number) for number in range(20)]

    def look_at_one() -> None:
        with hashing(paths) as hashed:
            threading.Timer(0.2, go_on.set).start()
            assert not hashed[paths[19]].done()
            raise ValueError

    with pytest.raises(ValueError):
        look_at_one()
    assert sorted(read) == sorted(paths[: files.HASHED_AT_ONCE])

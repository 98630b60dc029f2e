"""A disk of a few megabytes, to be filled or made read-only. Only root can mount one; others skip its tests."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    mount_point: Path

    @property
    def folder(self) -> Path:
        """A folder on it, with the permissions of any other."""
        return self.mount_point / "data"

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.mount_point / "ballast").open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                return

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(self.mount_point)], check=True)


@contextmanager
def mounted(*, megabytes: int) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = Disk(Path(tempfile.mkdtemp(prefix="tcs-disk-")))
    ended = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk.mount_point)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        disk.mount_point.rmdir()
        pytest.skip(f"no small disk can be mounted here: {ended.stderr.strip()}")
    try:
        disk.folder.mkdir()
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk.mount_point)], check=True)
        disk.mount_point.rmdir()

"""Prepares the static files of this release, unless that was done before."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

from tcs_site.static_files.bundles import BUNDLES
from tcs_site.supervising import ProcessGroup

ROOT = "TCS_STATIC_ROOT"
UNUSED = ("*.map", "redoc*", "htmax*", "*-4.js", "*-4.min.js")
"""Of the packages whose files are served: compressing them takes longer than everything else."""
LOCK = "prepare.lock"
FORMAT = 1
"""Rises when the same sources are prepared in another way."""
KEPT = 2
"""The folder in use, and the one before: of a process that is just being replaced."""


def prepare(group: ProcessGroup, complain: Callable[[str], None]) -> dict[str, str]:
    """The environment of web processes that serve prepared files; empty if they are, cannot be, or must not be."""
    if settings.STATIC_ROOT or not settings.TCS_PREPARE_STATIC:
        return {}
    try:
        return {ROOT: str(_prepared(group, Path(settings.DATA_DIR) / "static"))}
    except OSError as error:
        complain(f"The static files could not be prepared ({error}). They are served uncompressed.")
        return {}


def _prepared(group: ProcessGroup, parent: Path) -> Path:
    """The folder with this release's files; a second start waits for the first to prepare them. Raises OSError."""
    folder = parent / fingerprint()
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            _collect(group, unfinished)
            unfinished.rename(folder)
        folder.touch()
        _remove_old(parent)
    return folder


def fingerprint() -> str:
    """Changes with every source, with its place, and with what is made of them."""
    digest = hashlib.sha256(repr((FORMAT, UNUSED, BUNDLES)).encode())
    for finder in get_finders():
        for name, storage in finder.list(None):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _collect(group: ProcessGroup, folder: Path) -> None:
    """Raises OSError. In a process of its own: this one has settings without a folder to collect into."""
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    command += [f"--ignore={pattern}" for pattern in UNUSED]
    ended = group.start(command, settings.BASE_DIR, TCS_STATIC_ROOT=str(folder))
    if code := ended.wait():
        raise OSError(f"manage.py collectstatic ended with exit code {code}")


def _remove_old(folder: Path) -> None:
    kept = sorted(filter(Path.is_dir, folder.iterdir()), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in kept[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)

"""What TCS stores is for its own user: sessions, password hashes and keys lie in the data folder."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The rights of the group and of everybody else. New files get none of them, by the umask in `tcs_site.settings`."""


def make_private(folder: Path) -> list[str]:
    """Take all rights of others from `folder` and everything in it that earlier releases stored.

    Returns sentences for the operator, none if there was nothing to do. Links are not followed. Never raises: where
    permissions cannot be changed, TCS works as before.
    """
    if _holds_more(folder):
        return [
            f"{folder} is not a folder for TCS alone, so its permissions were not changed: other users of this "
            "machine may be able to read what TCS stores there. Set TCS_DATA_DIR to a folder that holds nothing else."
        ]
    changed = 0
    problems = []
    for path in _below(folder):
        try:
            changed += _take_rights(path)
        except FileNotFoundError:
            continue  # deleted by a run meanwhile
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    found = []
    if changed:
        found.append(f"Made {folder} private: only this user can read it now ({changed:,} permissions changed).")
    if problems:
        found.append(
            f"Other users of this machine can read a part of {folder}: {len(problems):,} permissions could not be "
            f"changed ({problems[0]}). Give the folder to the user that runs TCS, on a disk that has permissions."
        )
    return found


def _holds_more(folder: Path) -> bool:
    """Whether the folder is one like / or /tmp, or one with the program in it: closing those breaks other things."""
    try:
        shared = bool(folder.stat().st_mode & stat.S_ISVTX)
    except OSError:
        shared = False
    programs = (Path(__file__).resolve(), Path(sys.prefix).resolve())
    return shared or any(program.is_relative_to(folder) for program in programs)


def _below(folder: Path) -> Iterator[Path]:
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def _take_rights(path: Path) -> bool:
    """Whether something had to be changed. Raises OSError, also where the disk only pretends to change it."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode) or not mode & OTHERS:
        return False
    path.chmod(stat.S_IMODE(mode) & ~OTHERS)
    if path.lstat().st_mode & OTHERS:
        raise OSError(0, "this disk has no permissions")
    return True

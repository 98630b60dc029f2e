"""Where the index keeps its files, below the data folder."""

from pathlib import Path

from django.conf import settings

LONGEST_NUMBER = 9
"""Digits; a folder with more in its name is none of ours."""


def versions_folder() -> Path:
    return Path(settings.DATA_DIR) / "versions"


def version_folder(number: int) -> Path:
    return versions_folder() / f"{number:06d}"


def building_folder(number: int, fence: int) -> Path:
    return versions_folder() / f"{number:06d}.{fence}.building"


def highest_number() -> int:
    """Of all versions that have a folder, finished or not, whatever the database knows of them; 0 without any."""
    names = (path.name.partition(".")[0] for path in versions_folder().glob("[0-9]*"))
    return max((int(name) for name in names if name.isdecimal() and len(name) <= LONGEST_NUMBER), default=0)


def map_file(number: int) -> Path:
    """float32[n, 2]: the 2-D positions of a version's experts, in the order of its ids."""
    return Path(settings.DATA_DIR) / "maps" / f"{number:06d}.npy"


def models_folder() -> Path:
    """The exports of models, each in a folder named by the model's fingerprint."""
    return Path(settings.DATA_DIR) / "models"


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path

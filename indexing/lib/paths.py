"""Where the files of the index lie, below the data folder."""

from pathlib import Path

from django.conf import settings

LONGEST_NUMBER = 9
"""Digits in the name of a version's folder; a folder with more is not ours."""


def versions_folder() -> Path:
    return Path(settings.DATA_DIR) / "versions"


def version_folder(number: int) -> Path:
    return versions_folder() / f"{number:06d}"


def building_folder(number: int, fence: int) -> Path:
    return versions_folder() / f"{number:06d}.{fence}.building"


def highest_number() -> int:
    """The highest number of a version that has a folder, even an unfinished or unknown one; 0 without any."""
    names = (path.name.partition(".")[0] for path in versions_folder().glob("[0-9]*"))
    return max((int(name) for name in names if name.isdecimal() and len(name) <= LONGEST_NUMBER), default=0)


def map_file(number: int) -> Path:
    """The file of a version's 2-D positions, float32[n, 2], in the order of its ids."""
    return Path(settings.DATA_DIR) / "maps" / f"{number:06d}.npy"


def models_folder() -> Path:
    """Exported models, each in a folder named by the model's fingerprint."""
    return Path(settings.DATA_DIR) / "models"


def encoded_folder() -> Path:
    """What runs have encoded that no version holds yet: see `indexing.building.shards`."""
    return Path(settings.DATA_DIR) / "encoded"


def tokens_folder() -> Path:
    """A file for each web process: see `indexing.versions.shared_folder`."""
    return Path(settings.DATA_DIR) / "processes"


def existing(path: Path) -> Path:
    """The path itself if it exists, otherwise the nearest folder above it that does."""
    while not path.exists():
        path = path.parent
    return path

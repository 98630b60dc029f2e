"""Where the index keeps its files, below the data folder."""

from pathlib import Path

from django.conf import settings


def versions_folder() -> Path:
    return Path(settings.DATA_DIR) / "versions"


def version_folder(number: int) -> Path:
    return versions_folder() / f"{number:06d}"


def building_folder(number: int, fence: int) -> Path:
    return versions_folder() / f"{number:06d}.{fence}.building"


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

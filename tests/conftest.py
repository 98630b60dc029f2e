"""Ground for all tests: a clean database and data folder for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache

from indexing import encoders, live


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Transactional tests empty every table; this puts back what migrations made: the lock row, roles, tags."""
    for item in items:
        if marker := item.get_closest_marker("django_db"):
            marker.kwargs.setdefault("serialized_rollback", True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix() -> None:
    """No suffix: in a parallel run every process has a data folder of its own, and the processes that tests start
    know the database by the name that the settings give."""


@pytest.fixture(autouse=True)
def _clean_process_and_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What lies outside the database's transaction: the served version, the encoder, files of versions, the cache."""
    monkeypatch.setattr(live, "_live", live.Live())
    encoders.reset()
    yield
    for name in ("versions", "maps", "imports"):
        shutil.rmtree(Path(settings.DATA_DIR) / name, ignore_errors=True)
    cache.clear()

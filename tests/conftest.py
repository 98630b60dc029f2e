"""Ground for all tests: a clean database and data folder for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker
from pytest_django.plugin import blocking_manager_key

from indexing.ops import web_process
from tests.support.once import once
from tests.support.server import Site

LONGEST_FIRST = ("tests/e2e/test_rebuild_in_the_browser.py", "tests/faults/", "tests/e2e/", "")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Transactional tests empty every table; this puts back what migrations made: the lock row, roles, tags.

    And files whose tests take longest come first, so that a parallel run ends with short ones, in all processes at
    once. The very first makes the site that the other browser tests begin with, while these still wait.
    """
    for item in items:
        if marker := item.get_closest_marker("django_db"):
            marker.kwargs.setdefault("serialized_rollback", True)
    items.sort(key=lambda item: next(n for n, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path)))


TABLES_ARE_EMPTY = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Put back what migrations made before a test that does not do so itself.

    In one process pytest-django lets the transactional tests, which empty all tables, come last; in a parallel run,
    which hands out whole files, they come in between.
    """
    if item.config.stash.get(TABLES_ARE_EMPTY, False) and not _is_transactional(item):
        with item.config.stash[blocking_manager_key].unblock():
            for each in connections.all():
                each.creation.deserialize_db_from_string(each._test_serialized_contents)
        item.config.stash[TABLES_ARE_EMPTY] = False
    if _is_transactional(item):
        item.config.stash[TABLES_ARE_EMPTY] = True


def _is_transactional(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or "transactional_db" in getattr(
        item, "fixturenames", ()
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """What migrations made is put back table by table: Django does it object by object, 0.15 s for every test."""
    with django_db_blocker.unblock():
        models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
        made = [(model, list(model._base_manager.all())) for model in models]

    def put_back(_serialized: str) -> None:
        with transaction.atomic():
            for model, rows in made:
                model._base_manager.bulk_create(rows, ignore_conflicts=True)  # the first test finds them

    for each in connections.all():
        each.creation.deserialize_db_from_string = put_back


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix() -> None:
    """No suffix: in a parallel run every process has a data folder of its own, and the processes that tests start
    know the database by the name that the settings give."""


@pytest.fixture(autouse=True)
def _clean_process_and_folder() -> Iterator[None]:
    """What lies outside the database's transaction: what the process remembers, files of versions, the cache."""
    web_process.forget_all()
    yield
    web_process.stop()
    for name in ("versions", "maps", "imports"):
        shutil.rmtree(Path(settings.DATA_DIR) / name, ignore_errors=True)
    cache.clear()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as migrations leave it, for `Site.like`."""
    return once(tmp_path_factory, "migrated", lambda folder: Site(folder).manage("migrate", "--verbosity", "0"))

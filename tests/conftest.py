"""Fixtures for all tests: each gets a clean database and data folder."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker
from pytest_django.plugin import blocking_manager_key

from indexing.encoders import ModelEncoder, onnx_export
from indexing.lib import paths
from indexing.lib.ownership import MARK
from indexing.ops import web_process
from tests.support import cast
from tests.support.once import once
from tests.support.server import Site

gc.set_threshold(50_000, 20, 100)  # with the usual ones a tenth of the processor's time goes into looking for cycles

LONGEST_FIRST = (
    "tests/e2e/test_rebuild_in_the_browser.py",
    "tests/e2e/test_every_page_in_the_browser.py",  # one of its tests is the longest of all
    "tests/faults/test_killed.py",
    "tests/faults/",
    "tests/milvus/",  # it mostly waits
    "tests/bucket/test_three_machines.py",
    "tests/e2e/",
    "tests/api/test_against_the_schema.py",
    "tests/site/test_serve.py",
    "tests/site/test_web_processes.py",
    "tests/site/test_first_password.py",
    "tests/security/test_permissions.py",
    "tests/security/test_security_fuzz.py",
    "tests/security/test_bodies.py",
    "",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Restore what migrations created after transactional tests, and run the slowest files first.

    Transactional tests empty every table; `serialized_rollback` restores the lock row, roles and tags. A parallel run
    that starts with the slowest files ends in all processes at about the same time. The first file makes the site
    that the other browser tests start from.
    """
    for item in items:
        if marker := item.get_closest_marker("django_db"):
            marker.kwargs.setdefault("serialized_rollback", True)
    items.sort(key=lambda item: next(n for n, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path)))


def pytest_collection_finish() -> None:
    """Leave what collection made out of the garbage collector's passes: half a million objects, which stay."""
    gc.freeze()


TABLES_ARE_EMPTY = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Restore what migrations created before a test that does not do so itself.

    Transactional tests empty all tables. In one process pytest-django runs them last; a parallel run, which hands out
    whole files, runs them in between.
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
def django_db_keepdb() -> bool:
    """Whether the database is there already, as the copy that `django_db_setup` makes is."""
    return connection.vendor == "sqlite" and Path(connection.settings_dict["NAME"]).exists()


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> None:
    """In a parallel run on SQLite migrate once for all processes: it takes three seconds of a processor.

    Restore what migrations created by table: Django does it object by object, which takes 0.15 s per test.
    """
    if connection.vendor == "sqlite" and "PYTEST_XDIST_WORKER" in os.environ:
        shutil.copyfile(request.getfixturevalue("migrated") / "db.sqlite3", connection.settings_dict["NAME"])
    request.getfixturevalue("django_db_setup")
    with django_db_blocker.unblock():
        models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
        made = [(model, list(model._base_manager.all())) for model in models]

    def put_back(_serialized: str) -> None:
        with transaction.atomic():
            for model, rows in made:
                model._base_manager.bulk_create(rows, ignore_conflicts=True)  # the first test still has them

    for each in connections.all():
        each.creation.deserialize_db_from_string = put_back


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix() -> None:
    """No suffix: in a parallel run every process has its own data folder, and the processes that tests start find the
    database by the name in the settings."""


@pytest.fixture(autouse=True)
def _clean_process_and_folder() -> Iterator[None]:
    """Reset what a transaction does not cover: the state of the process, the files of versions, the cache."""
    web_process.reset()
    yield
    web_process.stop()
    for name in ("versions", "maps", "imports", "processes", "documents", "photos", "encoded", "downloads"):
        shutil.rmtree(Path(settings.DATA_DIR) / name, ignore_errors=True)
    (Path(settings.DATA_DIR) / MARK).unlink(missing_ok=True)
    cache.clear()


@pytest.fixture
def external_workers(settings: Any) -> None:
    """A requested run stays queued: no worker process is started."""
    settings.TCS_WORKER = "external"


@pytest.fixture
def publisher(client: Client) -> Client:
    """Carol, who sees the index and decides about versions, is signed in."""
    client.force_login(cast.staff("indexing.view", "indexing.publish", username="carol"))
    return client


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after migrations, for `Site.like`."""
    return once(tmp_path_factory, "migrated", lambda folder: Site(folder).manage("migrate", "--verbosity", "0"))


@pytest.fixture(scope="session")
def packaged_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`models` of a data folder: the export of the packaged model, which takes ten seconds to make."""

    def make(folder: Path) -> None:
        with override_settings(DATA_DIR=folder, TCS_MODEL_PATH=""):
            onnx_export.ensure(ModelEncoder())
            paths.models_folder().rename(folder / "only")

    return once(tmp_path_factory, "packaged-model", make) / "only"

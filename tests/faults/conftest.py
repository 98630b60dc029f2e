"""A house for the faults: a directory, a first version, web processes and workers that are ended with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import promises, web, workers
from tests.support import cast
from tests.support.remembered import remembered

EXPERTS = 24
ABOUT_FILES = {
    "test_damaged_files",
    "test_disk_and_memory",
    "test_redis_away",
    "test_a_model_that_cannot_be_used",
    "test_a_process_started_with_another_model",
    "test_a_signal_cancels_the_run",
    "test_the_system_check",
    "test_another_dimension",
    "test_no_search_fails_through_many_swaps",
    "test_the_run_goes_on_when_its_web_process_ends",
}
"""Modules and tests whose fault lies outside the database."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/faults/" in item.path.as_posix():
            item.add_marker(pytest.mark.anydb if _is_about_files(item) else pytest.mark.services)
            item.add_marker(pytest.mark.django_db(transaction=True))


def _is_about_files(item: pytest.Item) -> bool:
    return item.path.stem in ABOUT_FILES or any(item.name.startswith(name) for name in ABOUT_FILES)


@pytest.fixture
def first_version(transactional_db: None) -> int:
    _first_version()
    return promises.live()


@remembered
def _first_version() -> None:
    cast.experts(EXPERTS)
    promises.rebuild()


@pytest.fixture
def bearer(transactional_db: None) -> str:
    return web.token()


@pytest.fixture
def serve(bearer: str) -> Iterator[Callable[..., web.Web]]:
    """Starts web processes."""
    started: list[web.Web] = []

    def start(**options: object) -> web.Web:
        started.append(web.Web(bearer, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for process in started:
        process.remove()
    workers.end_left_over()


@pytest.fixture
def work(transactional_db: None) -> Iterator[Callable[..., workers.Worker]]:
    """Starts workers, faulty ones as a rule."""
    started: list[workers.Worker] = []

    def start(*arguments: object, **given: object) -> workers.Worker:
        started.append(workers.Worker(*arguments, **given))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for process in started:
        process.remove()
    workers.clear_marks()

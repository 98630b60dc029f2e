"""A request is handled in one thread: switching threads costs more than most middleware does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import SyncToAsync

from tcs_site.http_server.handler import UploadHandler
from tests.benchmarks.measure_search import request_seconds

MAX_SWITCHES = 3
"""Django's signals, everything within the static files, and closing."""


@pytest.mark.django_db(transaction=True)
def test_a_request_switches_threads_only_a_few_times(monkeypatch):
    switches = 0
    handled = SyncToAsync.thread_handler

    def counted(self: SyncToAsync, *arguments: Any, **options: Any) -> Any:
        nonlocal switches
        switches += 1
        return handled(self, *arguments, **options)

    monkeypatch.setattr(SyncToAsync, "thread_handler", counted)
    asyncio.run(request_seconds(UploadHandler(), "", "/healthz", {}))
    assert 0 < switches <= MAX_SWITCHES

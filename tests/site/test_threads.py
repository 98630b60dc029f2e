"""A request is worked on in one thread: going over to it and back costs more than what most middleware does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.test import AsyncClient

GOINGS = 7
"""Django's signals, the two halves of what is outside of the static files, the chain, CSRF, the view, and closing."""


@pytest.mark.django_db(transaction=True)
def test_a_request_goes_over_to_its_thread_a_few_times(monkeypatch):
    goings = 0
    handled = SyncToAsync.thread_handler

    def counted(self: SyncToAsync, *arguments: Any, **options: Any) -> Any:
        nonlocal goings
        goings += 1
        return handled(self, *arguments, **options)

    monkeypatch.setattr(SyncToAsync, "thread_handler", counted)
    response = asyncio.run(AsyncClient().get("/healthz"))
    assert response.status_code == 200
    assert 0 < goings <= GOINGS

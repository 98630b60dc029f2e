"""Who looks at runs, and who starts them."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support import cast


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(cast.staff("indexing.view", "indexing.rebuild", username="otto"))
    return client

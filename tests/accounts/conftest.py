"""The provider of the tests, and TCS set up to use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import oidc_provider
from tests.support.oidc_provider import Provider


@pytest.fixture(scope="session")
def running_provider() -> Iterator[Provider]:
    with oidc_provider.running() as found:
        yield found


@pytest.fixture
def provider(running_provider: Provider, settings: Any) -> Provider:
    settings.TCS_OIDC_ISSUER = running_provider.issuer
    settings.TCS_OIDC_CLIENT_ID = "tcs"
    settings.TCS_OIDC_CLIENT_SECRET = "secret"
    settings.TCS_OIDC_NAME = "Example"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "accounts.oidc.backend.OidcBackend"]
    running_provider.knows("7", email="ann@example.org", email_verified=True, given_name="Ann", family_name="Lee")
    return running_provider

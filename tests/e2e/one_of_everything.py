"""A site with one of everything, for tests that look at every page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support import cast
from tests.support.server import Server, Site, serving


def empty_site(migrated: Path, folder: Path) -> Site:
    """Runs wait, so that every header has something to show."""
    given = {"TCS_ENCODER": "tests.support.fakes.HashEncoder", "TCS_WORKER": "external", "TCS_APPROVE": "always"}
    return Site.like(migrated, folder, given)


def filled(site: Site, script: str) -> dict[str, Any]:
    """What the last line that `script` prints says as JSON."""
    said: dict[str, Any] = json.loads(site.run(script).splitlines()[-1])
    return said


@contextmanager
def ready(site: Site) -> Iterator[Server]:
    with serving(site) as server:
        server.wait_until_ready()
        yield server


def sign_in(page: Page) -> None:
    """As rita, on a page that asks for it."""
    page.locator("#id_username").fill("rita")
    page.locator("#id_password").fill(cast.PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url("**/admin/")

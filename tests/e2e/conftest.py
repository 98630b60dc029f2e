"""A site with the real model and real people, its server, and a browser."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, StorageState, expect, sync_playwright

from tests.support import cast, chromium
from tests.support.once import once
from tests.support.server import REAL_MODEL, Server, Site, serving

SPEAKERS = Path(settings.BASE_DIR).parent / "shared" / "data" / "speakers.csv"
PEOPLE = 60

expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory, migrated: Path, packaged_model: Path) -> Path:
    """A data folder with some people of speakers.csv, or samples where that file is absent.

    The model's export is there, without which a first run takes a minute; nothing is built.
    """

    def make(folder: Path) -> None:
        site = Site.like(migrated, folder)
        if SPEAKERS.exists():
            some = folder / "some.csv"
            with SPEAKERS.open(newline="", encoding="utf-8-sig") as whole, some.open("w", newline="") as part:
                csv.writer(part).writerows(islice(csv.reader(whole), PEOPLE + 1))
            site.manage("import_experts", str(some))
        else:
            print(f"{SPEAKERS} is absent: the sample directory stands in for real people")  # noqa: T201
            site.manage("load_samples", "--count", str(PEOPLE))
        site.create_staff("rita")
        shutil.copytree(packaged_model, folder / "models")

    return once(tmp_path_factory, "people", make)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, people: Path) -> Path:
    """The same with a version that the real model made, and its map."""

    def make(folder: Path) -> None:
        site = Site.like(people, folder, {"TCS_ENCODER": REAL_MODEL, "TCS_WORKER": "external"})
        site.manage("rebuild_index", "--no-wait")
        site.manage("index_worker", "--once")

    return once(tmp_path_factory, "built", make)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Site:
    """Real people, the real model, a version live."""
    return Site.like(built, tmp_path_factory.mktemp("site"), {"TCS_ENCODER": REAL_MODEL})


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    with serving(site) as server:
        yield server


@pytest.fixture(scope="module")
def indexed(site: Site, server: Server) -> Server:
    """The server with a version live in it, whichever test comes first."""
    if server.serves() is None:
        site.manage("rebuild_index")
    server.wait_until_ready()
    return server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Within the fixture and not longer: its event loop runs in this thread, where async tests need their own.
    with sync_playwright() as playwright:
        browser = chromium.start(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, server: Server) -> StorageState:
    """The cookies of somebody who has signed in through the page."""
    with browser.new_context(base_url=server.url, locale="en-GB") as context:
        page = context.new_page()
        page.goto("/admin/index/")
        page.get_by_label("Username").fill("rita")
        page.get_by_label("Password").fill(cast.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Search index", level=1)).to_be_visible()
        return context.storage_state()


@pytest.fixture
def tabs(browser: Browser, server: Server, signed_in: StorageState) -> Iterator[BrowserContext]:
    with signed_in_window(browser, server, signed_in) as window:
        yield window


@contextmanager
def signed_in_window(browser: Browser, server: Server, signed_in: StorageState) -> Iterator[BrowserContext]:
    """A signed-in window. Whatever a page complains of in its console (a broken script, the CSP) fails the test.

    Not that HTMX gave up a request for a newer one (`hx-sync`), or because the page was left: it reports both.
    """
    complaints: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error" and not said.text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            complaints.append(said.text)

    context = browser.new_context(base_url=server.url, locale="en-GB", storage_state=signed_in)
    context.on("console", heard)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []

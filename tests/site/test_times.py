"""Dates and times, as each reader writes them and in each reader's time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation
from django.utils.formats import get_format

from indexing.lib import times
from indexing.models import RebuildRun, RunLogLine
from tests.support import cast
from tests.support.socket_cast import Tab, application, in_database

AT = datetime(2026, 11, 27, 15, 39, 8, tzinfo=UTC)

READERS = {
    "British": ("en-GB,en;q=0.9", "Europe/London", "27 Nov 2026, 15:39", "27 Nov 2026, 15:39:08 GMT", "15:39:08"),
    "American": (
        "en-US,en;q=0.9",
        "America/New_York",
        "Nov 27, 2026, 10:39 AM",
        "Nov 27, 2026, 10:39:08 AM EST",
        "10:39:08 AM",
    ),
    "Dutch": ("nl-NL,nl;q=0.9", "Europe/Amsterdam", "27 nov 2026 16:39", "27 nov 2026 16:39:08 CET", "16:39:08"),
    "Australian": (
        "en-AU,en;q=0.9",
        "Australia/Sydney",
        "28 Nov 2026, 02:39",
        "28 Nov 2026, 02:39:08 AEDT",
        "02:39:08",
    ),
}


def reader(language: str, zone: str | None, right: str = "indexing.view") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(cast.staff(right, username="reader"))
    if zone is not None:
        client.cookies[times.COOKIE] = zone
    return client


def ended_run() -> RebuildRun:
    run: RebuildRun = RebuildRun.objects.create(
        kind="full", state="done", requested_name="ed", started_at=AT, finished_at=AT
    )
    RunLogLine.objects.create(run=run, seq=1, at=AT, level="info", message="Built.")
    return run


def page_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.django_db
@pytest.mark.parametrize("name", READERS)
def test_each_reader_sees_their_own_dates_and_clock(name):
    language, zone, moment, exact, clock = READERS[name]
    page = page_of(reader(language, zone), f"/admin/index/runs/{ended_run().pk}/")
    shown = re.findall(r'<time datetime="([^"]*)" title="([^"]*)">([^<]*)</time>', page)
    at = AT.astimezone(ZoneInfo(zone)).isoformat()
    assert (at, exact, moment) in shown
    assert (at, exact, clock) in shown


@pytest.mark.django_db
@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 4000])
def test_without_a_zone_that_is_known_times_are_in_the_installations(zone):
    client = reader("en-GB", zone)
    assert "27 Nov 2026, 15:39:08 UTC" in page_of(client, f"/admin/index/runs/{ended_run().pk}/")


@pytest.mark.django_db
def test_the_admin_writes_dates_like_the_pages():
    client = reader("en-GB", "America/New_York", "auth.view_user")
    other = cast.visitor()
    User.objects.filter(pk=other.pk).update(date_joined=AT)
    assert "27 Nov 2026, 10:39" in page_of(client, f"/admin/auth/user/{other.pk}/change/")


@pytest.mark.django_db(transaction=True)
async def test_what_the_socket_brings_is_in_the_readers_zone():
    run = await in_database(ended_run)()
    client = await in_database(reader)("en-US", "America/New_York")
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    headers = [(b"cookie", cookies.encode())]
    tab = Tab(WebsocketCommunicator(application, f"/ws/index/?run={run.pk}&lang=en-us", headers))
    await tab.open()
    await tab.take()
    assert "Nov 27, 2026, 10:39 AM" in tab.fragments["run-facts"]
    await tab.socket.disconnect()


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
@pytest.mark.parametrize("name", ["CLOCK_FORMAT", "EXACT_FORMAT"])
def test_every_language_has_the_formats_that_django_has_not(language, name):
    with translation.override(language):
        assert get_format(name) != name

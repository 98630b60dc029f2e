"""Dates and times for people: in the reader's time zone, written as in the reader's locale (tcs_site/formats).

The browser names its zone in a cookie, which static/indexing/shared/time_zone.js sets. Without it, and outside of
requests, the zone is the installation's (TCS_TIME_ZONE).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

COOKIE = "tcs_time_zone"


def unix(moment: datetime | None) -> float | None:
    """Unix seconds; None for None."""
    return moment.timestamp() if moment else None


def zone_of(cookies: Mapping[str, str]) -> ZoneInfo | None:
    """The zone that the browser named; None if it named none, or one that this machine does not know."""
    name = cookies.get(COOKIE, "")
    return ZoneInfo(name) if name in _known_zones() else None


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads a few hundred files


def moment(at: datetime) -> str:
    """27 Nov 2026, 15:39."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


def exact(at: datetime) -> str:
    """27 Nov 2026, 15:39:08 GMT."""
    return date_format(timezone.localtime(at), "EXACT_FORMAT")


def clock(at: datetime) -> str:
    """15:39:08."""
    return date_format(timezone.localtime(at), "CLOCK_FORMAT")


def day(at: datetime | date) -> str:
    """27 Nov 2026. The day of a moment depends on the zone, a date does not."""
    return date_format(timezone.localtime(at) if isinstance(at, datetime) else at, "DATE_FORMAT")


def as_element(at: datetime, text: str, *, relative: bool = False) -> SafeString:
    """A <time> that shows `text`, with the exact time as its title. On live pages a script keeps a relative one
    current."""
    marker = mark_safe(" data-relative" if relative else "")
    iso = timezone.localtime(at).isoformat()
    return format_html('<time{} datetime="{}" title="{}">{}</time>', marker, iso, exact(at), text)

"""Dates and times in templates: one style everywhere, the exact time with its zone in the `title`.

Each filter gives nothing for None, so that a template can write `{{ at|moment|default:"–" }}`.
"""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from indexing.lib import times

register = template.Library()

NOTHING = mark_safe("")


@register.filter
def moment(at: datetime | None) -> SafeString:
    """A <time>: 27 Nov 2026, 15:39."""
    return times.as_element(at, times.moment(at)) if at else NOTHING


@register.filter
def clock(at: datetime | None) -> SafeString:
    """A <time>: 15:39:08."""
    return times.as_element(at, times.clock(at)) if at else NOTHING


@register.filter
def ago(at: datetime | None) -> SafeString:
    """A <time>: 5 minutes ago. On live pages a script keeps it current."""
    return times.as_element(at, naturaltime(at), relative=True) if at else NOTHING


@register.filter
def day(at: datetime | date | None) -> SafeString:
    """A <time>: 27 Nov 2026."""
    if isinstance(at, datetime):
        return times.as_element(at, times.day(at))
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), times.day(at)) if at else NOTHING


@register.filter
def moment_text(at: datetime | None) -> str:
    """The moment alone, for places that take no element."""
    return times.moment(at) if at else ""


@register.filter
def day_text(at: datetime | None) -> str:
    """The day alone, for places that take no element."""
    return times.day(at) if at else ""


@register.filter
def exact_text(at: datetime | None) -> str:
    """27 Nov 2026, 15:39:08 GMT, for places that take no element."""
    return times.exact(at) if at else ""

"""What the console's templates need beyond Django's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from indexing.console.access import REBUILD, VIEW, Rights, may, rights_of
from indexing.console.live_page import header
from indexing.drift import status as drift_status
from indexing.models import RebuildRun
from indexing.runs import status

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as people say them: 0.4 s, 12 s, 3 min 05 s, 1 h 02 min. Rounded; `number_format` alone cuts off."""
    if seconds is None:
        return ""
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": number_format(round(seconds, 1), 1)}
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)d s") % {"seconds": whole}
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}


@register.filter
def time_left(seconds: float | None) -> str:
    """An estimate, no finer than it is sure."""
    if seconds is None:
        return _("no estimate yet")
    if seconds < 5:
        return _("a few seconds left")
    if seconds < 60:
        return _("about %(seconds)d s left") % {"seconds": round(seconds / 5) * 5}
    if seconds < 3600:
        return _("about %(minutes)d min left") % {"minutes": round(seconds / 60)}
    return _("about %(hours)s h left") % {"hours": number_format(seconds / 3600, 1)}


@register.filter
def rate(items_per_second: float | None) -> str:
    if not items_per_second:
        return ""
    decimals = 0 if items_per_second >= 10 else 1
    return _("%(rate)s/s") % {"rate": number_format(items_per_second, decimals, force_grouping=True)}


@register.filter
def percent(share: float | None) -> str:
    """A share from 0 to 1 in whole percent; a dash where there is none."""
    return _("%(percent)d %%") % {"percent": round(share * 100)} if share is not None else "–"


@register.filter
def at(values: Sequence[Any], place: int) -> Any:
    return values[place]


@register.filter
def badge(run: RebuildRun) -> str:
    return status.badge_of(run)


@register.filter
def initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def only_app(apps: Iterable[dict[str, Any]], label: str) -> list[dict[str, Any]]:
    return [app for app in apps or () if app["app_label"] == label]


@register.filter
def without_app(apps: Iterable[dict[str, Any]], label: str) -> list[dict[str, Any]]:
    return [app for app in apps or () if app["app_label"] != label]


@register.simple_tag(takes_context=True)
def sees_index(context: template.Context) -> bool:
    return "user" in context and may(context["user"], VIEW)


@register.simple_tag(takes_context=True)
def may_rebuild(context: template.Context) -> bool:
    return "user" in context and may(context["user"], REBUILD)


@register.simple_tag(takes_context=True)
def index_rights(context: template.Context) -> Rights | None:
    return rights_of(context["user"]) if sees_index(context) else None


@register.simple_tag
def index_drift() -> drift_status.DriftStatus:
    return drift_status.read()


@register.simple_tag(takes_context=True)
def index_status(context: template.Context) -> status.Status | None:
    """For the line on the admin's front page; None for those who may not see the index."""
    return status.read() if sees_index(context) else None


@register.simple_tag(takes_context=True)
def index_header(context: template.Context) -> header.Header | None:
    """For the header of every page of the admin; None for those who may not see the index."""
    return header.read() if sees_index(context) else None

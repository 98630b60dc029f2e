"""What the console's templates need beyond Django's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.text import capfirst

from indexing import audit
from indexing.console import sidebar, words
from indexing.console.access import REBUILD, VIEW, Rights, may, rights_of
from indexing.console.live_page import header
from indexing.console.searched_now import still_searching
from indexing.drift import status as drift_status
from indexing.models import IndexState, RebuildRun
from indexing.runs import status

register = template.Library()


for _filter in (
    words.background_work,
    words.chart_value,
    words.count,
    words.duration,
    words.filter_value,
    words.initials,
    words.lasted,
    words.percent,
    words.points,
    words.rate,
    words.run_state,
    words.time_left,
):
    register.filter(_filter.__name__, _filter)


@register.filter
def at(values: Sequence[Any], place: int) -> Any:
    return values[place]


@register.filter
def entry(mapping: Mapping[Any, Any] | None, key: Any) -> Any:
    return mapping.get(key) if mapping else None


@register.filter
def badge(run: RebuildRun) -> str:
    return status.badge_of(run)


@register.filter
def sentence(entry: LogEntry) -> str:
    return audit.sentence(entry)


@register.filter
def without_app(apps: Iterable[dict[str, Any]], label: str) -> list[dict[str, Any]]:
    return [app for app in apps or () if app["app_label"] != label]


@register.simple_tag
def stage_labels() -> str:
    """The stages of a run as a log line has them -> their names for people, as JSON."""
    return json.dumps({stage.value: capfirst(str(stage.label)) for stage in RebuildRun.Stage})


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
    return drift_status.latest()


@register.simple_tag
def people_search() -> str:
    """The sentence that says which version people search; empty if none is live."""
    live = IndexState.read().live_version
    return still_searching(live) if live else ""


@register.simple_tag(takes_context=True)
def index_status(context: template.Context) -> status.IndexStatus | None:
    """The status for the line on the admin's front page; None for users who may not see the index."""
    return status.current_status() if sees_index(context) else None


@register.simple_tag(takes_context=True)
def index_header(context: template.Context) -> header.Header | None:
    """The header of every page of the admin; None for users who may not see the index."""
    return header.current_header() if sees_index(context) else None


@register.simple_tag(takes_context=True)
def directory_models(context: template.Context) -> list[dict[str, Any]]:
    """What the admin lists for this user outside the index, for a menu."""
    apps = [app for app in _apps(context) if app["app_label"] != "indexing"]
    return [model for app in apps for model in app["models"] if model["admin_url"]]


@register.simple_tag(takes_context=True)
def index_links(context: template.Context) -> list[sidebar.SidebarLink]:
    """The links in the sidebar of every page of the admin, and in the menu of every page."""
    apps = [app for app in _apps(context) if app["app_label"] == "indexing"]
    return sidebar.sidebar_links(context["request"].path, apps)


def _apps(context: template.Context) -> list[dict[str, Any]]:
    """What the admin lists for this user; outside the admin's pages the context has no list of it."""
    apps: list[dict[str, Any]] = context.get("available_apps") or admin.site.get_app_list(context["request"])
    return apps

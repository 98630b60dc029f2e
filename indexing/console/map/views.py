"""The map of a version: its page, and what the drawing in the browser asks for. `atlas.points` has the format."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from experts.models import Expert
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.map import selection_views, table
from indexing.console.map.responses import as_json, told, version_named
from indexing.console.responses import admin_context, number, wants_fragment
from indexing.embedding_map import colours, gaps, wire_format
from indexing.embedding_map.colours import Colouring, UnknownColouring
from indexing.embedding_map.wire_format import DrawnMap
from indexing.errors import IndexingError, MapNotReady, NoIndexYet, NoMap, SnapshotInvalid
from indexing.models import IndexVersion

BINARY = "application/octet-stream"
PROGRESS, LEGEND, TABLE = "map-progress", "map-legend", "map-table"
"""Ids of the parts that are asked for alone; the first is what a page without a map asks for again and again."""
PEOPLE_AT_ONCE = 100
"""Names for the points near the pointer; a page never needs more at once."""


@require_safe
@never_cache
@allowed(VIEW)
def map_page(request: ConsoleRequest) -> HttpResponse:
    """To htmx, the part of it that its address is about."""
    try:
        version = version_named(request)
    except NoIndexYet as error:
        return _without(request, None, error)
    except NoMap as error:
        raise Http404(str(error)) from error
    try:
        drawn = DrawnMap.of(version)
    except (MapNotReady, NoMap, SnapshotInvalid) as error:
        return _without(request, version, error)
    target = request.htmx.target if wants_fragment(request) else ""
    if target == PROGRESS:
        return HttpResponseClientRefresh()  # what asked was the page without a map
    context: dict[str, Any] = {"version": version, "problem": ""}
    if target != TABLE:
        context["colouring"], context["problem"] = _colouring(drawn, request.GET.get("colour", ""))
    if target != LEGEND:
        context |= table.context(version, drawn, request.GET)
        context |= _frame(request, version)
    template = {LEGEND: "indexing/map/_legend.html", TABLE: "indexing/map/_table.html"}.get(target or "")
    status = 400 if context["problem"] else 200
    response = render(request, template or "indexing/map/map.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _without(request: ConsoleRequest, version: IndexVersion | None, why: IndexingError) -> HttpResponse:
    computing = isinstance(why, MapNotReady)
    context = {"version": version, "lacking": why, "computing": computing}
    return render(request, "indexing/map/map.html", context | _frame(request, version))


def _frame(request: ConsoleRequest, version: IndexVersion | None) -> dict[str, Any]:
    """What the whole page shows besides the map itself."""
    versions = wire_format.with_maps()
    earlier = [each.number for each in versions if version and each.number < version.number]
    return admin_context(request) | {
        "title": _("Map"),
        "versions": versions,
        "choices": colours.choices(earlier),
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
        "may_tag": may(request.user, selection_views.TAG),
        "tags": selection_views.tag_choices(),
        "gap_days": gaps.DAYS,
    }


def _colouring(drawn: DrawnMap, by: str) -> tuple[Colouring, str]:
    """By what was asked for; by categories with a sentence about it where that cannot be."""
    try:
        return colours.colouring(drawn, by or colours.DEFAULT), ""
    except UnknownColouring as error:
        return colours.colouring(drawn, colours.DEFAULT), str(error)


@require_safe
@allowed(VIEW)
@told
def map_points(request: ConsoleRequest) -> HttpResponse:
    """The bytes of `wire_format.points_body`; kept by the browser, which asks each time whether they still hold."""
    version = version_named(request)
    drawn = DrawnMap.of(version)
    etag = wire_format.etag(version)
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(
            wire_format.points_body(drawn.number, drawn.ids, drawn.positions),
            content_type=BINARY,
            headers={"ETag": etag},
        )
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
@never_cache
@allowed(VIEW)
@told
def map_colours(request: ConsoleRequest) -> HttpResponse:
    """The bytes of `wire_format.colours_body`, of the directory as it is now."""
    drawn = DrawnMap.of(version_named(request))
    colouring = colours.colouring(drawn, request.GET.get("by") or colours.DEFAULT)
    return HttpResponse(wire_format.colours_body(drawn.number, colouring.classes), content_type=BINARY)


@require_safe
@never_cache
@allowed(VIEW)
@as_json
def map_people(request: ConsoleRequest) -> dict[str, Any]:
    """Who the points of `ids` are, comma-separated; whoever is gone or hidden is left out."""
    asked = request.GET.get("ids", "").split(",")
    ids = [number(each) for each in asked[:PEOPLE_AT_ONCE]]
    columns = ("pk", "username", "first_name", "last_name", "job_title", "company", "category")
    found = Expert.objects.active().filter(pk__in=ids).only(*columns).order_by("pk")
    shown = [
        {
            "id": expert.pk,
            "name": str(expert),
            "title": expert.job_title,
            "company": expert.company,
            "category": expert.category,
            "url": expert.get_absolute_url(),
        }
        for expert in found
    ]
    return {"people": shown}

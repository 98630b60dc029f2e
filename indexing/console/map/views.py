"""The map page, and the points, colours and names that its script requests. `wire_format` describes the bytes."""

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
from experts.numbers import whole_number
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.map import selection_views, table
from indexing.console.map.responses import errors_as_json, json_view, requested_version
from indexing.console.responses import admin_context, wants_fragment
from indexing.embedding_map import colours, gaps, wire_format
from indexing.embedding_map.colours import Colouring, UnknownColouring
from indexing.embedding_map.wire_format import VersionMap
from indexing.errors import IndexingError, MapNotReady, NoIndexYet, NoMap, SnapshotInvalid
from indexing.lib.translation import translated
from indexing.models import IndexVersion

BINARY = "application/octet-stream"
PROGRESS, LEGEND, TABLE = "map-progress", "map-legend", "map-table"
"""Ids of the parts that htmx requests alone. A page without a map requests the first every few seconds."""
PEOPLE_AT_ONCE = 100
"""Names for the points near the pointer: the page never needs more at once."""


@require_safe
@never_cache
@allowed(VIEW)
def map_page(request: ConsoleRequest) -> HttpResponse:
    """The whole page, or for htmx the part that it targets. Raises Http404 if there is no such version."""
    try:
        version = requested_version(request)
    except NoIndexYet as error:
        return _without_map(request, None, error)
    except NoMap as error:
        raise Http404(translated(error)) from error
    try:
        drawn = VersionMap.load(version)
    except (MapNotReady, NoMap, SnapshotInvalid) as error:
        return _without_map(request, version, error)
    target = request.htmx.target if wants_fragment(request) else ""
    if target == PROGRESS:
        return HttpResponseClientRefresh()  # it comes from the page without a map
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


def _without_map(request: ConsoleRequest, version: IndexVersion | None, reason: IndexingError) -> HttpResponse:
    """The page with the reason why there is no map."""
    computing = isinstance(reason, MapNotReady)
    context = {"version": version, "lacking": reason, "lacking_sentence": translated(reason), "computing": computing}
    return render(request, "indexing/map/map.html", context | _frame(request, version))


def _frame(request: ConsoleRequest, version: IndexVersion | None) -> dict[str, Any]:
    """The template context for everything on the page but the map itself."""
    versions = wire_format.versions_with_maps()
    earlier = [each.number for each in versions if version and each.number < version.number]
    return admin_context(request) | {
        "title": _("Map"),
        "versions": versions,
        "choices": colours.colour_choices(earlier),
        "may_tag": may(request.user, selection_views.TAG),
        "tags": selection_views.tag_choices(),
        "gap_days": gaps.DAYS,
    }


def _colouring(drawn: VersionMap, by: str) -> tuple[Colouring, str]:
    """The colouring `by`, and ""; if it is not possible, the one by category, and a sentence that says why."""
    try:
        return colours.colouring(drawn, by or colours.DEFAULT), ""
    except UnknownColouring as error:
        return colours.colouring(drawn, colours.DEFAULT), translated(error)


@require_safe
@allowed(VIEW)
@errors_as_json
def map_points(request: ConsoleRequest) -> HttpResponse:
    """The bytes of `wire_format.encode_points`. The browser caches them and checks each time if they are current.

    Raises NoIndexYet, NoMap, MapNotReady and SnapshotInvalid, which become responses with the status of the error.
    """
    version = requested_version(request)
    drawn = VersionMap.load(version)
    etag = wire_format.etag(version)
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(
            wire_format.encode_points(drawn.number, drawn.ids, drawn.positions),
            content_type=BINARY,
            headers={"ETag": etag},
        )
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
@never_cache
@allowed(VIEW)
@errors_as_json
def map_colours(request: ConsoleRequest) -> HttpResponse:
    """The bytes of `wire_format.encode_colours`, from the directory as it is now.

    Raises UnknownColouring, and the same errors as `map_points`, which become responses with their status.
    """
    drawn = VersionMap.load(requested_version(request))
    colouring = colours.colouring(drawn, request.GET.get("by") or colours.DEFAULT)
    return HttpResponse(wire_format.encode_colours(drawn.number, colouring.classes), content_type=BINARY)


@require_safe
@never_cache
@allowed(VIEW)
@json_view
def map_people(request: ConsoleRequest) -> dict[str, Any]:
    """Names and titles of the experts `ids`, comma-separated; deleted and inactive ones are left out."""
    texts = request.GET.get("ids", "").split(",")
    ids = [whole_number(text) for text in texts[:PEOPLE_AT_ONCE]]
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

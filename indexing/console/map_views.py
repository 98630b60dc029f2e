"""The map of a version: the page, and what the drawing in the browser asks for. See `map_points` for the bytes."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Expert
from indexing import map_colours, map_points
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.answers import admin_context, number
from indexing.map_colours import Colouring, UnknownColouring
from indexing.map_points import DrawnMap, MapState
from indexing.models import IndexVersion

BINARY = "application/octet-stream"
PEOPLE_AT_ONCE = 100
"""Names for the points near the pointer; a page never needs more at once."""


@require_safe
@never_cache
@allowed(VIEW)
def map_page(request: ConsoleRequest) -> HttpResponse:
    """To htmx, only the legend."""
    version = _version(request)
    drawn = map_points.read(version) if version else None
    by = request.GET.get("colour") or map_colours.DEFAULT
    context: dict[str, Any] = {
        "title": _("Map"),
        "version": version,
        "drawn": drawn,
        "by": by,
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
    }
    status = 200
    if drawn:
        colouring, context["problem"] = _colouring(drawn, by)
        context["colouring"] = colouring
        status = 400 if context["problem"] else 200
    if request.htmx and not request.htmx.history_restore_request:
        response = render(request, "indexing/_map_legend.html", context, status=status)
    else:
        context |= admin_context(request) | _frame(version)
        response = render(request, "indexing/map.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _frame(version: IndexVersion | None) -> dict[str, Any]:
    """What the whole page shows besides the map itself."""
    versions = map_points.drawn()
    earlier = [each.number for each in versions if version and each.number < version.number]
    return {"versions": versions, "choices": map_colours.choices(earlier), "map_states": MapState}


def _colouring(drawn: DrawnMap, by: str) -> tuple[Colouring, str]:
    """By what was asked for; by categories with a sentence about it where that cannot be."""
    try:
        return map_colours.colouring(drawn, by), ""
    except UnknownColouring as error:
        return map_colours.colouring(drawn, map_colours.DEFAULT), str(error)


@require_safe
@allowed(VIEW)
def points(request: ConsoleRequest) -> HttpResponse:
    """The bytes of `map_points.points_body`; kept by the browser, which asks each time whether they still hold."""
    version = _asked(request)
    drawn = map_points.read(version) if version else None
    if version is None or drawn is None:
        return _none(request, version)
    etag = map_points.etag(version)
    unchanged = get_conditional_response(request, etag=etag)
    response = unchanged or HttpResponse(
        map_points.points_body(drawn.number, drawn.ids, drawn.positions), content_type=BINARY
    )
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
@never_cache
@allowed(VIEW)
def colours(request: ConsoleRequest) -> HttpResponse:
    """The bytes of `map_points.colours_body`, of the directory as it is now."""
    version = _asked(request)
    drawn = map_points.read(version) if version else None
    if drawn is None:
        return _none(request, version)
    try:
        colouring = map_colours.colouring(drawn, request.GET.get("by") or map_colours.DEFAULT)
    except UnknownColouring as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return HttpResponse(map_points.colours_body(drawn.number, colouring.classes), content_type=BINARY)


@require_safe
@never_cache
@allowed(VIEW)
def people(request: ConsoleRequest) -> JsonResponse:
    """Who the points of `ids` are, comma-separated; whoever is gone or hidden is left out."""
    asked = request.GET.get("ids", "").split(",")
    ids = [number(each) for each in asked[:PEOPLE_AT_ONCE]]
    columns = ("pk", "username", "first_name", "last_name", "job_title", "company", "category")
    found = Expert.objects.active().filter(pk__in=ids).only(*columns).order_by("pk")
    shown = [
        {
            "id": expert.pk, "name": str(expert), "title": expert.job_title, "company": expert.company,
            "category": expert.category, "url": expert.get_absolute_url(),
        }
        for expert in found
    ]  # fmt: skip
    return JsonResponse({"people": shown})


def _version(request: ConsoleRequest) -> IndexVersion | None:
    """None where no version is live yet. Raises Http404 for one that is not there, or whose files are gone."""
    named = request.GET.get("version", "")
    version = map_points.asked_for(number(named) if named else None)
    if named and version is None:
        raise Http404(_("There is no version %(number)s on disk.") % {"number": named[:20]})
    return version


def _asked(request: ConsoleRequest) -> IndexVersion | None:
    """The same for a script, which is told by `_none`."""
    named = request.GET.get("version", "")
    return map_points.asked_for(number(named) if named else None)


def _none(request: ConsoleRequest, version: IndexVersion | None) -> JsonResponse:
    if version is None and request.GET.get("version"):
        return JsonResponse({"detail": _("There is no such version on disk.")}, status=404)
    return JsonResponse({"status": "computing"}, status=202)

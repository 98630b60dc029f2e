"""What the map's page asks for as JSON: names of areas, the place of a query, gaps, who moved.

Coordinates are those of the version's map. 202 while that map is still to come; else `detail` says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Expert
from indexing import candidates
from indexing.atlas import gaps, naming, queries, reading
from indexing.atlas.moves import Moves, moves
from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.answers import number
from indexing.errors import (
    EmptyQuery,
    EncoderUnavailable,
    MapNotReady,
    NoIndexYet,
    NoMap,
    SnapshotInvalid,
)
from indexing.models import IndexVersion
from indexing.search import query_vector, search

HITS = 50
MOVED = 50

Answer = Callable[[ConsoleRequest], dict[str, Any]]
STATUS: dict[type[Exception], int] = {
    NoIndexYet: 404, NoMap: 404, EmptyQuery: 422, EncoderUnavailable: 503, SnapshotInvalid: 503,
}  # fmt: skip


def as_json(answer: Answer) -> Callable[[ConsoleRequest], HttpResponse]:
    @wraps(answer)
    def view(request: ConsoleRequest) -> HttpResponse:
        try:
            return JsonResponse(answer(request))
        except MapNotReady as error:
            return JsonResponse({"status": "computing", "progress": error.progress}, status=202)
        except tuple(STATUS) as error:
            return JsonResponse({"detail": str(error)}, status=STATUS[type(error)])

    return view


@require_safe
@never_cache
@allowed(VIEW)
@as_json
def map_areas(request: ConsoleRequest) -> dict[str, Any]:
    version = _version(request, "version")
    areas = [
        {"x": named.area.x, "y": named.area.y, "name": named.name, "count": named.area.count}
        for named in naming.areas_of(version)
    ]
    return {"version": version.number, "areas": areas}


@require_safe
@never_cache
@allowed(VIEW)
@as_json
def map_query(request: ConsoleRequest) -> dict[str, Any]:
    version = _version(request, "version")
    query = request.GET.get("q", "").strip()
    if not query:
        raise EmptyQuery
    positions = reading.positions_of(version)
    snapshot = candidates.opened(version)
    vector = query_vector(query, snapshot)
    results = search(query, HITS, snapshot=snapshot, vector=vector)
    [[x, y]] = queries.placed(snapshot, positions, [vector]).tolist()
    hits = [
        {"id": hit.expert.pk, "rank": rank, "name": hit.expert.full_name, "title": hit.expert.job_title}
        for rank, hit in enumerate(results.hits, 1)
    ]
    return {"version": version.number, "x": x, "y": y, "hits": hits}


@require_safe
@never_cache
@allowed(VIEW)
@as_json
def map_gaps(request: ConsoleRequest) -> dict[str, Any]:
    version = _version(request, "version")
    found = [
        {"x": gap.place[0], "y": gap.place[1], "query": gap.query, "count": gap.count, "last": gap.last}
        for gap in gaps.gaps_of(version)
    ]
    return {"version": version.number, "days": gaps.DAYS, "gaps": found}


@require_safe
@never_cache
@allowed(VIEW)
@as_json
def map_moves(request: ConsoleRequest) -> dict[str, Any]:
    before, after = _version(request, "from"), _version(request, "to")
    old_ids, new_ids = reading.ids_of(before), reading.ids_of(after)
    found = moves(
        old_ids, reading.positions_of(before, len(old_ids)), new_ids, reading.positions_of(after, len(new_ids))
    )
    return {
        "from": before.number,
        "to": after.number,
        "radius": found.radius,
        "median": found.median,
        "moved": _who_moved(found),
    }


def _version(request: ConsoleRequest, parameter: str) -> IndexVersion:
    """The version that the address names; the live one where it names none. Raises NoMap, NoIndexYet."""
    asked = request.GET.get(parameter)
    if asked and not number(asked):
        raise NoMap(_("There is no version %(number)s, or it is not kept any more.") % {"number": asked})
    return reading.version_numbered(number(asked) if asked else None)


def _who_moved(found: Moves) -> list[dict[str, Any]]:
    """The active ones who moved most; names are read some at a time, since a few may be hidden."""
    told: list[dict[str, Any]] = []
    rows = found.farthest()
    for start in range(0, len(rows), 2 * MOVED):
        some = rows[start : start + 2 * MOVED].tolist()
        experts = Expert.objects.active().in_bulk([int(found.ids[row]) for row in some])
        told += [
            {
                "id": expert.pk,
                "name": expert.full_name,
                "title": expert.job_title,
                "distance": float(found.distances[row]),
                "from": found.before[row].tolist(),
                "to": found.after[row].tolist(),
            }
            for row in some
            if (expert := experts.get(int(found.ids[row])))
        ]
        if len(told) >= MOVED:
            break
    return told[:MOVED]

"""What the script of the map page requests as JSON: area names, the place of a query, gaps, and moves.

Coordinates are the map's own. The status is 202 while the map is being computed; errors come as `detail`.
"""

from __future__ import annotations

from typing import Any

from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Expert
from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.map.responses import json_view, requested_version
from indexing.embedding_map import area_names, gaps, query_places, reading
from indexing.embedding_map.moves import Moves, moves
from indexing.errors import EmptyQuery
from indexing.search import query_vector, search
from indexing.serving import open_versions
from indexing.versions import opening

HITS = 50
MOVED = 50


@require_safe
@never_cache
@allowed(VIEW)
@json_view
def map_areas(request: ConsoleRequest) -> dict[str, Any]:
    """The named areas, the most important first."""
    version = requested_version(request, "version")
    areas = [
        {"x": named.area.x, "y": named.area.y, "name": named.name, "count": named.area.count}
        for named in area_names.areas_of(version)
    ]
    return {"version": version.number, "areas": areas}


@require_safe
@never_cache
@allowed(VIEW)
@json_view
def map_query(request: ConsoleRequest) -> dict[str, Any]:
    """The place of the query `q` on the map, and the experts it finds, best first, as JSON.

    Raises EmptyQuery, NoIndexYet, NoMap, MapNotReady, SnapshotInvalid and EncoderUnavailable, which become responses
    with the status of the error.
    """
    version = requested_version(request, "version")
    query = request.GET.get("q", "").strip()
    if not query:
        raise EmptyQuery
    positions = reading.read_positions(version)
    snapshot = open_versions.open_version(version)
    vector = query_vector(query, snapshot)
    results = search(query, snapshot, HITS, vector=vector)
    [[x, y]] = query_places.place_queries(snapshot, positions, [vector]).tolist()
    hits = [
        {"id": hit.expert.pk, "rank": rank, "name": hit.expert.full_name, "title": hit.expert.job_title}
        for rank, hit in enumerate(results.hits, 1)
    ]
    return {"version": version.number, "x": x, "y": y, "hits": hits}


@require_safe
@never_cache
@allowed(VIEW)
@json_view
def map_gaps(request: ConsoleRequest) -> dict[str, Any]:
    """The searches that found nobody, each with its place, the most frequent first."""
    version = requested_version(request, "version")
    placed = [
        {"x": gap.place[0], "y": gap.place[1], "query": gap.query, "count": gap.count, "last": gap.last}
        for gap in gaps.gaps_of(version)
    ]
    return {"version": version.number, "days": gaps.DAYS, "gaps": placed}


@require_safe
@never_cache
@allowed(VIEW)
@json_view
def map_moves(request: ConsoleRequest) -> dict[str, Any]:
    """How far experts moved between the maps of the versions `from` and `to`; distances are shares of the radius.

    Raises NoIndexYet, NoMap, MapNotReady and SnapshotInvalid, which become responses with the status of the error.
    """
    before, after = requested_version(request, "from"), requested_version(request, "to")
    old_ids, new_ids = opening.read_ids(before), opening.read_ids(after)
    found = moves(
        old_ids, reading.read_positions(before, len(old_ids)), new_ids, reading.read_positions(after, len(new_ids))
    )
    return {
        "from": before.number,
        "to": after.number,
        "radius": found.radius,
        "median": found.median,
        "moved": _moved_experts(found),
    }


def _moved_experts(found: Moves) -> list[dict[str, Any]]:
    """The active experts who moved most. Names are read in small batches, since a few may have been deactivated."""
    moved: list[dict[str, Any]] = []
    rows = found.farthest()
    for start in range(0, len(rows), 2 * MOVED):
        batch = rows[start : start + 2 * MOVED].tolist()
        experts = Expert.objects.active().in_bulk([int(found.ids[row]) for row in batch])
        moved += [
            {
                "id": expert.pk,
                "name": expert.full_name,
                "title": expert.job_title,
                "distance": float(found.distances[row]),
                "from": found.before[row].tolist(),
                "to": found.after[row].tolist(),
            }
            for row in batch
            if (expert := experts.get(int(found.ids[row])))
        ]
        if len(moved) >= MOVED:
            break
    return moved[:MOVED]

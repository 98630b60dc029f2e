"""What the map's page asks for as JSON: names of areas, the place of a query, gaps, who moved.

Coordinates are those of the version's map. 202 while that map is still to come; else `detail` says what is wrong.
"""

from __future__ import annotations

from typing import Any

from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Expert
from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.map.responses import as_json, version_named
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
@as_json
def map_areas(request: ConsoleRequest) -> dict[str, Any]:
    version = version_named(request, "version")
    areas = [
        {"x": named.area.x, "y": named.area.y, "name": named.name, "count": named.area.count}
        for named in area_names.areas_of(version)
    ]
    return {"version": version.number, "areas": areas}


@require_safe
@never_cache
@allowed(VIEW)
@as_json
def map_query(request: ConsoleRequest) -> dict[str, Any]:
    version = version_named(request, "version")
    query = request.GET.get("q", "").strip()
    if not query:
        raise EmptyQuery
    positions = reading.positions_of(version)
    snapshot = open_versions.opened(version)
    vector = query_vector(query, snapshot)
    results = search(query, snapshot, HITS, vector=vector)
    [[x, y]] = query_places.placed(snapshot, positions, [vector]).tolist()
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
    version = version_named(request, "version")
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
    before, after = version_named(request, "from"), version_named(request, "to")
    old_ids, new_ids = opening.read_ids(before), opening.read_ids(after)
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

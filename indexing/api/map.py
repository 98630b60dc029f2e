"""The live version's map."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from ninja import Status
from numpy.typing import NDArray

from experts.models import Expert
from indexing.api.auth import staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS
from indexing.api.schemas.map import Computing, EmbeddingMap
from indexing.embedding_map import reading
from indexing.errors import MapNotReady, NoIndexYet, NoMap
from indexing.lib.process_state import ProcessState
from indexing.models import IndexState, IndexVersion
from indexing.serving import live

router = StrictRouter(tags=["index"])


@dataclass(frozen=True, slots=True)
class RenderedMap:
    """The JSON of one map, and the ETag that it is cached under."""

    etag: str
    body: bytes


_rendered = ProcessState(lambda: RenderedMap("", b""))
"""The last response: reading and rendering 10,000 points takes a tenth of a second, and they rarely change."""


@router.get(
    "/embedding-map",
    auth=staff("indexing.view"),
    response={200: EmbeddingMap, 202: Computing, **REFUSALS},
    exclude_none=True,
    summary="Get the map: every active expert as a point",
    description="Needs the permission `indexing.view`. Returns 202 until the live version's map has been computed.",
)
def embedding_map(request: HttpRequest) -> HttpResponse | Status:
    """The live version's map, with an ETag, so that an unchanged one is not sent again.

    Raises none of our errors: NoIndexYet, NoMap and MapNotReady become a 202.
    """
    version = IndexState.read().live_version
    try:
        if version is None:
            raise NoIndexYet
        snapshot = live.current()
        # A version that has just gone live is taken over by this process in a moment.
        if version.map_state != IndexVersion.MapState.DONE or snapshot.number != version.number:
            raise MapNotReady(version.number, version.map_progress)
        etag = _etag(version)
        rendered = _rendered.get()  # once: another request may replace it
        if rendered.etag != etag:
            positions = reading.read_positions(version, len(snapshot.ids))
            rendered = RenderedMap(etag, _render(version.number, snapshot.ids, positions))
            _rendered.set(rendered)
    except MapNotReady as error:
        return Status(202, Computing(progress=error.progress))
    except (NoIndexYet, NoMap):
        return Status(202, Computing(progress=None))
    response = HttpResponse(rendered.body, content_type="application/json")
    response["ETag"] = rendered.etag
    patch_cache_control(response, private=True, no_cache=True)
    return get_conditional_response(request, etag=rendered.etag, response=response) or response


def _etag(version: IndexVersion) -> str:
    """Changes with the version, its map file and the directory: an expert who was deactivated must leave the map."""
    directory = Expert.objects.active().aggregate(count=Count("pk"), changed=Max("updated_at"))
    changed = directory["changed"].timestamp() if directory["changed"] else 0
    drawn = "-".join(map(str, reading.file_stamp(version)))
    return f'"{version.number}-{drawn}-{directory["count"]}-{changed}"'


def _render(number: int, ids: NDArray[np.int64], positions: NDArray[np.float32]) -> bytes:
    """The response body for n experts, with ids int64[n] and positions float32[n, 2]."""
    place = {
        expert: (round(x, 3), round(y, 3)) for expert, (x, y) in zip(ids.tolist(), positions.tolist(), strict=True)
    }
    active = Expert.objects.active().order_by("pk")
    columns = active.values_list("pk", "username", "first_name", "last_name", "category")
    points = [
        {
            "x": place[pk][0],
            "y": place[pk][1],
            "username": username,
            "name": f"{first} {last}".strip() or username,
            "category": category,
        }
        for pk, username, first, last, category in columns.iterator()
        if pk in place
    ]
    return json.dumps({"version": number, "points": points}, separators=(",", ":")).encode()

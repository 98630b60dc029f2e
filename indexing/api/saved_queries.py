"""Saved queries in two versions: for programs that judge a version before it is published."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query
from ninja.errors import HttpError

from experts.numbers import LARGEST_ID
from indexing.api.auth import staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.schemas.saved_queries import SavedRun
from indexing.quality import saved_queries
from indexing.versions import opening

router = StrictRouter(tags=["versions"])


@router.get(
    "/lab/saved-queries",
    auth=staff("indexing.view"),
    response={200: SavedRun, 404: Refusal, 503: Refusal, **REFUSALS},
    summary="Run all saved queries in two versions",
    description="Needs the permission `indexing.view`. Runs the active saved queries in hybrid mode.",
)
def run_saved_queries(
    request: HttpRequest,
    a: int = Query(ge=1, le=LARGEST_ID, description="Number of a live, kept or held version."),
    b: int = Query(ge=1, le=LARGEST_ID),
) -> SavedRun:
    """Raises HttpError 404 for a version that is not on disk, SnapshotInvalid and EncoderUnavailable (503)."""
    versions = {version.number: version for version in opening.searchable()}
    if unknown := [number for number in (a, b) if number not in versions]:
        raise HttpError(
            404, _("Version %(number)s is not on disk. Choose a live, kept or held version.") % {"number": unknown[0]}
        )
    return SavedRun(**saved_queries.compare_versions(versions[a], versions[b]).as_dict())

"""Search tests in two versions: for programs that judge a version before it is published."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query
from ninja.errors import HttpError

from experts.numbers import LARGEST_ID
from indexing.api.auth import staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.schemas.search_tests import SavedRun, SavedTest, SavedTests
from indexing.models import SearchTest
from indexing.quality import search_tests
from indexing.versions import opening

router = StrictRouter(tags=["versions"])


@router.get(
    "/search-tests",
    auth=staff("indexing.view"),
    response={200: SavedTests, **REFUSALS},
    summary="List all search tests",
    description="Needs the permission `indexing.view`.",
)
def list_search_tests(request: HttpRequest) -> SavedTests:
    tests = SearchTest.objects.prefetch_related("expected", "unwanted")
    return SavedTests(tests=[SavedTest.from_test(test) for test in tests])


@router.get(  # the address from before they were called search tests
    "/lab/saved-queries",
    auth=staff("indexing.view"),
    url_name="run_saved_queries",
    include_in_schema=False,
    response={200: SavedRun, 404: Refusal, 503: Refusal, **REFUSALS},
)
@router.get(
    "/search-tests/run",
    auth=staff("indexing.view"),
    response={200: SavedRun, 404: Refusal, 503: Refusal, **REFUSALS},
    summary="Run all search tests in two versions",
    description="Needs the permission `indexing.view`. Runs the active search tests in hybrid mode.",
)
def run_search_tests(
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
    return SavedRun(**search_tests.compare_versions(versions[a], versions[b]).as_dict())

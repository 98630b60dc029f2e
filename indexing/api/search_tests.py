"""Search tests: list, save and delete them, and run them in two versions."""

from __future__ import annotations

from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from ninja import Path, Query
from ninja.errors import HttpError

from experts.models import Expert
from experts.numbers import LARGEST_ID
from indexing.api.auth import caller, staff
from indexing.api.errors import invalid
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.schemas.search_tests import NewTest, SavedRun, SavedTest, SavedTests, TestDeleted
from indexing.models import SearchTest
from indexing.quality import search_tests
from indexing.quality.search_test_form import SearchTestForm
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


@router.post(
    "/search-tests",
    auth=staff("indexing.add_searchtest"),
    response={200: SavedTest, **REFUSALS},
    summary="Save a search test",
    description=(
        "Needs the permission `indexing.add_searchtest`. Every new version is checked against it from now on. Each "
        "query has one test."
    ),
)
def create_search_test(request: HttpRequest, wanted: NewTest) -> SavedTest | JsonResponse:
    """422 for a username that no expert has, and for what the form of the page refuses."""
    people, unknown = {}, {}
    for side in ("expected", "unwanted"):
        names = getattr(wanted, side)
        found = dict(Expert.objects.filter(username__in=names).values_list("username", "pk"))
        people[side] = list(found.values())
        if missing := [name for name in names if name not in found]:
            unknown[side] = _("There is no expert “%(name)s”.") % {"name": missing[0]}
    if unknown:
        return invalid(unknown)
    form = SearchTestForm({"text": wanted.query, "k": wanted.k, "is_active": wanted.active} | people)
    if not form.is_valid():
        names = {"text": "query", "is_active": "active", NON_FIELD_ERRORS: "unwanted"}
        sentences = {names.get(field, field): " ".join(map(str, said)) for field, said in form.errors.items()}
        return invalid(sentences)
    saved = form.save()
    LogEntry.objects.log_actions(caller(request).pk, [saved], ADDITION, [{"added": {}}], single_object=True)
    return SavedTest.from_test(saved)


@router.post(
    "/search-tests/{number}/delete",
    auth=staff("indexing.delete_searchtest"),
    response={200: TestDeleted, 404: Refusal, **REFUSALS},
    summary="Delete a search test",
    description="Needs the permission `indexing.delete_searchtest`. `number` is the `id` of the test.",
)
def delete_search_test(request: HttpRequest, number: int = Path(ge=1, le=LARGEST_ID)) -> TestDeleted:
    """Raises HttpError 404 for a test that does not exist."""
    test = SearchTest.objects.filter(pk=number).first()
    if test is None:
        raise HttpError(404, _("There is no search test %(number)s.") % {"number": number})
    LogEntry.objects.log_actions(caller(request).pk, [test], DELETION, single_object=True)
    test.delete()
    return TestDeleted(id=number, query=test.text)


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

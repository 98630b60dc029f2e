"""Saved queries, asked of two versions: for programs that judge a version before it is published."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError

from indexing.api.auth import staff
from indexing.api.schemas.common import Invalid, Refusal
from indexing.quality import saved_queries
from indexing.serving import open_versions

router = Router(tags=["versions"])

LARGEST_NUMBER = 2**63 - 1


class Expected(Schema):
    username: str
    a: int | None = Field(description="Rank among the first k of version a; null where it is not among them.")
    b: int | None


class QueryRun(Schema):
    query: str
    k: int
    expected: list[Expected]
    a: list[str] = Field(description="Usernames of the first k hits of version a, best first.")
    b: list[str]
    overlap: float | None = Field(description="Share of the first ten of a that are among the first ten of b.")


class Total(Schema):
    found: int = Field(description="Expected experts among the first k.")
    missing: int
    broken: int = Field(description="Queries that miss somebody.")


class Totals(Schema):
    a: Total
    b: Total
    overlap: float | None = Field(description="The mean over the queries.")


class SavedRun(Schema):
    a: int
    b: int
    queries: list[QueryRun]
    totals: Totals


@router.get(
    "/lab/saved-queries",
    auth=staff("indexing.view"),
    response={200: SavedRun, 401: Refusal, 403: Refusal, 404: Refusal, 422: Invalid, 503: Refusal},
    summary="Ask all saved queries of two versions",
    description="Needs the permission `indexing.view`. The active saved queries, by meaning and words together.",
)
def run_saved_queries(
    request: HttpRequest,
    a: int = Query(ge=1, le=LARGEST_NUMBER, description="Number of a live, kept or held version."),
    b: int = Query(ge=1, le=LARGEST_NUMBER),
) -> SavedRun:
    versions = {version.number: version for version in open_versions.searchable()}
    if unknown := [number for number in (a, b) if number not in versions]:
        raise HttpError(404, _("There is no version %(asked)s on disk: choose another.") % {"asked": unknown[0]})
    return SavedRun(**saved_queries.run(versions[a], versions[b]).as_dict())

"""The results of search tests in two versions, as the API describes them."""

from __future__ import annotations

from typing import Annotated

from ninja import Field, Schema
from pydantic import StringConstraints

from indexing.api.schemas.common import NO_NUL
from indexing.models import SearchTest

Username = Annotated[str, StringConstraints(max_length=150, pattern=NO_NUL)]
PEOPLE = 100
"""Experts that one request can name on either side; as many as a search shows."""


class NewTest(Schema):
    """A search test to be saved."""

    query: str = Field(min_length=1, max_length=500, pattern=NO_NUL)
    k: int = Field(10, strict=True, ge=1, le=100, description="Expected experts must be in the top k.")
    expected: list[Username] = Field([], max_length=PEOPLE, description="Usernames of experts who must be found.")
    unwanted: list[Username] = Field(
        [], max_length=PEOPLE, description="Usernames of experts who must not be in the top ten."
    )
    active: bool = Field(True, strict=True)


class TestDeleted(Schema):
    id: int
    query: str


class SavedTest(Schema):
    """A query, who must be found for it and who must not."""

    id: int
    query: str
    k: int = Field(description="Expected experts must be in the top k.")
    expected: list[str] = Field(description="Usernames.")
    unwanted: list[str] = Field(description="Usernames of experts who must not be in the top ten.")
    active: bool = Field(description="Only active tests are run, and hold a version that fails them.")

    @classmethod
    def from_test(cls, test: SearchTest) -> SavedTest:
        people = {name: [each.username for each in getattr(test, name).all()] for name in ("expected", "unwanted")}
        return cls(id=test.pk, query=test.text, k=test.k, active=test.is_active, **people)


class SavedTests(Schema):
    tests: list[SavedTest] = Field(description="Ordered by query.")


class Expected(Schema):
    username: str
    a: int | None = Field(description="Rank in the top k of version a; null if not in it.")
    b: int | None


class Unwanted(Schema):
    username: str
    a: int | None = Field(description="Rank in the top ten of version a; null if not in it, as it should be.")
    b: int | None


class QueryRun(Schema):
    query: str
    k: int
    expected: list[Expected]
    unwanted: list[Unwanted] = Field(description="Experts who must not be in the top ten.")
    score_a: float | None = Field(description="nDCG@10 in version a, 0 to 1; null if nobody is expected.")
    score_b: float | None
    a: list[str] = Field(description="Usernames of the top k hits in version a, best first.")
    b: list[str]
    overlap: float | None = Field(description="Share of the top ten of a that are also in the top ten of b.")


class Total(Schema):
    found: int = Field(description="Expected experts in the top k.")
    missing: int
    unwanted: int = Field(description="Experts in a top ten in which they must not be.")
    broken: int = Field(description="Tests that fail: they miss an expected expert or show an unwanted one.")
    score: float | None = Field(description="Mean nDCG@10 over all tests, 0 to 1; null if none expects anybody.")


class Totals(Schema):
    a: Total
    b: Total
    overlap: float | None = Field(description="Mean over all queries.")


class SavedRun(Schema):
    a: int
    b: int
    queries: list[QueryRun]
    totals: Totals

"""The results of saved queries in two versions, as the API describes them."""

from __future__ import annotations

from ninja import Field, Schema


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

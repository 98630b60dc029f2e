"""The results of saved queries in two versions, as the API describes them."""

from __future__ import annotations

from ninja import Field, Schema


class Expected(Schema):
    username: str
    a: int | None = Field(description="Rank in the top k of version a; null if not in it.")
    b: int | None


class QueryRun(Schema):
    query: str
    k: int
    expected: list[Expected]
    a: list[str] = Field(description="Usernames of the top k hits in version a, best first.")
    b: list[str]
    overlap: float | None = Field(description="Share of the top ten of a that are also in the top ten of b.")


class Total(Schema):
    found: int = Field(description="Expected experts in the top k.")
    missing: int
    broken: int = Field(description="Queries that miss an expected expert.")


class Totals(Schema):
    a: Total
    b: Total
    overlap: float | None = Field(description="Mean over all queries.")


class SavedRun(Schema):
    a: int
    b: int
    queries: list[QueryRun]
    totals: Totals

"""What people do with search and its results, as the API describes it."""

from __future__ import annotations

from ninja import Field, Schema

from indexing.search.use_figures import ExpertFigures, QueryFigures, Trends


class TrendOut(Schema):
    now: int = Field(description="In the last seven days.")
    before: int = Field(description="In the seven days before.")


class TrendsOut(Schema):
    searches: TrendOut
    zero: TrendOut = Field(description="Searches that found nobody.")
    opened: TrendOut = Field(description="Results that were opened.")
    contacted: TrendOut = Field(description="Contacts that were shown.")
    rejected: TrendOut = Field(description="Results that were said to be no match.")


class QueryCounts(Schema):
    query: str = Field(description="In lower case, with single spaces.")
    searches: int
    zero: int = Field(description="Searches that found nobody.")
    opened: int
    contacted: int
    rejected: int
    last: float = Field(description="When it was searched last.")


class ExpertCounts(Schema):
    username: str
    shown: int = Field(description="How often among the first results.")
    opened: int
    contacted: int
    rejected: int


class Use(Schema):
    trends: TrendsOut
    queries: list[QueryCounts] = Field(description="The most frequent first.")
    experts: list[ExpertCounts] = Field(description="Active experts, the most often shown first.")

    @classmethod
    def from_figures(cls, trends: Trends, queries: list[QueryFigures], experts: list[ExpertFigures]) -> Use:
        return cls(
            trends=TrendsOut.from_orm(trends),
            queries=[
                QueryCounts(
                    query=each.query,
                    searches=each.searches,
                    zero=each.zero,
                    opened=each.opened,
                    contacted=each.contacted,
                    rejected=each.rejected,
                    last=each.last.timestamp(),
                )
                for each in queries
            ],
            experts=[
                ExpertCounts(
                    username=each.expert.username,
                    shown=each.shown,
                    opened=each.opened,
                    contacted=each.contacted,
                    rejected=each.rejected,
                )
                for each in experts
            ],
        )

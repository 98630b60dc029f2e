"""The experts who are like one expert, as the API describes them."""

from __future__ import annotations

from ninja import Field

from indexing.api.schemas.search import ExpertCard, Plain
from indexing.search.similar import SimilarExperts


class SimilarExpert(Plain):
    expert: ExpertCard
    similarity: float = Field(description="Cosine similarity of the two whole profiles.")
    shared_tags: list[str] = Field(description="Names of the tags that both have.")


class SimilarOut(Plain):
    expert: ExpertCard
    version: int = Field(description="The version of the index whose profiles were compared.")
    similar: list[SimilarExpert] = Field(description="The nearest first; never the expert.")

    @classmethod
    def from_similar(cls, found: SimilarExperts) -> SimilarOut:
        return cls(
            expert=ExpertCard.from_expert(found.expert),
            version=found.version,
            similar=[
                SimilarExpert(
                    expert=ExpertCard.from_expert(each.hit.expert),
                    similarity=each.hit.score,
                    shared_tags=list(each.shared_tags),
                )
                for each in found.hits
            ],
        )

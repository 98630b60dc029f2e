"""Explanations of ranks as the API describes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from ninja import Field
from pydantic import BaseModel

from experts.models import Expert
from indexing.search import reasons
from indexing.search.explanation import Explanation
from indexing.search.standing import Standing


class ScorePart(BaseModel):
    kind: Literal["meaning", "word", "name", "username", "added", "estimate"] = Field(
        description="`added`: a word that the best matches have in common. `estimate`: the words of an expert who is "
        "too far down the list of words to be read."
    )
    text: str = Field(description="The word, analysed as in the index; empty for the meaning.")
    points: float = Field(description="What it adds to the score; below 0 for a meaning farther off than average.")
    fields: list[str] = Field(description="Where the profile has it: name, job_title, company, bio, tags.")
    found: list[str] = Field(description="The word as the profile writes it.")


class WordChange(BaseModel):
    word: str
    gained: bool = Field(description="Whether the profile gains or loses the word.")
    rank: int = Field(description="About the rank that the expert would have then.")


class ExplanationOut(BaseModel):
    score: float
    parts: list[ScorePart] = Field(description="They add up to the score; most points first.")
    missing: list[str] = Field(description="Words of the query that the profile lacks.")
    rank: int | None = Field(description="From 1; null if nothing of the expert matches.")
    people: int = Field(description="How many active experts pass the filters, and so are ranked.")
    filters: list[str] = Field(description="Which filters those are, named as in `excluded_by` of `/api/where`.")
    similarity: float | None
    usual_similarity: float | None = Field(description="The mean over everybody.")
    similarity_deviation: float | None = Field(description="The standard deviation over everybody.")
    semantic_rank: int | None = Field(description="By meaning alone, among those ranked.")
    keyword_rank: int | None = Field(description="By the words of the query alone, among those ranked.")
    passage: list[int] | None = Field(
        description="Start and length, in the bio, of the passage nearest to the query; null for a short profile, "
        "which counts as a whole, and for a bio that changed since."
    )
    changes: list[WordChange]
    reasons: list[str] = Field(description="The same in sentences.")
    what_if: list[str] = Field(description="The changes in sentences.")

    @classmethod
    def from_explanation(cls, found: Explanation) -> ExplanationOut:
        mean, deviation = found.usual or (None, None)
        return cls(
            parts=[ScorePart(**asdict(each)) for each in found.contributions],
            changes=[WordChange(**asdict(each)) for each in found.changes],
            missing=list(found.missing),
            filters=list(found.filters),
            passage=list(found.passage) if found.passage else None,
            usual_similarity=mean,
            similarity_deviation=deviation,
            reasons=reasons.reasons(found),
            what_if=reasons.changes(found),
            **{name: getattr(found, name) for name in ("score", "rank", "people", "similarity")},
            **{name: getattr(found, name) for name in ("semantic_rank", "keyword_rank")},
        )


class PersonOut(BaseModel):
    id: int
    username: str
    name: str
    job_title: str
    company: str

    @classmethod
    def from_expert(cls, expert: Expert) -> PersonOut:
        return cls(
            id=expert.pk,
            username=expert.username,
            name=expert.full_name,
            job_title=expert.job_title,
            company=expert.company,
        )


class StandingOut(BaseModel):
    active: bool
    version: int = Field(description="The version of the index that was searched.")
    in_version: bool
    edited: list[str] = Field(description="Fields that were changed since the version was built.")
    excluded_by: list[str] = Field(
        description="Filters that keep the expert out: tags, industries, categories, countries, cities, languages, "
        "available_by, rate, photo. The rank is then that without filters."
    )
    explanation: ExplanationOut | None = Field(description="null if they are not active or not in the version.")
    hindrances: list[str] = Field(description="What holds the expert back, in sentences.")
    advice: list[str] = Field(description="What would help in the profile, for any search.")

    @classmethod
    def from_standing(cls, found: Standing) -> StandingOut:
        return cls(
            active=found.expert.is_active,
            version=found.version,
            in_version=found.in_version,
            edited=list(found.edited),
            excluded_by=list(found.excluded_by),
            explanation=ExplanationOut.from_explanation(found.explanation) if found.explanation else None,
            hindrances=reasons.hindrances(found),
            advice=[each.sentence for each in found.advice],
        )


class WhereOut(BaseModel):
    people: list[PersonOut] = Field(description="Those of that name, at most 8. Ask again with `expert`, an id.")
    standing: StandingOut | None = Field(
        description="Of the one expert that was named; null if several have the name."
    )

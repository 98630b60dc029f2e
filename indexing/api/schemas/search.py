"""Search results and suggestions as the API describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ninja import Field, Schema
from pydantic import BaseModel

from experts.models import Expert
from indexing.api.schemas.experts import Day
from indexing.api.schemas.explanations import ExplanationOut
from indexing.search import Hit, Results
from indexing.search.best_passages import DocumentPassage
from indexing.search.explanation import Explainer
from indexing.search.facet_counts import FacetCounts
from indexing.search.highlights import Marker
from indexing.search.suggest import Suggestion


class Plain(BaseModel):
    """Base of the search results. ninja's own base looks up every attribute in Python, which takes longer than the
    search; this one must be made from keyword arguments."""


class ExpertCard(Plain):
    id: int
    username: str
    name: str
    job_title: str
    company: str
    bio: str
    hourly_rate: float | None
    currency: str
    profile_url: str
    photo_url: str
    category: str

    @classmethod
    def from_expert(cls, expert: Expert) -> ExpertCard:
        stored = {name: getattr(expert, name) for name in cls.model_fields if name != "name"}
        links = {"profile_url": expert.profile_link, "photo_url": expert.photo_link}  # safe to use as links
        return cls(name=expert.full_name, **stored | links)


class Excerpt(Plain):
    """A part of the bio: the passage nearest to the query, or the part with most of its words."""

    text: str
    offset: int = Field(description="Where it begins in `expert.bio`, in characters (Unicode code points).")
    length: int

    @classmethod
    def from_hit(cls, hit: Hit, marker: Marker) -> Excerpt:
        start, end = marker.part_to_show(hit.expert.bio, hit.passage)
        return cls(text=hit.expert.bio[start:end], offset=start, length=end - start)


class DocumentExcerpt(Plain):
    """A part of a document, such as a CV."""

    name: str
    text: str
    address: str = Field(description="Where somebody who is signed in can download the document.")

    @classmethod
    def from_passage(cls, passage: DocumentPassage) -> DocumentExcerpt:
        document = passage.document
        return cls(name=str(document), text=passage.text, address=document.get_absolute_url())


class SearchHit(Plain):
    expert: ExpertCard
    score: float
    strong: bool = Field(
        description="Whether it is a strong match. Strong ones come first; true for all if the version, built by an "
        "earlier release, cannot tell."
    )
    similarity: float | None = Field(description="Cosine similarity of query and profile.")
    semantic_rank: int | None
    keyword_rank: int | None
    excerpt: Excerpt | None = Field(
        default=None,
        description="The passage of the bio nearest to the query; of a short profile, or of a hit that was found by "
        "its words only, the part with most of these.",
    )
    document: DocumentExcerpt | None = Field(
        default=None,
        description="The passage nearest to the query, if it is in a document and the caller may see documents.",
    )
    highlights: dict[str, str] = Field(
        default={},
        description="name, job_title, company, bio as escaped HTML with the query's words in <mark>; of the bio only "
        "the excerpt. Only fields that contain a word of the query.",
    )
    common_tags: list[str] = Field(default=[], description="The expert's tags that contain a word of the query.")
    explanation: ExplanationOut | None = Field(default=None, description="Only with `explain=true`.")

    @classmethod
    def from_hit(cls, hit: Hit, marker: Marker | None = None, *, documents: bool = False) -> SearchHit:
        """`documents`: whether the caller may see them."""
        measured: dict[str, Any] = {
            name: getattr(hit, name) for name in ("score", "similarity", "semantic_rank", "keyword_rank")
        }
        measured["strong"] = hit.is_strong
        if documents and hit.document is not None:
            measured["document"] = DocumentExcerpt.from_passage(hit.document)
        if marker is not None:
            measured["excerpt"] = Excerpt.from_hit(hit, marker)
            measured["highlights"] = marker.highlights(hit.expert, hit.passage)
            measured["common_tags"] = marker.common_tags([tag.name for tag in hit.tags])
        return cls(expert=ExpertCard.from_expert(hit.expert), **measured)


class SearchFilters(Schema):
    tag: list[str] = Field(default=[], description="Name of a tag; may be repeated.")
    match: Literal["any", "all"] = Field(default="any", description="Whether any or all of the tags must match.")
    industry: list[str] = Field(default=[], description="Name of an industry; may be repeated, any of them matches.")
    category: list[str] = Field(default=[], description="Name of a category; may be repeated, any of them matches.")
    rate_min: float | None = Field(default=None, ge=0, description="Lowest hourly rate, in `currency`.")
    rate_max: float | None = Field(default=None, ge=0, description="Highest hourly rate, in `currency`.")
    currency: str = Field(
        default="", max_length=3, description="ISO code; only experts with a rate in this currency."
    )
    photo: bool = Field(default=False, description="Only experts with a photo.")
    country: list[str] = Field(
        default=[], description="ISO code of a country, such as NL; may be repeated, any of them matches."
    )
    city: list[str] = Field(
        default=[],
        description="Name of a city, in any case and without accents; may be repeated, any of them matches.",
    )
    language: list[str] = Field(
        default=[],
        description="ISO code of a language, such as nl; may be repeated, an expert must speak all of them.",
    )
    available_by: Day | None = Field(
        default=None, description="Only experts who are known to be available from this day or earlier."
    )


class FacetValue(Plain):
    name: str
    count: int


class Facets(Plain):
    """How many of the query's strong matches under the filters have each value, first those that set the matches
    apart from the whole directory. Values of an any-of filter are counted under the other filters."""

    matches: int
    tags: list[FacetValue]
    industries: list[FacetValue]
    categories: list[FacetValue]
    currencies: list[FacetValue]
    photo: int
    countries: list[FacetValue] = Field(default=[], description="ISO codes.")
    cities: list[FacetValue] = []
    languages: list[FacetValue] = Field(default=[], description="ISO codes.")

    @classmethod
    def from_counts(cls, counts: FacetCounts) -> Facets:
        lists: dict[str, Any] = {
            name: [FacetValue(name=value.name, count=value.count) for value in getattr(counts, name)]
            for name in ("tags", "industries", "categories", "currencies", "countries", "cities", "languages")
        }
        return cls(matches=counts.matches, photo=counts.photo, **lists)


class SearchResults(Plain):
    query: str
    mode: str
    version: int = Field(description="The version of the index that was searched.")
    seconds: float
    notice: str = Field(default="", description="What is different from usual, such as a search by words alone.")
    matches: int | None = Field(default=None, description="How many strong matches there are.")
    more_matches: bool = Field(default=False, description="Whether there are more than `matches`.")
    hits: list[SearchHit]
    facets: Facets | None = None

    @classmethod
    def from_results(
        cls,
        results: Results,
        facets: FacetCounts | None = None,
        marker: Marker | None = None,
        *,
        documents: bool = False,
    ) -> SearchResults:
        """`documents`: whether the caller may see them."""
        return cls(
            query=results.query,
            mode=results.mode,
            version=results.version,
            seconds=results.seconds,
            matches=facets.matches if facets else None,
            more_matches=facets.is_cut_off if facets else False,
            hits=[SearchHit.from_hit(hit, marker, documents=documents) for hit in results.hits],
            facets=Facets.from_counts(facets) if facets else None,
        )

    def explained(self, results: Results, explainer: Explainer) -> SearchResults:
        """The same results, each hit with its explanation. Raises EncoderUnavailable."""
        for shown, hit in zip(self.hits, results.hits, strict=True):
            if found := explainer.explain(hit.expert, hit.tags):
                shown.explanation = ExplanationOut.from_explanation(found)
        return self


class SuggestionOut(Schema):
    kind: Literal["person", "title", "company", "tag"]
    text: str = Field(description="What to search for.")
    detail: str = Field(description="For a person: username and job title.")
    filter: Literal["", "tag", "industry"] = Field(
        description="For a tag: the parameter of `/api/search` that finds only experts who have it."
    )


class Suggested(Schema):
    q: str
    suggestions: list[SuggestionOut]

    @classmethod
    def from_suggestions(cls, q: str, suggestions: Sequence[Suggestion]) -> Suggested:
        made: list[dict[str, Any]] = [
            {name: getattr(each, name) for name in ("kind", "text", "detail", "filter")} for each in suggestions
        ]
        return cls(q=q, suggestions=[SuggestionOut(**each) for each in made])

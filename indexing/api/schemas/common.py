"""What the API takes and gives. Times are unix seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema
from pydantic import BaseModel

from experts.models import Expert
from indexing.models import RebuildRun, RunLogLine
from indexing.reasons import MAX_REASON
from indexing.runs import status
from indexing.search import Hit, Results
from indexing.search.facet_counts import FacetCounts
from indexing.search.highlights import Marker
from indexing.search.suggest import Suggestion

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL takes no NUL in a text: it would be an error of the server."""

Outside = Literal["idle", "running", "done", "error"]


class Plain(BaseModel):
    """For what a search answers with: ninja's own base asks Python for each attribute, which takes longer than the
    search. Made of keywords only."""


def unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


class Refusal(Schema):
    detail: str = Field(description="A sentence for the person who asked.")


class Invalid(Refusal):
    fields: dict[str, str] = Field(description="Field name to what is wrong with it.")


class BusyRefusal(Refusal):
    run: int = Field(description="The run that is active.")
    sentence: str = Field(description="Who runs what since when.")


class Credentials(Schema):
    username: str = Field(max_length=150, pattern=NO_NUL)
    password: str = Field(max_length=4096, pattern=NO_NUL)


class Token(Schema):
    token: str
    expires_at: float


class RunRequest(Schema):
    kind: Literal["full", "tags"] = "full"
    reembed: bool = Field(default=False, description="Encode every text again, also unchanged ones.")
    reason: str = Field(default="", max_length=MAX_REASON, pattern=NO_NUL, description="Why: kept with the run.")


class Started(Schema):
    status: Literal["started"] = "started"
    run: int


class Cancelling(Schema):
    status: Literal["cancelling", "cancelled"]
    run: int


class Progress(Schema):
    """The present stage of the active run; `seconds_left` is for the whole run."""

    done: int
    total: int
    rate: float | None = Field(description="Items a second.")
    percent: int | None
    seconds_left: float | None = Field(description="Judged by earlier runs like it; null: there is no basis.")
    earlier_runs: int = Field(description="How many earlier runs `seconds_left` goes by.")

    @classmethod
    def of(cls, progress: status.Progress) -> Progress:
        return cls(
            done=progress.done,
            total=progress.total,
            rate=progress.rate,
            percent=progress.percent,
            seconds_left=progress.seconds_left,
            earlier_runs=progress.left.runs,
        )


class Drift(Schema):
    """What the live version does not know yet: of the directory as it was at `as_of`, seconds ago."""

    grade: Literal["never", "current", "drifting", "stale", "unknown"] = Field(
        description="never: no version is live; unknown: its files cannot be read."
    )
    sentence: str
    version: int | None = Field(description="The live version, which is compared.")
    built_at: float | None
    as_of: float | None
    count: int | None = Field(description="Experts added, changed or removed.")
    share: float | None = Field(description="The same as a share of the version's experts.")
    added: int | None
    changed: int | None
    removed: int | None
    fields: dict[str, int] | None = Field(description="Field to how many experts changed in it.")


class IngestStatus(Schema):
    status: Outside
    log: str = Field(description="The end of the latest run's log, at most 64 KiB.")
    error: str | None
    started_at: float | None
    last_rebuild_at: float | None = Field(description="Changes only when a full rebuild is published.")
    expert_count_at_rebuild: int | None = Field(description="Changes only when a full rebuild is published.")
    run: int | None = Field(description="The latest run.")
    state: str | None = Field(description="Its state in full: queued, running, done, held, error, cancelled, lost.")
    stage: str | None
    progress: Progress | None
    version: int | None = Field(description="The live version.")
    drift: Drift


class Stage(Schema):
    stage: str
    seconds: float
    done: int
    rate: float | None
    summary: str


class Run(Schema):
    run: int
    kind: str
    reembed: bool
    status: Outside
    state: str
    requested_by: str
    via: str
    reason: str = Field(description="Why, as whoever asked for it put it; empty when nothing was said.")
    created_at: float
    started_at: float | None
    finished_at: float | None
    seconds: float | None
    cancel_requested_at: float | None
    cancel_reason: str
    stage: str | None
    stages: list[Stage] = Field(description="The stages that have ended, in order.")
    experts: int | None
    encoded: int | None
    reused: int | None
    peak_mb: int | None
    version: int | None
    error: str | None

    @classmethod
    def of(cls, run: RebuildRun) -> Run:
        return cls(
            run=run.pk,
            kind=run.kind,
            reembed=run.reembed,
            status=run.outside_state,
            state=run.state,
            requested_by=run.who,
            via=run.via,
            reason=run.reason,
            created_at=run.created_at.timestamp(),
            started_at=unix(run.started_at),
            finished_at=unix(run.finished_at),
            seconds=run.seconds,
            cancel_requested_at=unix(run.cancel_requested_at),
            cancel_reason=run.cancel_reason,
            stage=run.stage or None,
            stages=[Stage(**stage) for stage in run.stages],
            experts=run.experts,
            encoded=run.encoded,
            reused=run.reused,
            peak_mb=run.peak_mb,
            version=run.version_id,
            error=run.error or None,
        )


class Runs(Schema):
    runs: list[Run] = Field(description="The newest first.")
    next: int | None = Field(description="Ask for `before` this one to get older runs; null at the end.")


class LogLine(Schema):
    seq: int
    at: float
    level: str
    stage: str
    message: str

    @classmethod
    def of(cls, line: RunLogLine) -> LogLine:
        return cls(seq=line.seq, at=line.at.timestamp(), level=line.level, stage=line.stage, message=line.message)


class LogLines(Schema):
    lines: list[LogLine]
    next: int = Field(description="Ask for what comes `after` this one.")
    end: bool = Field(description="The run has ended and these are its last lines; only its map may add one yet.")


class Computing(Schema):
    status: Literal["computing"] = "computing"
    progress: float | None = Field(None, description="0 to 1; left out while nobody knows.")


class Point(Schema):
    x: float
    y: float
    username: str
    name: str
    category: str


class EmbeddingMap(Schema):
    version: int
    points: list[Point]


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
    def of(cls, expert: Expert) -> ExpertCard:
        stored = {name: getattr(expert, name) for name in cls.model_fields if name != "name"}
        links = {"profile_url": expert.profile_link, "photo_url": expert.photo_link}  # a client makes links of them
        return cls(name=expert.full_name, **stored | links)


class SearchHit(Plain):
    expert: ExpertCard
    score: float
    similarity: float | None = Field(description="Cosine of query and profile.")
    semantic_rank: int | None
    keyword_rank: int | None
    highlights: dict[str, str] = Field(
        default={},
        description="name, job_title, company, bio: HTML, escaped, the query's words in <mark>; of a long bio an "
        "excerpt. Only fields that have a word of the query.",
    )
    common_tags: list[str] = Field(default=[], description="Tags of the expert that have a word of the query.")

    @classmethod
    def of(cls, hit: Hit, marker: Marker | None = None) -> SearchHit:
        measured: dict[str, Any] = {
            name: getattr(hit, name) for name in ("score", "similarity", "semantic_rank", "keyword_rank")
        }
        if marker is not None:
            measured["highlights"] = marker.highlights(hit.expert)
            measured["common_tags"] = marker.common_tags([tag.name for tag in hit.tags])
        return cls(expert=ExpertCard.of(hit.expert), **measured)


class SearchFilters(Schema):
    tag: list[str] = Field(default=[], description="Name of a tag; may be repeated.")
    match: Literal["any", "all"] = Field(default="any", description="Whether one of the tags is enough.")
    industry: list[str] = Field(default=[], description="Name of a tag of that kind; repeated: one is enough.")
    category: list[str] = Field(default=[], description="May be repeated; one is enough.")
    rate_min: float | None = Field(default=None, ge=0, description="Lowest hourly rate, in `currency`.")
    rate_max: float | None = Field(default=None, ge=0, description="Highest hourly rate, in `currency`.")
    currency: str = Field(default="", max_length=3, description="ISO code: only experts with a rate in it.")
    photo: bool = Field(default=False, description="Only experts with a photo.")


class FacetValue(Plain):
    name: str
    count: int


class Facets(Plain):
    """How many of the query's matches have each value: of the active experts among the first 500 by meaning and the
    first 500 by words under the filters. Values of which one is enough are counted under the other filters only."""

    matches: int
    tags: list[FacetValue]
    industries: list[FacetValue]
    categories: list[FacetValue]
    currencies: list[FacetValue]
    photo: int

    @classmethod
    def of(cls, counts: FacetCounts) -> Facets:
        lists: dict[str, Any] = {
            name: [FacetValue(name=value.name, count=value.count) for value in getattr(counts, name)]
            for name in ("tags", "industries", "categories", "currencies")
        }
        return cls(matches=counts.matches, photo=counts.photo, **lists)


class SearchResults(Plain):
    query: str
    mode: str
    version: int = Field(description="The version of the index that answered.")
    seconds: float
    hits: list[SearchHit]
    facets: Facets | None = None

    @classmethod
    def of(cls, results: Results, facets: FacetCounts | None = None, marker: Marker | None = None) -> SearchResults:
        return cls(
            query=results.query,
            mode=results.mode,
            version=results.version,
            seconds=results.seconds,
            hits=[SearchHit.of(hit, marker) for hit in results.hits],
            facets=Facets.of(facets) if facets else None,
        )


class SuggestionOut(Schema):
    kind: Literal["person", "title", "company", "tag"]
    text: str = Field(description="What to search for.")
    detail: str = Field(description="Of a person: username and title.")


class Suggested(Schema):
    q: str
    suggestions: list[SuggestionOut]

    @classmethod
    def of(cls, q: str, suggestions: Sequence[Suggestion]) -> Suggested:
        made: list[dict[str, Any]] = [
            {name: getattr(each, name) for name in ("kind", "text", "detail")} for each in suggestions
        ]
        return cls(q=q, suggestions=[SuggestionOut(**each) for each in made])

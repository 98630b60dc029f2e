"""Versions as the API describes them, and decisions about them. Times are Unix seconds."""

from __future__ import annotations

from typing import Annotated

from ninja import Field, Schema
from pydantic import StringConstraints

from indexing.api.schemas.common import NO_NUL
from indexing.audit import MAX_REASON
from indexing.lib.times import unix
from indexing.models import IndexVersion, Publication, RebuildRun


class ReasonRequest(Schema):
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON, pattern=NO_NUL)
    ] = Field(description="Reason, saved with the version.")


class Pinned(Schema):
    version: int
    pinned: bool


class Decided(Schema):
    version: int
    state: str = Field(description="The new state: live, held, kept or deleted.")
    live: int | None = Field(description="The live version.")


class Released(Schema):
    released: bool


class Period(Schema):
    """A period in which a version was live."""

    how: str = Field(
        description="run: published automatically after its run; approved: by a person; rollback: rolled back to; "
        "undo: live again because what replaced it was undone."
    )
    at: float
    until: float | None
    by: str
    reason: str

    @classmethod
    def from_publication(cls, publication: Publication) -> Period:
        return cls(
            how=publication.how,
            at=publication.at.timestamp(),
            until=unix(publication.until),
            by=publication.name,
            reason=publication.reason,
        )


class Pin(Schema):
    """A pinned version is never deleted, and does not count towards the versions to keep."""

    at: float
    by: str
    reason: str

    @classmethod
    def from_version(cls, version: IndexVersion) -> Pin | None:
        if version.pinned_at is None:
            return None
        return cls(at=version.pinned_at.timestamp(), by=version.pinned_name, reason=version.pinned_reason)


class SearchTests(Schema):
    """What the search tests made of a version when it was built."""

    tests: int
    failed: int = Field(description="Tests that miss an expected expert or show an unwanted one.")
    score: float | None = Field(description="Mean nDCG@10, 0 to 1: 1 if every test shows its experts first.")
    compared_with: int | None = Field(description="The version that was live then.")
    score_before: float | None = Field(description="That version's score in the same tests.")

    @classmethod
    def from_version(cls, version: IndexVersion) -> SearchTests | None:
        figures = version.test_figures
        return cls(**figures.as_row()) if figures else None


class Version(Schema):
    version: int
    state: str = Field(description="building, held, live, kept or deleted.")
    created_at: float
    experts: int
    bytes: int
    model: str
    dimension: int
    run: int | None = Field(description="The run that built it.")
    search_tests: SearchTests | None = Field(description="Null if no search test was active when it was built.")
    pinned: Pin | None
    publications: list[Period] = Field(description="Latest first.")

    @classmethod
    def from_version(cls, version: IndexVersion) -> Version:
        run: RebuildRun | None = getattr(version, "run", None)
        return cls(
            version=version.number,
            state=version.state,
            created_at=version.created_at.timestamp(),
            experts=version.expert_count,
            bytes=version.bytes,
            model=version.model_name,
            dimension=version.dimension,
            run=run.pk if run else None,
            search_tests=SearchTests.from_version(version),
            pinned=Pin.from_version(version),
            publications=[Period.from_publication(each) for each in version.publications.all()],
        )


class Sweep(Schema):
    """Which versions will be deleted next, and when."""

    keep: int = Field(description="How many versions are kept, including the live one, plus pinned ones.")
    after_next_run: list[int] = Field(
        description="Versions that will be deleted after the next run: there are too many already."
    )
    with_next_version: list[int] = Field(description="Versions that will be deleted once another one is published.")
    leftovers: list[str] = Field(
        description="Folders and files that belong to no kept version; they will be deleted after the next run."
    )
    foreign: list[str] = Field(
        description="Folders and files that belong to no version and that another database wrote, or may have "
        "written; they are never deleted."
    )


class Versions(Schema):
    live: int | None
    schedule_on_hold: bool = Field(description="Scheduled rebuilds are paused since a rollback.")
    sweep: Sweep
    versions: list[Version]
    next: int | None = Field(description="Pass as `before` to get older versions; null at the end.")

"""What the API takes and gives of versions and of the gate. Times are unix seconds."""

from __future__ import annotations

from typing import Annotated

from ninja import Field, Schema
from pydantic import StringConstraints

from indexing.api.schemas.common import NO_NUL, Run, unix
from indexing.models import IndexVersion, Publication, RebuildRun
from indexing.reasons import MAX_REASON


class ReasonRequest(Schema):
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON, pattern=NO_NUL)
    ] = Field(description="Why: kept with the version.")


class Pinned(Schema):
    version: int
    pinned: bool


class Decided(Schema):
    version: int
    state: str = Field(description="What it is now: live, held, retired (kept) or removed.")
    live: int | None = Field(description="The live version.")


class Released(Schema):
    released: bool


class Period(Schema):
    """One time that a version was live."""

    how: str = Field(description="run: published by its run; approved: by a person; rollback: rolled back to.")
    at: float
    until: float | None
    by: str
    reason: str

    @classmethod
    def of(cls, publication: Publication) -> Period:
        return cls(
            how=publication.how,
            at=publication.at.timestamp(),
            until=unix(publication.until),
            by=publication.name,
            reason=publication.reason,
        )


class Pin(Schema):
    """A pinned version is never swept and takes no other one's place."""

    at: float
    by: str
    reason: str

    @classmethod
    def of(cls, version: IndexVersion) -> Pin | None:
        if version.pinned_at is None:
            return None
        return cls(at=version.pinned_at.timestamp(), by=version.pinned_name, reason=version.pinned_reason)


class Version(Schema):
    version: int
    state: str = Field(description="building, held, live, retired (kept) or removed.")
    created_at: float
    experts: int
    bytes: int
    model: str
    dimension: int
    run: int | None = Field(description="The run that built it.")
    pinned: Pin | None
    publications: list[Period] = Field(description="The latest first.")

    @classmethod
    def of(cls, version: IndexVersion) -> Version:
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
            pinned=Pin.of(version),
            publications=[Period.of(each) for each in version.publications.all()],
        )


class Sweep(Schema):
    """What goes next, and when."""

    keep: int = Field(description="How many are kept, the live one among them; pinned ones besides.")
    after_next_run: list[int] = Field(description="Versions that go after the next run: there are too many already.")
    with_next_version: list[int] = Field(description="Versions that go once another one is published.")
    leftovers: list[str] = Field(description="Folders and files of no kept version; they go after the next run.")


class Versions(Schema):
    live: int | None
    schedule_on_hold: bool = Field(description="Scheduled runs wait since a rollback.")
    sweep: Sweep
    versions: list[Version]
    next: int | None = Field(description="Ask for `before` this one to get older versions; null at the end.")


class Verdict(Schema):
    rule: str
    sentence: str
    value: float | None = Field(description="null: there was nothing to judge.")
    limit: float
    passed: bool
    warning: bool = Field(description="Holds nothing, even when not passed.")


class AskedQuery(Schema):
    text: str
    k: int
    missing: list[str] = Field(description="Expected experts who are not within the first k.")
    before: list[str] = Field(description="Usernames of the hits of the version that was live, best first.")
    after: list[str]
    overlap: float | None


class Gate(Schema):
    """The gate's report. Names and queries are bounded, their counts are whole."""

    passed: bool
    live_number: int | None = Field(description="Compared with; null: there was nothing to compare with.")
    verdicts: list[Verdict]
    lost: list[str]
    lost_count: int
    gained: list[str]
    gained_count: int
    queries: list[AskedQuery]
    queries_count: int


class RunInFull(Run):
    gate: Gate | None = Field(default=None, description="null where the run reached no gate.")

    @classmethod
    def of(cls, run: RebuildRun) -> RunInFull:
        return cls(**Run.of(run).dict(), gate=Gate(**run.gate) if run.gate else None)

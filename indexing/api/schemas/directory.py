"""Imports of experts, as programs see them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from ninja import Field, Schema

from experts.importing.columns import HEADINGS
from experts.importing.encodings import ENCODINGS
from experts.importing.options import ImportOptions
from experts.importing.plan import ExpertChange, ImportPlan
from experts.importing.stored_uploads import StoredUpload
from experts.models import Expert
from indexing.api.schemas.common import NO_NUL

LISTED = 1_000
"""Rows and experts that are listed; the counts are complete."""
LONGEST = 1_000
"""Characters of a value that are shown: else two bios of each listed expert might be tens of megabytes."""


class ImportChoices(Schema):
    """How to read the file; what is left out is worked out from it."""

    sync: bool = Field(False, description="Make the file the full list: everyone not in it is deactivated.")
    encoding: str = Field("", max_length=20, description=f"One of {', '.join(ENCODINGS)}.")
    delimiter: Literal["", ",", ";", "\t", "|"] = Field("", description="Of a CSV file.")
    sheet: str = Field("", max_length=200, pattern=NO_NUL, description="Of a spreadsheet.")
    header_line: int = Field(0, ge=0, le=10_000, description="The line with the column names.")
    decimal: Literal["", ".", ","] = Field("", description="What stands before the cents.")
    dates: Literal["", "day", "month"] = Field("", description="What comes first in 03/04/2024.")
    same_names: Literal["", "refuse", "suffix", "same", "skip"] = Field(
        "", description="What happens to rows whose username only reads like that of another expert."
    )
    drop_bad_urls: bool = Field(False, description="Leave out web addresses that are not valid.")
    columns: list[Annotated[str, Field(pattern=f"^({'|'.join(HEADINGS)})?$")]] = Field(
        [], max_length=500, description="The field of each column of the file; empty for one that is not read."
    )

    def options(self) -> ImportOptions:
        return ImportOptions.from_stored(self.dict())


class ColumnOut(Schema):
    name: str
    field: str = Field(description="The field that it fills; empty for one that is not read.")


class RejectionOut(Schema):
    line: int
    field: str
    value: str
    fix: str = Field(description="What is wrong with the value and how to fix it.")


class ConflictOut(Schema):
    line: int
    username: str
    other: str = Field(description="The username that reads the same.")
    why: str
    outcome: str = Field(description="What happens to the row: see `same_names`.")


class ExpertRef(Schema):
    username: str
    name: str
    job_title: str

    @staticmethod
    def resolve_name(of: Any) -> str:
        """Of an expert of the file, or of one who is missing from it."""
        return str(of.full_name if isinstance(of, Expert) else of.name)


class FieldChangeOut(Schema):
    field: str
    before: str | None = Field(description="null for none, and for contacts without the permission to see them.")
    after: str | None = Field(description=f"Of this and the other, the first {LONGEST} characters.")


class ChangedExpert(Schema):
    username: str
    name: str
    job_title: str
    fields: list[FieldChangeOut]

    @classmethod
    def from_change(cls, change: ExpertChange, hidden: Collection[str]) -> ChangedExpert:
        """Of the `hidden` fields, what the directory has is left out."""
        fields = [
            FieldChangeOut(field=name, before=None if name in hidden else _start(before), after=_start(after))
            for name, (before, after) in change.fields.items()
        ]
        return cls(username=change.username, name=change.name, job_title=change.job_title, fields=fields)


def text(value: object) -> str | None:
    """A value of a field."""
    return None if value is None else str(value)


def _start(value: object) -> str | None:
    return None if value is None else str(value)[:LONGEST]


class ImportCountsOut(Schema):
    new: int
    changed: int
    unchanged: int
    missing: int
    rejected: int
    skipped: int


class ImportPreview(Schema):
    """What importing the file would do; nothing has been imported."""

    id: str = Field(description="For the request that applies it, within a day.")
    digest: str = Field(description="Send it back to apply exactly what this shows.")
    counts: ImportCountsOut
    deactivated: int
    needs_confirmation: bool = Field(
        description="It deactivates a large part of the directory: send the number back."
    )
    needs_choice: bool = Field(description="Numbers can be read in two ways: upload again with `decimal`.")
    kind: str
    encoding: str
    delimiter: str
    sheet: str
    header_line: int
    columns: list[ColumnOut]
    notices: list[str]
    rejections: list[RejectionOut]
    conflicts: list[ConflictOut]
    new: list[ExpertRef]
    changed: list[ChangedExpert]
    missing: list[ExpertRef] = Field(description="Active experts who are not in the file.")

    @classmethod
    def from_plan(cls, upload: StoredUpload, plan: ImportPlan, hidden: Collection[str]) -> ImportPreview:
        """`hidden`: the fields of which the caller may not see what the directory has."""
        table = plan.table
        about: dict[str, Any] = {
            name: getattr(table.format, name) for name in ("kind", "encoding", "delimiter", "sheet")
        }
        return cls(
            id=upload.token,
            digest=plan.digest,
            counts=ImportCountsOut.from_orm(plan.counts),
            deactivated=len(plan.deactivated),
            needs_confirmation=plan.needs_confirmation,
            needs_choice=plan.needs_choice,
            header_line=table.header.line,
            columns=[
                ColumnOut(name=name, field=field)
                for name, field in zip(table.header.names, table.header.fields, strict=True)
            ],
            notices=table.notices(),
            rejections=[RejectionOut.from_orm(each) for each in plan.rejected[:LISTED]],
            conflicts=[ConflictOut.from_orm(each) for each in plan.conflicts[:LISTED]],
            new=[ExpertRef.from_orm(each) for each in plan.new[:LISTED]],
            changed=[ChangedExpert.from_change(each, hidden) for each in plan.changed[:LISTED]],
            missing=[ExpertRef.from_orm(each) for each in plan.missing[:LISTED]],
            **about,
        )


class ApplyImport(Schema):
    digest: str = Field(max_length=64, description="From the preview.")
    skip_bad: bool = Field(False, strict=True, description="Import the good rows, and leave out those with errors.")
    deactivate: int | None = Field(
        None, strict=True, ge=0, le=2**31 - 1, description="How many experts are deactivated."
    )


class ImportDone(Schema):
    number: int = Field(description="For the request that undoes it.")
    counts: ImportCountsOut
    deactivated: int


class LeftAloneOut(Schema):
    username: str
    why: str


class FieldConflictOut(Schema):
    username: str
    field: str
    now: str | None = Field(description="null for none, and for contacts without the permission to see them.")
    before: str | None = Field(description="Before the import; null likewise.")


class ImportUndone(Schema):
    deleted: int
    restored: int
    activated: int
    left_alone: list[LeftAloneOut] = Field(description="New experts who were changed since and stay as they are.")
    conflicts: list[FieldConflictOut] = Field(description="Values that were changed since and stay as they are.")

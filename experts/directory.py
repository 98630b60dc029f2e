"""The directory as a build reads it: the active experts at one moment."""

from __future__ import annotations

from django.db.models import FilteredRelation, Q

from experts.models import Expert, ExpertTag
from experts.profile import ExpertRecord

ROWS_AT_ONCE = 2_000
COLUMNS = (
    "id",
    "username",
    "first_name",
    "last_name",
    "job_title",
    "company",
    "bio",
    "hourly_rate",
    "currency",
    "category",
    "photo_url",
    "tagged_for",
)


def read_active() -> list[ExpertRecord]:
    """The active experts with their manual tags, ordered by id.

    It is one SELECT, because one statement sees one moment on every database, while a second one (for the
    tags) could see a later moment: an expert of both would then never have existed. So the manual tags are
    joined, an expert with three of them comes as three rows, and the rows are folded here.
    """
    rows = (
        Expert.objects.active()
        .annotate(manual=FilteredRelation("expert_tags", condition=Q(expert_tags__source=ExpertTag.Source.MANUAL)))
        .order_by("pk", "manual__tag_id")
        .values_list(*COLUMNS, "manual__tag_id")
        .iterator(chunk_size=ROWS_AT_ONCE)
    )
    records: list[ExpertRecord] = []
    current: tuple[object, ...] | None = None
    tags: list[int] = []
    for *columns, tag in rows:
        if current is not None and columns[0] != current[0]:
            records.append(_record(current, tags))
            tags = []
        current = tuple(columns)
        if tag is not None:
            tags.append(tag)
    if current is not None:
        records.append(_record(current, tags))
    return records


def _record(columns: tuple[object, ...], manual_tags: list[int]) -> ExpertRecord:
    values: dict[str, object] = dict(zip(COLUMNS, columns, strict=True))
    values["has_photo"] = bool(values.pop("photo_url"))
    return ExpertRecord(**values, manual_tags=tuple(manual_tags))  # type: ignore[arg-type]

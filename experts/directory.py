"""The directory as a build reads it: the active experts at one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import BigIntegerField, Case, CharField, F, FilteredRelation, Q, Value, When
from django.db.models.functions import Cast, Coalesce, Round

from experts.models import Expert, ExpertTag
from experts.profiles.text import ExpertRecord, Row

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


def read_active(only: Collection[int] | None = None) -> list[ExpertRecord]:
    """The active experts with their manual tags, ordered by id; of a few ids `only` those.

    It is one SELECT, because one statement sees one moment on every database, while a second one (for the
    tags) could see a later moment: an expert of both would then never have existed. So the manual tags are
    joined, an expert with three of them comes as three rows, and the rows are folded here.
    """
    rows = (
        (Expert.objects.active() if only is None else Expert.objects.active().filter(pk__in=only))
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


def read_rows() -> Iterator[Row]:
    """The same as they stand in the database, in any order: the active experts and all tags given by hand.

    One statement too, hence one moment; the tags are rows of their own, since a join would look for tags of
    every expert. All but the id comes as text (the rate in whole cents), which needs no conversion row by row, and
    as plain tuples of the columns of `Row`: both together take a third of the time away.
    """
    texts = ("username", "first_name", "last_name", "job_title", "company", "bio")
    photo = Case(When(photo_url="", then=Value("")), default=Value("1"), output_field=CharField())
    whole = Cast(Cast(Round(F("hourly_rate") * 100), BigIntegerField()), CharField())
    experts = (
        Expert.objects.active()
        .order_by()
        .annotate(tag=Value("", CharField()), photo=photo, cents=Coalesce(whole, Value("")))
        .values_list("id", "tag", *texts, "cents", "currency", "category", "photo")
    )
    nothing = {f"no_{name}": Value("", CharField()) for name in Row._fields[2:]}
    tags = (
        ExpertTag.objects.filter(source=ExpertTag.Source.MANUAL)
        .order_by()
        .annotate(given=Cast("tag_id", CharField()), **nothing)
        .values_list("expert_id", "given", *nothing)
    )
    return experts.union(tags, all=True).iterator(chunk_size=ROWS_AT_ONCE)


def _record(columns: tuple[object, ...], manual_tags: list[int]) -> ExpertRecord:
    values: dict[str, object] = dict(zip(COLUMNS, columns, strict=True))
    values["has_photo"] = bool(values.pop("photo_url"))
    return ExpertRecord(**values, manual_tags=tuple(manual_tags))  # type: ignore[arg-type]

"""Reads the directory for a build or a comparison: all active experts, as they are at one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection
from django.db.models import BigIntegerField, Case, CharField, F, FilteredRelation, Q, TextField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, Concat, Round

from experts.models import Document, Expert, ExpertTag
from experts.profiles.hashes import DOCUMENT, DirectoryRow
from experts.profiles.records import ExpertRecord

ROWS_AT_ONCE = 2_000
_DOCUMENTS = f'FROM "{Document._meta.db_table}" WHERE text <> \'\' AND expert_id = "{Expert._meta.db_table}".id'
_TEXTS = {
    "sqlite": f"(SELECT group_concat(text, char(12)) FROM (SELECT text {_DOCUMENTS} ORDER BY text_hash, id))",
    "postgresql": f"(SELECT string_agg(text, chr(12) ORDER BY text_hash, id) {_DOCUMENTS})",
}
"""The texts of an expert's documents, with `records.DOCUMENT_END` between them."""
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
    "photo_file",
    "tagged_for",
    "city",
    "country",
    "languages",
    "available_from",
)


def read_active(only: Collection[int] | None = None) -> list[ExpertRecord]:
    """The active experts with their manual tags, ordered by id; with `only`, those of these (few) ids."""
    return list(each_active(only))


def each_active(only: Collection[int] | None = None) -> Iterator[ExpertRecord]:
    """What `read_active` returns, one after another: a large directory need not be in memory.

    It is a single SELECT, because one statement sees one moment on every database. A second one for the tags could
    see a later moment, and so return an expert as they never were. The manual tags are therefore joined: an expert
    with three of them comes as three rows, which are merged here.
    """
    rows = (
        (Expert.objects.active() if only is None else Expert.objects.active().filter(pk__in=only))
        .annotate(document_texts=RawSQL(_TEXTS[connection.vendor], (), TextField()))
        .annotate(manual=FilteredRelation("expert_tags", condition=Q(expert_tags__source=ExpertTag.Source.MANUAL)))
        .order_by("pk", "manual__tag_id")
        .values_list(*COLUMNS, "document_texts", "manual__tag_id")
        .iterator(chunk_size=ROWS_AT_ONCE)
    )
    current: tuple[object, ...] | None = None
    tags: list[int] = []
    for *columns, tag in rows:
        if current is not None and columns[0] != current[0]:
            yield _record(current, tags)
            tags = []
        current = tuple(columns)
        if tag is not None:
            tags.append(tag)
    if current is not None:
        yield _record(current, tags)


def read_rows() -> Iterator[DirectoryRow]:
    """The active experts, all manual tags and all documents as rows of `DirectoryRow`, in any order.

    It is a single statement too, so all rows are of one moment. The tags are rows of their own, since a join would
    look for the tags of every expert. All columns but the id come as text (the rate in whole cents), which needs no
    conversion, and as plain tuples: together that saves a third of the time.
    """
    texts = ("username", "first_name", "last_name", "job_title", "company", "bio")
    places = ("city", "country", "languages")
    photo = Case(When(photo_url="", photo_file="", then=Value("")), default=Value("1"), output_field=CharField())
    whole = Cast(Cast(Round(F("hourly_rate") * 100), BigIntegerField()), CharField())
    experts = (
        Expert.objects.active()
        .order_by()
        .annotate(tag=Value("", CharField()), photo=photo, cents=Coalesce(whole, Value("")))
        .annotate(available=Coalesce(Cast("available_from", CharField()), Value("")))
        .values_list("id", "tag", *texts, "cents", "currency", "category", "photo", *places, "available")
    )
    nothing = {f"no_{name}": Value("", CharField()) for name in DirectoryRow._fields[2:]}
    tags = (
        ExpertTag.objects.filter(source=ExpertTag.Source.MANUAL)
        .order_by()
        .annotate(given=Cast("tag_id", CharField()), **nothing)
        .values_list("expert_id", "given", *nothing)
    )
    documents = (
        Document.objects.exclude(text_hash="")
        .order_by()
        .annotate(marked=Concat(Value(DOCUMENT), "text_hash"), **nothing)
        .values_list("expert_id", "marked", *nothing)
    )
    return experts.union(tags, documents, all=True).iterator(chunk_size=ROWS_AT_ONCE)


def _record(columns: tuple[object, ...], manual_tags: list[int]) -> ExpertRecord:
    *own, documents = columns
    values: dict[str, object] = dict(zip(COLUMNS, own, strict=True))
    values["has_photo"] = any([values.pop("photo_url"), values.pop("photo_file")])
    return ExpertRecord(**values, manual_tags=tuple(manual_tags), documents=documents or "")  # type: ignore[arg-type]

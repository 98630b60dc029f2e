"""Experts as they are shown among the hits of a search: with their tags, in one query for a page of them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from experts.models import Expert, ExpertTag, Tag

UNSEEN = ("is_active", "created_at", "updated_at", "tagged_for")
"""Columns that no card shows: they stay deferred, since turning text into times takes longer than the query."""

_PAIRS = {
    "sqlite": "json_group_array(json_array(tag.kind, tag.name))",
    "postgresql": "CAST(json_agg(json_build_array(tag.kind, tag.name)) AS text)",
}
_TAGS = (
    f'(SELECT {{pairs}} FROM "{ExpertTag._meta.db_table}" held '
    f'JOIN "{Tag._meta.db_table}" tag ON tag.id = held.tag_id WHERE held.expert_id = "{Expert._meta.db_table}"."id")'
)
"""By hand: a row for each tag of each expert takes twice as long, what Django prefetches three times."""


@dataclass(frozen=True, slots=True)
class TagName:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Card:
    expert: Expert
    tags: tuple[TagName, ...]
    """by kind, then by name"""


def read(ids: Collection[int]) -> dict[int, Card]:
    """Id to card, of the active ones among `ids`."""
    names = [field.attname for field in Expert._meta.concrete_fields if field.attname not in UNSEEN]
    tags = RawSQL(_TAGS.format(pairs=_PAIRS[connection.vendor]), (), TextField())  # noqa: S611  nothing of a user
    rows = Expert.objects.active().filter(pk__in=ids).order_by().annotate(held=tags).values_list(*names, "held")
    return {values[0]: Card(Expert.from_db(rows.db, names, values), _tags(held)) for *values, held in rows}


def _tags(held: str | None) -> tuple[TagName, ...]:
    return tuple(TagName(name, kind) for kind, name in sorted(json.loads(held or "[]")))

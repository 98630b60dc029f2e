"""Experts as the results of a search show them: with their tags, all of a page in one query.

The statement is written by hand because every search runs it: Django would build the same query each time, which
takes as long as running it. One row per expert and tag takes twice as long, and Django's prefetch three times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection

from experts.models import CONTACT, Expert, ExpertTag, Tag

UNSEEN = (
    *("is_active", "created_at", "updated_at", "tagged_for", "search_text", "photo_fetched_from"),
    *(*CONTACT, "availability", "available_from", "links"),
)
"""Columns that no card shows. They stay deferred: converting their text to times takes longer than the query, and who
sees a card need not have the right to see a contact."""

_FIELDS = [field for field in Expert._meta.concrete_fields if field.attname not in UNSEEN]
_NAMES = [field.attname for field in _FIELDS]
_PAIRS = {
    "sqlite": "json_group_array(json_array(tag.kind, tag.name))",
    "postgresql": "CAST(json_agg(json_build_array(tag.kind, tag.name)) AS text)",
}


@dataclass(frozen=True, slots=True)
class TagName:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Card:
    expert: Expert
    tags: tuple[TagName, ...]
    """by kind, then by name"""


def read_cards(ids: Collection[int]) -> dict[int, Card]:
    """Expert id -> card, for those of `ids` that belong to active experts."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor, len(ids)), list(ids))
        rows = cursor.fetchall()
    converters = _converters(connection.vendor)
    cards = {}
    for *values, tags in rows:
        for place, column, convert in converters:
            values[place] = convert(values[place], column, connection)
        expert = Expert.from_db(connection.alias, _NAMES, values)
        cards[expert.pk] = Card(expert, _tags(tags))
    return cards


@cache
def _statement(vendor: str, count: int) -> str:
    columns = ", ".join(f'expert."{field.column}"' for field in _FIELDS)
    return (
        f"SELECT {columns}, (SELECT {_PAIRS[vendor]} "
        f'FROM "{ExpertTag._meta.db_table}" given JOIN "{Tag._meta.db_table}" tag ON tag.id = given.tag_id '
        f'WHERE given.expert_id = expert.id) FROM "{Expert._meta.db_table}" expert '
        f"WHERE expert.is_active AND expert.id IN ({', '.join(['%s'] * count)})"
    )


@cache
def _converters(vendor: str) -> list[tuple[int, Any, Callable[..., Any]]]:
    """(place in the row, column, function) for each conversion that Django makes, such as of the rate in SQLite."""
    columns = [field.get_col(Expert._meta.db_table) for field in _FIELDS]
    return [
        (place, column, convert)
        for place, column in enumerate(columns)
        for convert in connection.ops.get_db_converters(column) + column.get_db_converters(connection)
    ]


def _tags(tags: str | None) -> tuple[TagName, ...]:
    return tuple(TagName(name, kind) for kind, name in sorted(json.loads(tags or "[]")))

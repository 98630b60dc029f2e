"""Experts as they are shown among the hits of a search: with their tags, in one query for a page of them.

By hand, since each search does it: Django puts the same query together anew each time, which takes as long as running
it; a row for each tag of each expert takes twice as long as the query here, what Django prefetches three times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection

from experts.models import Expert, ExpertTag, Tag

UNSEEN = ("is_active", "created_at", "updated_at", "tagged_for")
"""Columns that no card shows: they stay deferred, since turning text into times takes longer than the query."""

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


def read(ids: Collection[int]) -> dict[int, Card]:
    """Id to card, of the active ones among `ids`."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor, len(ids)), list(ids))
        rows = cursor.fetchall()
    converters = _converters(connection.vendor)
    cards = {}
    for *values, held in rows:
        for place, column, convert in converters:
            values[place] = convert(values[place], column, connection)
        expert = Expert.from_db(connection.alias, _NAMES, values)
        cards[expert.pk] = Card(expert, _tags(held))
    return cards


@cache
def _statement(vendor: str, count: int) -> str:
    columns = ", ".join(f'expert."{field.column}"' for field in _FIELDS)
    return (
        f"SELECT {columns}, (SELECT {_PAIRS[vendor]} "
        f'FROM "{ExpertTag._meta.db_table}" held JOIN "{Tag._meta.db_table}" tag ON tag.id = held.tag_id '
        f'WHERE held.expert_id = expert.id) FROM "{Expert._meta.db_table}" expert '
        f"WHERE expert.is_active AND expert.id IN ({', '.join(['%s'] * count)})"
    )


@cache
def _converters(vendor: str) -> list[tuple[int, Any, Callable[..., Any]]]:
    """Where Django makes something else of what the database gives, what by: under SQLite of the rate."""
    columns = [field.get_col(Expert._meta.db_table) for field in _FIELDS]
    return [
        (place, column, convert)
        for place, column in enumerate(columns)
        for convert in connection.ops.get_db_converters(column) + column.get_db_converters(connection)
    ]


def _tags(held: str | None) -> tuple[TagName, ...]:
    return tuple(TagName(name, kind) for kind, name in sorted(json.loads(held or "[]")))

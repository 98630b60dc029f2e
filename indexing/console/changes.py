"""What changed of an expert, in words: for the drift page and for the comparison of two versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Generic, Self, TypeVar

from django.core.paginator import Paginator
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts import iso_codes
from experts.models import Expert, Tag
from experts.profiles.labels import FIELD_NAMES
from indexing.console import text_diff
from indexing.console.text_diff import Piece, Side
from indexing.versions.changes import FieldChange, ListedExpert

Kind = TypeVar("Kind", bound=str)
"""The names of a page's lists."""

PEOPLE_ON_A_PAGE = 25
MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One changed field, as the page shows it. A side is None if its version did not store the field."""

    name: str
    before: Side | None
    after: Side | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of a list of people. `expert` is None if the directory no longer has the person."""

    name: str
    detail: str
    """Job title and company, to tell people of one name apart."""
    expert: Expert | None
    fields: Sequence[FieldRow] = ()


@dataclass(frozen=True, slots=True)
class OpenList(Generic[Kind]):
    """Which list of people is open on a page with several, and what it is filtered by."""

    kind: Kind
    words: str
    field: str
    """only people with a change in this field; empty for all"""

    @classmethod
    def from_address(cls, address: QueryDict, counts: Mapping[Kind, int], fields: Collection[str]) -> Self:
        """The list that the address names, or else the first one that is not empty."""
        first = next((kind for kind, count in counts.items() if count), next(iter(counts)))
        kind = next((kind for kind in counts if kind == address.get("list")), first)
        field = address.get("field", "")
        return cls(
            kind=kind,
            words=address.get("q", "").replace("\0", "")[:MAX_WORDS].strip(),
            field=field if kind == "changed" and field in fields else "",
        )

    def address(self, **others: Any) -> str:
        """The query string of this list, with `others` before it."""
        parameters = others | {"list": self.kind, "q": self.words, "field": self.field}
        return urlencode({name: value for name, value in parameters.items() if value})

    def context(
        self, people: Sequence[Any], page: str | None, counts: Mapping[Kind, int], fields: Mapping[str, int]
    ) -> dict[str, Any]:
        """The context of a list, without its rows; they are made of the members in `page.object_list`."""
        return {
            "counts": counts,
            "kind": self.kind,
            "words": self.words,
            "field": self.field,
            "page": Paginator(people, PEOPLE_ON_A_PAGE).get_page(page),
            "fields": [(name, FIELD_NAMES[name], count) for name, count in fields.items()],
        }


def person_rows(people: Sequence[ListedExpert]) -> list[PersonRow]:
    """The lines of a list. Somebody whose name is not stored anywhere is shown by their number."""
    unnamed = _("Expert %(id)s (name not stored)")
    fields = field_rows(person.changes for person in people)
    return [
        PersonRow(person.name or unnamed % {"id": person.id}, person.detail, person.expert, rows)
        for person, rows in zip(people, fields, strict=True)
    ]


def field_rows(people: Iterable[Iterable[FieldChange]]) -> list[list[FieldRow]]:
    """The rows of each person's changes. Reads the names of all tags in them with one query."""
    changes = [list(each) for each in people]
    ids = {
        int(each)
        for person in changes
        for change in person
        if change.field == "manual_tags"
        for each in f"{change.before or ''} {change.after or ''}".split()
    }
    tags = dict(Tag.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    return [[_field_row(change, tags) for change in person] for person in changes]


def field_text(field: str, value: str, tags: Mapping[int, str]) -> str:
    """A value of `experts.profiles.records.FIELDS` for people. `tags`: id -> name."""
    if field == "name":
        return " ".join(value.split("\0")).strip()
    if field == "rate" and value:
        return f"{Decimal(value):.2f}"
    if field == "photo":
        return _("yes") if value else _("no")
    if field == "documents":
        count = len(value.split())
        return ngettext("%s document", "%s documents", count) % count if count else ""
    if field == "country":
        return iso_codes.country_name(value)
    if field == "languages":
        return ", ".join(map(iso_codes.language_name, value.split()))
    if field == "available_from" and value:
        return date_format(date.fromisoformat(value))
    if field == "manual_tags":
        return ", ".join(sorted(tags.get(int(each), _("a deleted tag")) for each in value.split()))
    return value


def _field_row(change: FieldChange, tags: Mapping[int, str]) -> FieldRow:
    name = str(FIELD_NAMES[change.field])
    before = None if change.before is None else field_text(change.field, change.before, tags)
    after = None if change.after is None else field_text(change.field, change.after, tags)
    if before is None or after is None:
        return FieldRow(name, _undivided(before), _undivided(after))
    return FieldRow(name, *text_diff.sides(before, after))


def _undivided(text: str | None) -> Side | None:
    if text is None:
        return None
    return (Piece(text, False),) if text else ()

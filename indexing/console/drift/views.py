"""What the live version does not know yet, person by person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Expert, Tag
from experts.profiles.text import FIELDS
from indexing.console import charts, text_diff
from indexing.console.access import VIEW, ConsoleRequest, allowed, rights_of
from indexing.console.drift.plan_views import FIELD_NAMES
from indexing.console.responses import admin_context
from indexing.console.text_diff import Piece, Side
from indexing.drift import history, status
from indexing.drift import people as drift_lists
from indexing.drift.people import KINDS, Change, Changed, Kind, Removed
from indexing.drift.status import DriftStatus
from indexing.models import RebuildRun

PAGE = 25
MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field that changed, in words."""

    name: str
    before: Side | None
    """None: not kept by the version"""
    after: Side


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of a list. `expert` is None where the directory does not know them any more."""

    name: str
    detail: str
    expert: Expert | None
    fields: Sequence[FieldRow] = ()


@require_safe
@never_cache
@allowed(VIEW)
def drift_page(request: ConsoleRequest) -> HttpResponse:
    now = status.read()
    context = admin_context(request) | {
        "title": _("Drift"),
        "drift_now": now,
        "limits": status.limits(),
        "rights": rights_of(request.user),
        "run": RebuildRun.objects.active().first(),
        "live": now.version,
    }
    if now.drift is not None:
        context |= _list(now, request)
    context["charts"] = charts.of_history(history.read(now)) if now.version else []
    return render(request, "indexing/drift/drift.html", context)


def _list(now: DriftStatus, request: ConsoleRequest) -> dict[str, Any]:
    """The list that is open: one of three, a page of it, those who have the words."""
    assert now.drift is not None
    assert now.version is not None
    counts: dict[Kind, int] = {kind: len(getattr(now.drift, kind)) for kind in KINDS}
    first: Kind = next((kind for kind in KINDS if counts[kind]), "added")
    kind: Kind = next((kind for kind in KINDS if kind == request.GET.get("list")), first)
    words = request.GET.get("q", "").replace("\0", "")[:MAX_WORDS].strip()
    field = request.GET.get("field", "") if kind == "changed" and request.GET.get("field") in FIELDS else ""
    version = status.baseline(now.version)
    everybody: Sequence[Any]
    if kind == "removed":
        everybody = drift_lists.removed(version, now.drift, words)
    else:
        everybody = drift_lists.named(now.drift, kind, words=words, field=field)
    page = Paginator(everybody, PAGE).get_page(request.GET.get("page"))
    members: list[Any] = list(page.object_list)
    if kind == "removed":
        people = _removed_rows(members)
    elif kind == "changed":
        people = _changed_rows(drift_lists.changed(version, now.drift, members))
    else:
        people = [PersonRow(str(expert), _what(expert), expert) for expert in drift_lists.experts(members)]
    asked = {"list": kind, "q": words, "field": field}
    return {
        "counts": counts,
        "kind": kind,
        "words": words,
        "field": field,
        "page": page,
        "people": people,
        "fields": [(name, FIELD_NAMES[name], count) for name, count in now.drift.fields.items()],
        "asked": urlencode({name: value for name, value in asked.items() if value}),
        "keeps_texts": version.profiles is not None,
    }


def _removed_rows(members: list[Removed]) -> list[PersonRow]:
    hidden = Expert.objects.in_bulk([person.id for person in members])
    rows = []
    for person in members:
        expert = hidden.get(person.id)
        unknown = _("Expert %(id)s, whose name the version does not keep") % {"id": person.id}
        name = person.name or (str(expert) if expert else unknown)
        profile = person.profile or {}
        what = ", ".join(part for name_ in ("job_title", "company") if (part := profile.get(name_, "")))
        rows.append(PersonRow(name, what, expert))
    return rows


def _changed_rows(people: list[Changed]) -> list[PersonRow]:
    ids = {
        int(each)
        for person in people
        for change in person.changes
        if change.field == "manual_tags"
        for each in f"{change.before or ''} {change.after}".split()
    }
    tags = dict(Tag.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [
        PersonRow(
            str(person.expert), _what(person.expert), person.expert, [_row(change, tags) for change in person.changes]
        )
        for person in people
    ]


def _row(change: Change, tags: dict[int, str]) -> FieldRow:
    name = str(FIELD_NAMES[change.field])
    after = shown(change.field, change.after, tags)
    if change.before is None:
        return FieldRow(name, None, (Piece(after, False),) if after else ())
    return FieldRow(name, *text_diff.sides(shown(change.field, change.before, tags), after))


def shown(field: str, value: str, tags: dict[int, str]) -> str:
    """A field's value for people: `experts.profiles.text.FIELDS` gives it for machines."""
    if field == "name":
        return " ".join(value.split("\0")).strip()
    if field == "rate" and value:
        return f"{Decimal(value):.2f}"
    if field == "photo":
        return _("yes") if value else _("no")
    if field == "manual_tags":
        return ", ".join(sorted(tags.get(int(each), _("a deleted tag")) for each in value.split()))
    return value


def _what(expert: Expert) -> str:
    return ", ".join(part for part in (expert.job_title, expert.company) if part)

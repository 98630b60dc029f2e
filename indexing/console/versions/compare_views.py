"""Any two versions side by side: who was gained, lost or changed, and which saved queries moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Tag
from indexing.console import text_diff
from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.drift.plan_views import FIELD_NAMES
from indexing.console.drift.views import shown
from indexing.console.responses import admin_context, number
from indexing.console.text_diff import Piece, Side
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.models import IndexVersion, SavedQuery
from indexing.quality import saved_queries
from indexing.serving import open_versions
from indexing.versions import diff as version_diff
from indexing.versions.diff import KINDS, Diff, FieldChange, Kind, Person

PAGE = 25
MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field that changed, in words; None: that version did not keep it."""

    name: str
    before: Side | None
    after: Side | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    person: Person
    fields: Sequence[FieldRow]


@require_safe
@never_cache
@allowed(VIEW)
def compare_versions(request: ConsoleRequest) -> HttpResponse:
    versions = open_versions.searchable()
    a, b, problem = _chosen(versions, request)
    context: dict[str, Any] = {
        "title": _("Compare versions"),
        "versions": versions,
        "choices": [("from", _("From"), a), ("to", _("To"), b or a)],
        "problem": problem,
    }
    status = 404 if problem else 200
    if a and b and not problem:
        context["title"] = _("Version %(a)s and version %(b)s") % {"a": a.number, "b": b.number}
        try:
            diff = version_diff.between(version_diff.opened(a), version_diff.opened(b))
        except SnapshotInvalid as error:
            context["problem"], status = str(error), error.status
        else:
            context |= _list(diff, request) | _queries(a, b, asked="queries" in request.GET)
            context |= {"a": a, "b": b, "diff": diff}
    return render(request, "indexing/versions/compare.html", admin_context(request) | context, status=status)


def _chosen(
    versions: Sequence[IndexVersion], request: HttpRequest
) -> tuple[IndexVersion | None, IndexVersion | None, str]:
    """The two versions that are asked for, or the usual ones; and why they cannot be compared."""
    by_number = {version.number: version for version in versions}
    asked = [request.GET.get(name, "") for name in ("from", "to")]
    for text in filter(None, asked):
        if number(text) not in by_number:
            gone = IndexVersion.objects.filter(pk=number(text)).first()
            if gone is not None:
                return (
                    None,
                    None,
                    _("Version %(number)s is %(state)s: its files are not there to compare.")
                    % {
                        "number": gone.number,
                        "state": gone.get_state_display(),
                    },
                )
            return None, None, _("There is no version %(asked)s: choose another.") % {"asked": text[:20]}
    usual_a, usual_b = open_versions.usual_pair(versions)
    a, b = by_number.get(number(asked[0])) or usual_a, by_number.get(number(asked[1])) or usual_b
    return a, None if a == b else b, ""


def choices(versions: Sequence[IndexVersion]) -> list[tuple[str, str, IndexVersion | None]]:
    """For the form: the name of each field, what it is called, and which version is chosen."""
    a, b = open_versions.usual_pair(versions)
    return [("from", _("From"), a), ("to", _("To"), b)]


def _list(diff: Diff, request: HttpRequest) -> dict[str, Any]:
    """The list that is open: one of three, a page of it, those who have the words."""
    counts: dict[Kind, int] = {kind: len(diff.ids(kind)) for kind in KINDS}
    first: Kind = next((kind for kind in KINDS if counts[kind]), "gained")
    kind: Kind = next((kind for kind in KINDS if kind == request.GET.get("list")), first)
    words = request.GET.get("q", "").replace("\0", "")[:MAX_WORDS].strip()
    field = request.GET.get("field", "") if kind == "changed" and request.GET.get("field") in diff.fields else ""
    page = Paginator(version_diff.listed(diff, kind, words=words, field=field), PAGE).get_page(
        request.GET.get("page")
    )
    found = version_diff.people(diff, kind, list(page.object_list))
    pair = {"from": diff.a.number, "to": diff.b.number}
    asked = pair | {"list": kind} | {name: value for name, value in (("q", words), ("field", field)) if value}
    return {
        "counts": counts,
        "kind": kind,
        "words": words,
        "field": field,
        "page": page,
        "people": _rows(found),
        "fields": [(name, FIELD_NAMES[name], count) for name, count in diff.fields.items()],
        "pair": urlencode(pair),
        "asked": urlencode(asked),
    }


def _rows(people: Sequence[Person]) -> list[PersonRow]:
    changes = [change for person in people for change in person.changes if change.field == "manual_tags"]
    ids = {int(each) for change in changes for each in f"{change.before or ''} {change.after or ''}".split()}
    tags = dict(Tag.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [PersonRow(person, [_row(change, tags) for change in person.changes]) for person in people]


def _row(change: FieldChange, tags: dict[int, str]) -> FieldRow:
    name = str(FIELD_NAMES[change.field])
    before, after = (
        None if value is None else shown(change.field, value, tags) for value in (change.before, change.after)
    )
    if before is None or after is None:
        return FieldRow(name, _whole(before), _whole(after))
    return FieldRow(name, *text_diff.sides(before, after))


def _whole(text: str | None) -> Side | None:
    if text is None:
        return None
    return (Piece(text, False),) if text else ()


def _queries(a: IndexVersion, b: IndexVersion, *, asked: bool) -> dict[str, Any]:
    """Asked only when somebody wants to know: it opens both versions whole, and encodes every query."""
    saved = SavedQuery.objects.filter(is_active=True).count()
    if not (asked and saved):
        return {"saved": saved}
    try:
        run = saved_queries.run(a, b)
    except (EncoderUnavailable, SnapshotInvalid) as error:
        return {"saved": saved, "queries_problem": str(error)}
    return {"saved": saved, "queries": run, "moved": [query for query in run.queries if query.moved]}

"""Any two versions side by side: experts added, removed or changed, and search tests with different results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.numbers import whole_number
from indexing.console import changes
from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.changes import OpenList
from indexing.console.responses import admin_context
from indexing.errors import MeaningUnavailable, SnapshotInvalid
from indexing.lib.translation import translated
from indexing.models import IndexVersion, SearchTest
from indexing.quality import search_tests
from indexing.versions import diff as version_diff
from indexing.versions import opening
from indexing.versions.diff import KINDS, Diff, Kind


@require_safe
@never_cache
@allowed(VIEW)
def compare_versions(request: ConsoleRequest) -> HttpResponse:
    versions = opening.searchable()
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
            diff = version_diff.between(opening.open_baseline(a), opening.open_baseline(b))
        except SnapshotInvalid as error:
            context["problem"], status = translated(error), error.status
        else:
            context |= _list(diff, request) | _queries(a, b, requested="queries" in request.GET)
            context |= {"a": a, "b": b, "diff": diff}
    return render(request, "indexing/versions/compare.html", admin_context(request) | context, status=status)


def _chosen(
    versions: Sequence[IndexVersion], request: HttpRequest
) -> tuple[IndexVersion | None, IndexVersion | None, str]:
    """The two versions in the address, or by default the usual pair; and why they cannot be compared."""
    by_number = {version.number: version for version in versions}
    requested = [request.GET.get(name, "") for name in ("from", "to")]
    for text in filter(None, requested):
        if whole_number(text) not in by_number:
            gone = IndexVersion.objects.filter(pk=whole_number(text)).first()
            if gone is not None:
                return (
                    None,
                    None,
                    _("Version %(number)s cannot be compared: it is %(state)s, so its files are gone.")
                    % {
                        "number": gone.number,
                        "state": gone.get_state_display(),
                    },
                )
            return None, None, _("There is no version %(number)s. Choose another one.") % {"number": text[:20]}
    usual_a, usual_b = opening.usual_pair(versions)
    a, b = by_number.get(whole_number(requested[0])) or usual_a, by_number.get(whole_number(requested[1])) or usual_b
    return a, None if a == b else b, ""


def version_choices(versions: Sequence[IndexVersion]) -> list[tuple[str, str, IndexVersion | None]]:
    """The two choices of the form, each as (field name, label, chosen version)."""
    a, b = opening.usual_pair(versions)
    return [("from", _("From"), a), ("to", _("To"), b)]


def _list(diff: Diff, request: HttpRequest) -> dict[str, Any]:
    """The open list, one of three: the page of it that was requested, filtered by words and field."""
    counts: dict[Kind, int] = {kind: len(diff.ids(kind)) for kind in KINDS}
    chosen = OpenList.from_address(request.GET, counts, diff.fields)
    everybody = version_diff.listed(diff, chosen.kind, words=chosen.words, field=chosen.field)
    context = chosen.context(everybody, request.GET.get("page"), counts, diff.fields)
    people = version_diff.people(diff, chosen.kind, list(context["page"].object_list))
    pair = {"from": diff.a.number, "to": diff.b.number}
    return context | {
        "people": changes.person_rows(people),
        "pair": urlencode(pair),
        "list_query": chosen.address(**pair),
    }


def _queries(a: IndexVersion, b: IndexVersion, *, requested: bool) -> dict[str, Any]:
    """The search tests on both versions. Only on request: it opens both versions and encodes every query."""
    saved = SearchTest.objects.filter(is_active=True).count()
    if not (requested and saved):
        return {"saved": saved}
    try:
        run = search_tests.compare_versions(a, b)
    except (MeaningUnavailable, SnapshotInvalid) as error:
        return {"saved": saved, "queries_problem": translated(error)}
    return {"saved": saved, "queries": run, "moved": [query for query in run.queries if query.moved]}

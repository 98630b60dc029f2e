"""The Lab: one query, asked of a version that need not be live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from indexing import candidates
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.answers import admin_context, number
from indexing.console.search_views import mode_of, modes
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.models import IndexVersion
from indexing.search import Mode, Results, search

HITS = 20


@dataclass(frozen=True, slots=True)
class Column:
    """One version's answer to the query, or the sentence that says why there is none."""

    version: IndexVersion
    results: Results | None = None
    problem: str = ""
    words_would_do: bool = False
    """the model is what is missing: a search by words needs none"""

    @property
    def milliseconds(self) -> int:
        return max(round(self.results.seconds * 1000), 1) if self.results else 0


@require_safe
@never_cache
@allowed(VIEW)
def lab_page(request: ConsoleRequest) -> HttpResponse:
    query, mode = request.GET.get("q", ""), mode_of(request.GET.get("mode", ""))
    versions = candidates.searchable()
    chosen = _chosen(versions, request.GET.get("version"))
    columns = [_column(chosen, query, mode)] if chosen and query.strip() else []
    context: dict[str, Any] = {
        "title": _("Lab"),
        "query": query,
        "mode": mode,
        "modes": modes(),
        "versions": versions,
        "chosen": chosen,
        "asked_in_vain": None if chosen else request.GET.get("version"),
        "columns": columns,
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
    }
    if request.htmx and not request.htmx.history_restore_request:
        response = replace_url(render(request, "indexing/_lab_results.html", context), request.get_full_path())
    else:
        status = 503 if any(column.problem for column in columns) else 404 if context["asked_in_vain"] else 200
        response = render(request, "indexing/lab.html", admin_context(request) | context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _chosen(versions: list[IndexVersion], asked: str | None) -> IndexVersion | None:
    """The version asked for; with none asked for, the newest: a held candidate is what one comes here for."""
    if asked:
        return next((version for version in versions if version.number == number(asked)), None)
    return versions[0] if versions else None


def _column(version: IndexVersion, query: str, mode: Mode) -> Column:
    try:
        results = search(query, HITS, mode, snapshot=candidates.opened(version))
    except EncoderUnavailable as error:
        return Column(version, problem=str(error), words_would_do=True)
    except SnapshotInvalid as error:
        return Column(version, problem=str(error))
    prefetch_related_objects([hit.expert for hit in results.hits], "tags")
    return Column(version, results)

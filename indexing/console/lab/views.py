"""The Lab: one query, answered by any version that is on disk, or by two versions or two modes side by side."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.lab import columns, search_test_views
from indexing.console.lab.columns import HITS
from indexing.console.responses import page_or_fragment, wants_fragment
from indexing.console.search_modes import mode_choices, parse_mode
from indexing.models import IndexVersion
from indexing.search import Mode
from indexing.versions import opening

ONE_COLUMN = "none"
"""The value of `with` that asks for one column only."""


@require_safe
@never_cache
@allowed(VIEW)
def lab_page(request: ConsoleRequest) -> HttpResponse:
    """`version` and `mode` of the address are tried; `with` and `with_mode` are what they are compared with."""
    versions = opening.searchable()
    unknown = _unknown_version(versions, request.GET)
    before, after = (None, None) if unknown else _chosen_versions(versions, request.GET)
    context = _columns(request.GET, before, after) | {
        "title": _("Lab"),
        "versions": versions,
        "unknown_version": unknown,
    }
    test = search_test_views.saved_test(context["query"])
    context |= {
        "test": test,
        "good": set(test.expected.values_list("pk", flat=True)) if test else set(),
        "bad": set(test.unwanted.values_list("pk", flat=True)) if test else set(),
        "may_save": context["has_results"] and search_test_views.may_save(request, test),
    }
    status = 404 if unknown else context["status"]
    response = page_or_fragment(
        request, context, page="indexing/lab/lab.html", fragment="indexing/lab/_lab_results.html", status=status
    )
    return replace_url(response, request.get_full_path()) if wants_fragment(request) else response


def _columns(address: QueryDict, before: IndexVersion | None, after: IndexVersion | None) -> dict[str, Any]:
    """The template context: what is chosen and, with a query, the results of each version and how they differ."""
    query, mode = address.get("q", ""), address.get("mode", "")
    before_mode, after_mode = parse_mode(address.get("with_mode") or mode), parse_mode(mode)
    first = columns.search_version(before, before_mode, query) if before and query.strip() else None
    second = columns.search_version(after, after_mode, query) if after and query.strip() else None
    comparison = None
    if first and second:
        first, second, comparison = columns.compared(first, second)
    return {
        "query": query,
        "modes": mode_choices(),
        "before": before,
        "before_mode": before_mode,
        "after": after,
        "after_mode": after_mode,
        "first": first,
        "second": second,
        "first_keyword_address": _address(address, with_mode=Mode.KEYWORD),
        "second_keyword_address": _address(address, with_mode=before_mode, mode=Mode.KEYWORD),
        "comparison": comparison,
        "has_results": any(column and column.results for column in (first, second)),
        "status": max((column.status for column in (first, second) if column), default=200),
        "hits": HITS,
        "address": address.urlencode(),
    }


def _unknown_version(versions: list[IndexVersion], address: QueryDict) -> str | None:
    """The number in the address that belongs to no version on disk."""
    named = [address.get("version"), address.get("with") if address.get("with") != ONE_COLUMN else None]
    return next((text for text in named if text and opening.numbered(versions, text) is None), None)


def _chosen_versions(
    versions: list[IndexVersion], address: QueryDict
) -> tuple[IndexVersion | None, IndexVersion | None]:
    """The version to compare with, if any, and the version to try.

    The usual reason to come here is a held version, so without `version` the newest is tried, beside the live one.
    If the live version is the newest, it is compared with the next older one; if it was named, it stands alone.
    """
    tried, other = address.get("version"), address.get("with")
    after = opening.numbered(versions, tried) if tried else next(iter(versions), None)
    if other:
        return (None if other == ONE_COLUMN else opening.numbered(versions, other)), after
    live = next((version for version in versions if version.state == IndexVersion.State.LIVE), None)
    if live != after:
        return live, after
    older = next((version for version in versions if version != after), None)
    return (None if tried else older), after


def _address(address: QueryDict, **changes: str) -> str:
    changed = address.copy()
    for name, value in changes.items():
        changed[name] = value
    return f"?{changed.urlencode()}"

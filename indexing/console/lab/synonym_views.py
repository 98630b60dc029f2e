"""Synonyms in the Lab: what those of now would change, before the next rebuild takes them over."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.lab import columns
from indexing.console.responses import admin_context
from indexing.console.search_modes import parse_mode
from indexing.errors import MeaningUnavailable, SnapshotInvalid
from indexing.lib.translation import translated
from indexing.models import IndexVersion, SearchTest
from indexing.quality import synonym_trial
from indexing.search import Mode
from indexing.serving import open_versions
from indexing.versions import opening

OPEN = tuple(f"indexing.{action}_synonym" for action in ("view", "change", "add"))


@require_safe
@never_cache
@allowed(VIEW, *OPEN)
def try_synonyms(request: ConsoleRequest) -> HttpResponse:
    """The live version with its own synonyms and with those of now: for the search tests (`run`), for a query `q`."""
    versions = opening.searchable()
    version = next((each for each in versions if each.state == IndexVersion.State.LIVE), None)
    context: dict[str, Any] = {
        "title": _("Try synonyms"),
        "version": version,
        "query": request.GET.get("q", ""),
        "may_edit": may(request.user, *OPEN),
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
        "active": SearchTest.objects.filter(is_active=True).count(),
    }
    status = 200
    if version is not None:
        try:
            context |= _trial(version, request.GET)
        except (MeaningUnavailable, SnapshotInvalid) as error:
            context["problem"], status = translated(error), error.status
    return render(request, "indexing/lab/synonyms.html", admin_context(request) | context, status=status)


def _trial(version: IndexVersion, address: QueryDict) -> dict[str, Any]:
    """Raises SnapshotInvalid, and MeaningUnavailable if tests are run without the model."""
    snapshot = open_versions.open_version(version)
    trial: dict[str, Any] = {"changes": synonym_trial.changes(snapshot)}
    if address.get("run"):
        trial |= {
            "comparison": synonym_trial.compare(snapshot),
            "heading": _("Search tests without and with the changes"),
            "name_a": _("As now"),
            "name_b": _("With the changes"),
            "query_address": f"?{urlencode({'run': 1})}&q=",
        }
    if query := address.get("q", "").strip():
        mode = parse_mode(address.get("mode", ""))
        first = columns.search_version(version, mode, query, note=_("As now"))
        second = columns.search_version(
            version, mode, query, changed=synonym_trial.with_current, note=_("With the changes")
        )
        trial["first"], trial["second"], trial["moves"] = columns.compared(first, second)
        by_words = f"?{urlencode({'q': query, 'mode': Mode.KEYWORD})}"
        trial |= {"first_keyword_address": by_words, "second_keyword_address": by_words}
    return trial

"""The drift page: how the directory differs from the live version, expert by expert."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.profiles.records import FIELDS
from indexing.console import changes, charts
from indexing.console.access import VIEW, ConsoleRequest, allowed, rights_of
from indexing.console.changes import OpenList
from indexing.console.responses import admin_context
from indexing.drift import history, status
from indexing.drift import people as drifted_people
from indexing.drift.people import KINDS, Kind
from indexing.drift.status import DriftStatus
from indexing.models import RebuildRun


@require_safe
@never_cache
@allowed(VIEW)
def drift_page(request: ConsoleRequest) -> HttpResponse:
    now = status.latest()
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
    context["charts"] = charts.history_charts(history.load(now)) if now.version else []
    return render(request, "indexing/drift/drift.html", context)


def _list(now: DriftStatus, request: ConsoleRequest) -> dict[str, Any]:
    """The open list, one of three: the page of it that was requested, filtered by words and field."""
    assert now.drift is not None
    assert now.version is not None
    counts: dict[Kind, int] = {kind: len(getattr(now.drift, kind)) for kind in KINDS}
    chosen = OpenList.from_address(request.GET, counts, FIELDS)
    version = status.baseline(now.version)
    everybody = drifted_people.listed(version, now.drift, chosen.kind, words=chosen.words, field=chosen.field)
    context = chosen.context(everybody, request.GET.get("page"), counts, now.drift.fields)
    people = drifted_people.people(version, now.drift, chosen.kind, list(context["page"].object_list))
    return context | {
        "people": changes.person_rows(people),
        "list_query": chosen.address(),
        "keeps_texts": version.profiles is not None,
    }

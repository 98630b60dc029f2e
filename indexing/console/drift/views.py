"""What the live version does not know yet, person by person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.models import Expert
from experts.profiles.records import FIELDS
from indexing.console import changes, charts
from indexing.console.access import VIEW, ConsoleRequest, allowed, rights_of
from indexing.console.changes import OpenList, PersonRow
from indexing.console.responses import admin_context
from indexing.drift import history, status
from indexing.drift import people as drift_lists
from indexing.drift.people import KINDS, Changed, Kind, Removed
from indexing.drift.status import DriftStatus
from indexing.models import RebuildRun


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
    chosen = OpenList.of(request.GET, counts, FIELDS)
    version = status.baseline(now.version)
    everybody: Sequence[Any]
    if chosen.kind == "removed":
        everybody = drift_lists.removed(version, now.drift, chosen.words)
    else:
        everybody = drift_lists.named(now.drift, chosen.kind, words=chosen.words, field=chosen.field)
    context = chosen.context(everybody, request.GET.get("page"), counts, now.drift.fields)
    members: list[Any] = list(context["page"].object_list)
    if chosen.kind == "removed":
        people = _removed_rows(members)
    elif chosen.kind == "changed":
        people = _changed_rows(drift_lists.changed(version, now.drift, members))
    else:
        people = [PersonRow(str(expert), changes.job(expert), expert) for expert in drift_lists.experts(members)]
    return context | {
        "people": people,
        "asked": chosen.address(),
        "keeps_texts": version.profiles is not None,
    }


def _removed_rows(members: list[Removed]) -> list[PersonRow]:
    hidden = Expert.objects.in_bulk([person.id for person in members])
    rows = []
    for person in members:
        expert = hidden.get(person.id)
        name = changes.name_or_number(person.name or (str(expert) if expert else ""), person.id)
        profile = person.profile or {}
        detail = ", ".join(part for field in ("job_title", "company") if (part := profile.get(field, "")))
        rows.append(PersonRow(name, detail, expert))
    return rows


def _changed_rows(people: list[Changed]) -> list[PersonRow]:
    fields = changes.field_rows(person.changes for person in people)
    return [
        PersonRow(str(person.expert), changes.job(person.expert), person.expert, rows)
        for person, rows in zip(people, fields, strict=True)
    ]

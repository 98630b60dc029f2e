"""Search tests: list them, save one from the Lab with the results that are marked good or bad, and
run them on two versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.admin.models import CHANGE as CHANGE_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from experts.numbers import whole_number
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import admin_context
from indexing.errors import MeaningUnavailable, SnapshotInvalid
from indexing.lib.translation import translated
from indexing.models import IndexVersion, SearchTest
from indexing.quality.search_test_form import SearchTestForm
from indexing.quality.search_tests import SearchTestComparison, compare_versions
from indexing.versions import opening

ADD, CHANGE = "indexing.add_searchtest", "indexing.change_searchtest"
OPEN = (CHANGE, "indexing.view_searchtest")


class LabForm(SearchTestForm):
    """What the Lab sends."""

    class Meta:
        model = SearchTest
        fields = ("text", "k", "expected", "unwanted")


def saved_test(text: str) -> SearchTest | None:
    """The search test of exactly this query."""
    return SearchTest.objects.filter(text=text.replace("\0", "").strip()).first()  # PostgreSQL accepts no NUL


def may_save(request: ConsoleRequest, test: SearchTest | None) -> bool:
    """Whether the user may make a test of a query, or change the one that there is."""
    return may(request.user, ADD if test is None else CHANGE)


@require_POST
@allowed(ADD, CHANGE)
def save_query(request: ConsoleRequest) -> HttpResponse:
    """Save the query of the Lab with the results that were marked good or bad, and go back there.

    Of a query that is saved already the marks of the results that were shown are replaced, and no others.
    Raises PermissionDenied for those who may not save a new test, or not change the one that there is.
    """
    test = saved_test(request.POST.get("q", ""))
    if not may_save(request, test):
        raise PermissionDenied(_("Your account may not save or change this search test."))
    marks = {name: sorted(_marked(request.POST, test, name)) for name in ("expected", "unwanted")}
    form = LabForm({"text": request.POST.get("q"), "k": request.POST.get("k")} | marks, instance=test)
    if form.is_valid():
        saved = form.save()
        change: list[dict[str, Any]] = [{"changed": {"fields": list(marks)}}] if test else [{"added": {}}]
        LogEntry.objects.log_actions(
            request.user.pk, [saved], CHANGE_FLAG if test else ADDITION, change, single_object=True
        )
        messages.success(request, _("Search test saved. Every new version is checked against it from now on."))
    else:
        for field, errors in form.errors.items():
            label = f"{form.fields[field].label}: " if field in form.fields else ""
            messages.error(request, f"{label}{' '.join(str(error) for error in errors)}")
    address = QueryDict(request.POST.get("address", "")).urlencode()
    return redirect(f"{reverse('index:lab')}?{address}")


def _marked(sent: QueryDict, test: SearchTest | None, name: str) -> set[str]:
    """The ids of whoever is marked from now on: as sent, and as before where they were not among the results."""
    shown = {whole_number(key) for key in sent.getlist("shown")}
    kept = set() if test is None else set(getattr(test, name).values_list("pk", flat=True)) - shown
    return {str(whole_number(key)) for key in sent.getlist(name)} | {str(key) for key in kept}


@require_safe
@never_cache
@allowed(VIEW, *OPEN)
def search_tests(request: ConsoleRequest) -> HttpResponse:
    """All search tests, and with two versions `a` and `b` in the address what they make of each active one."""
    versions = opening.searchable()
    comparison, problem, status = _compare(versions, request.GET)
    usual_a, usual_b = opening.usual_pair(versions)
    tests = list(
        SearchTest.objects.annotate(
            expected_count=Count("expected", distinct=True), unwanted_count=Count("unwanted", distinct=True)
        )
    )
    context: dict[str, Any] = {
        "title": _("Search tests"),
        "versions": versions,
        "a": opening.numbered(versions, request.GET.get("a")) or usual_a,
        "b": opening.numbered(versions, request.GET.get("b")) or usual_b,
        "comparison": comparison,
        "problem": problem,
        "tests": tests,
        "active": sum(test.is_active for test in tests),
        "may_add": may(request.user, ADD),
        "may_open": may(request.user, *OPEN),
    }
    if comparison:
        context |= _presented(comparison)
    return render(request, "indexing/lab/search_tests.html", admin_context(request) | context, status=status)


def _presented(comparison: SearchTestComparison) -> dict[str, str]:
    numbers = {"a": comparison.a, "b": comparison.b}
    names = {f"name_{side}": _("Version %(number)s") % {"number": number} for side, number in numbers.items()}
    return names | {
        "heading": _("Version %(a)s and version %(b)s") % numbers,
        "query_address": f"{reverse('index:lab')}?{urlencode({'with': comparison.a, 'version': comparison.b})}&q=",
        "json_address": f"{reverse('api:run_search_tests')}?{urlencode(numbers)}",
    }


@require_safe
@allowed(VIEW, *OPEN)
def old_address(request: ConsoleRequest) -> HttpResponse:
    """Where the page was while search tests were called saved queries."""
    return redirect(f"{reverse('index:search-tests')}?{request.GET.urlencode()}", permanent=True)


def _compare(versions: list[IndexVersion], address: QueryDict) -> tuple[SearchTestComparison | None, str, int]:
    """The comparison of `a` and `b`, or None, a sentence if something is wrong, and the status of the page."""
    names = [text for text in (address.get("a"), address.get("b")) if text]
    found = [opening.numbered(versions, text) for text in names]
    chosen = [version for version in found if version is not None]
    if len(chosen) < len(names):
        unknown = names[found.index(None)]
        return None, _("Version %(version)s is not on disk. Choose another one.") % {"version": unknown[:20]}, 404
    if len(chosen) < 2:
        return None, "", 200
    try:
        return compare_versions(*chosen), "", 200
    except (MeaningUnavailable, SnapshotInvalid) as error:
        return None, translated(error), error.status

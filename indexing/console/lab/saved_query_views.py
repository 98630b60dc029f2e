"""Saved queries: save one from the Lab with the experts it must find, and run them all on two versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from experts.models import Expert
from experts.numbers import whole_number
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import admin_context
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.lib.translation import translated
from indexing.models import IndexVersion, SavedQuery
from indexing.quality.saved_queries import SavedQueryComparison, compare_versions
from indexing.versions import opening

ADD = "indexing.add_savedquery"


class SaveForm(forms.ModelForm):
    class Meta:
        model = SavedQuery
        fields = ("text", "k", "expected")
        error_messages = {
            "text": {"unique": gettext_lazy("Already saved. Change its expected experts under Saved queries, Edit.")}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        expected = self.fields["expected"]
        assert isinstance(expected, forms.ModelMultipleChoiceField)  # noqa: S101  for the type checker
        expected.queryset = Expert.objects.active()


@require_POST
@allowed(ADD)
def save_query(request: ConsoleRequest) -> HttpResponse:
    """Save the query of the Lab with the experts that were ticked, and go back there."""
    ticked = {str(whole_number(key)) for key in request.POST.getlist("expected")}
    form = SaveForm({"text": request.POST.get("q"), "k": request.POST.get("k"), "expected": sorted(ticked)})
    if form.is_valid():
        saved = form.save()
        LogEntry.objects.log_actions(request.user.pk, [saved], ADDITION, [{"added": {}}], single_object=True)
        messages.success(request, _("Query saved. Every new version is checked against it from now on."))
    else:
        for field, errors in form.errors.items():
            label = form.fields[field].label if field in form.fields else ""
            messages.error(request, f"{label}: {' '.join(str(error) for error in errors)}")
    address = QueryDict(request.POST.get("address", "")).urlencode()
    return redirect(f"{reverse('index:lab')}?{address}")


@require_safe
@never_cache
@allowed(VIEW)
def saved_queries(request: ConsoleRequest) -> HttpResponse:
    """The form, and with two versions `a` and `b` in the address what they make of each saved query."""
    versions = opening.searchable()
    comparison, problem, status = _compare(versions, request.GET)
    usual_a, usual_b = opening.usual_pair(versions)
    context: dict[str, Any] = {
        "title": _("Saved queries"),
        "versions": versions,
        "a": opening.numbered(versions, request.GET.get("a")) or usual_a,
        "b": opening.numbered(versions, request.GET.get("b")) or usual_b,
        "comparison": comparison,
        "problem": problem,
        "saved": SavedQuery.objects.filter(is_active=True).count(),
        "may_change": may(request.user, ADD, "indexing.change_savedquery", "indexing.view_savedquery"),
    }
    if comparison:
        numbers = urlencode({"a": comparison.a, "b": comparison.b})
        context["json_address"] = f"{reverse('api:run_saved_queries')}?{numbers}"
    return render(request, "indexing/lab/saved_queries.html", admin_context(request) | context, status=status)


def _compare(versions: list[IndexVersion], address: QueryDict) -> tuple[SavedQueryComparison | None, str, int]:
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
    except (EncoderUnavailable, SnapshotInvalid) as error:
        return None, translated(error), error.status

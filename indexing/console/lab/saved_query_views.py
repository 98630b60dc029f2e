"""Saved queries in the Lab: save one with whom it must find, ask them all of two versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from experts.models import Expert
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import admin_context, number
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.models import IndexVersion, SavedQuery
from indexing.quality import saved_queries as saved_runs
from indexing.versions import opening

ADD = "indexing.add_savedquery"


class SaveForm(forms.ModelForm):
    class Meta:
        model = SavedQuery
        fields = ("text", "k", "expected")
        error_messages = {
            "text": {"unique": gettext_lazy("is saved already; change whom it must find in the admin.")}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        expected = self.fields["expected"]
        assert isinstance(expected, forms.ModelMultipleChoiceField)  # noqa: S101  for the type checker
        expected.queryset = Expert.objects.active()


@require_POST
@allowed(ADD)
def save_query(request: ConsoleRequest) -> HttpResponse:
    """Save what was asked in the Lab, and go back there."""
    ticked = {str(number(key)) for key in request.POST.getlist("expected")}
    form = SaveForm({"text": request.POST.get("q"), "k": request.POST.get("k"), "expected": sorted(ticked)})
    if form.is_valid():
        saved = form.save()
        LogEntry.objects.log_actions(request.user.pk, [saved], ADDITION, [{"added": {}}], single_object=True)
        messages.success(request, _("The query is saved: from now on every new version is asked it."))
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
    versions = opening.searchable()
    asked = {name: request.GET.get(name) or None for name in ("a", "b")}
    found = {name: _numbered(versions, text) for name, text in asked.items()}
    context: dict[str, Any] = {"run": None, "problem": ""}
    status = 200
    if unknown := [text for name, text in asked.items() if text and found[name] is None]:
        context["problem"] = _("There is no version %(asked)s on disk: choose another.") % {"asked": unknown[0][:20]}
        status = 404
    elif found["a"] and found["b"]:
        try:
            context["run"] = saved_runs.run(found["a"], found["b"])
        except (EncoderUnavailable, SnapshotInvalid) as error:
            context["problem"], status = str(error), error.status
    if request.GET.get("format") == "json":
        return _as_json(context, status)
    default_a, default_b = opening.usual_pair(versions)
    context |= {
        "title": _("Saved queries"),
        "versions": versions,
        "choices": [
            ("a", _("Compare"), found["a"] or default_a),
            ("b", _("with"), found["b"] or default_b),
        ],
        "saved": SavedQuery.objects.filter(is_active=True).count(),
        "json_address": f"?{_with_format(request.GET)}",
        "may_change": may(request.user, ADD, "indexing.change_savedquery", "indexing.view_savedquery"),
    }
    return render(request, "indexing/lab/saved_queries.html", admin_context(request) | context, status=status)


def _as_json(context: dict[str, Any], status: int) -> JsonResponse:
    if context["run"]:
        return JsonResponse(context["run"].as_dict())
    if not context["problem"]:
        return JsonResponse({"detail": _("Name two versions: a and b.")}, status=422)
    return JsonResponse({"detail": context["problem"]}, status=status)


def _with_format(address: QueryDict) -> str:
    changed = address.copy()
    changed["format"] = "json"
    return changed.urlencode()


def _numbered(versions: list[IndexVersion], asked: str | None) -> IndexVersion | None:
    return next((version for version in versions if version.number == number(asked)), None)

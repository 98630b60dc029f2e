"""The import in the admin: upload, look at what it would do, apply. Works without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from experts.auditing import import_audited
from experts.importing import uploads
from experts.importing.forms import ImportForm
from experts.importing.plan import ImportFailed, Plan, make_plan
from experts.importing.tables import COLUMNS
from experts.models import Expert

SHOWN = 50
"""Rows of each list on the preview; the page says how many more there are."""

View = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a list, and how many it leaves out."""

    rows: list[Any]
    more: int


def may_import(view: View) -> View:
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("experts.import"):
            raise PermissionDenied
        return view(request)

    return checked


@require_http_methods(["GET", "POST"])
@may_import
def upload(request: HttpRequest) -> HttpResponse:
    form = ImportForm()
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES, too_large=getattr(request, "upload_too_large", False))
        if form.is_valid():
            file = form.cleaned_data["file"]
            uploads.keep(
                request,
                file.chunks(),
                name=file.name,
                sync=form.cleaned_data["sync"],
                skip_bad=form.cleaned_data["skip_bad"],
            )
            return redirect("admin:experts_expert_import_preview")
    context = {"form": form, "columns": COLUMNS, "title": _("Import experts")}
    return render(request, "admin/experts/expert/import.html", _context(request, context))


@require_GET
@may_import
def preview(request: HttpRequest) -> HttpResponse:
    pending = uploads.find(request)
    if pending is None:
        return _nothing_waits(request)
    try:
        plan = _plan(pending)
    except ImportFailed as error:
        uploads.discard(request)
        messages.error(request, f"{pending.name}: {error}")
        return redirect("admin:experts_expert_import")
    return _show(request, pending, plan)


@require_POST
@may_import
def apply(request: HttpRequest) -> HttpResponse:
    """Apply exactly what was shown: the plan is made anew, and should it differ by now, it is shown again."""
    pending = uploads.find(request)
    if pending is None:
        return _nothing_waits(request)
    try:
        plan = _plan(pending)
        if plan.digest != request.POST.get("digest"):
            messages.warning(request, _("The directory has changed since: look again at what would be done now."))
            return _show(request, pending, plan)
        import_audited(plan, request.user, pending.name, skip_bad=pending.skip_bad)  # type: ignore[arg-type]
    except ImportFailed as error:
        messages.error(request, str(error))
        return redirect("admin:experts_expert_import_preview")
    uploads.discard(request)
    counts = plan.counts
    messages.success(
        request,
        _("Imported %(file)s: %(new)s new, %(changed)s changed, %(gone)s deactivated, %(rejected)s skipped.")
        % {
            "file": pending.name,
            "new": counts.new,
            "changed": counts.changed,
            "gone": counts.missing if plan.sync else 0,
            "rejected": counts.rejected,
        },
    )
    return redirect("admin:experts_expert_changelist")


@require_POST
@may_import
def discard(request: HttpRequest) -> HttpResponse:
    uploads.discard(request)
    messages.info(request, _("Nothing was imported."))
    return redirect("admin:experts_expert_changelist")


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path("import/", site.admin_view(upload), name="experts_expert_import"),
        path("import/preview/", site.admin_view(preview), name="experts_expert_import_preview"),
        path("import/apply/", site.admin_view(apply), name="experts_expert_import_apply"),
        path("import/discard/", site.admin_view(discard), name="experts_expert_import_discard"),
    ]


def _plan(pending: uploads.Pending) -> Plan:
    try:
        with pending.path.open("rb") as file:
            return make_plan(file, sync=pending.sync)
    except FileNotFoundError:
        raise ImportFailed(_("The file is no longer here: upload it again.")) from None


def _nothing_waits(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("No file waits to be imported: it was applied, or is more than a day old."))
    return redirect("admin:experts_expert_import")


def _show(request: HttpRequest, pending: uploads.Pending, plan: Plan) -> HttpResponse:
    context = {
        "title": _("Import experts: preview"),
        "pending": pending,
        "plan": plan,
        "counts": plan.counts,
        "applicable": not plan.does_nothing and (pending.skip_bad or not plan.rejected),
        "new": _head(plan.new),
        "changed": _head(
            [
                (change.username, [(_label(name), before, after) for name, (before, after) in change.fields.items()])
                for change in plan.changed[: SHOWN + 1]
            ],
            len(plan.changed),
        ),
        "missing": _head(plan.missing),
        "rejected": _head(plan.rejected),
    }
    return render(request, "admin/experts/expert/import_preview.html", _context(request, context))


def _head(rows: list[Any], total: int | None = None) -> Head:
    return Head(rows[:SHOWN], max(0, (len(rows) if total is None else total) - SHOWN))


def _label(field: str) -> str:
    return str(getattr(Expert._meta.get_field(field), "verbose_name", field))


def _context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return {**admin.site.each_context(request), "opts": Expert._meta, **context}

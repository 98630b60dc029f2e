"""The import pages of the admin: upload a file, see what it would do, import it. They work without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from experts.importing import uploads
from experts.importing.access import admin_context, may_import
from experts.importing.apply import apply_plan
from experts.importing.columns import COLUMNS
from experts.importing.errors import ImportFailed
from experts.importing.forms import ImportForm
from experts.importing.plan import ExpertChange, ImportPlan, make_plan
from experts.importing.shortened import ShortenedList
from experts.importing.undo_views import undo_import
from experts.models import Expert, ImportRecord


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """A field that the import would change, by its label."""

    label: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """An expert that the import would change."""

    username: str
    fields: list[FieldPreview]

    @classmethod
    def from_change(cls, change: ExpertChange) -> ChangePreview:
        fields = [FieldPreview(_label(name), before, after) for name, (before, after) in change.fields.items()]
        return cls(change.username, fields)


@require_http_methods(["GET", "POST"])
@may_import
def upload(request: HttpRequest) -> HttpResponse:
    form = ImportForm()
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES, too_large=getattr(request, "upload_too_large", False))
        if form.is_valid():
            file = form.cleaned_data["file"]
            options = {name: form.cleaned_data[name] for name in ("sync", "skip_bad")}
            uploads.store_upload(request, file, name=file.name, **options)
            return redirect("admin:experts_expert_import_preview")
    context = {
        "form": form,
        "columns": COLUMNS,
        "title": _("Import experts"),
        "undoable": ImportRecord.objects.undoable(),
    }
    return render(request, "admin/experts/expert/import.html", admin_context(request, context))


@require_GET
@may_import
def import_preview(request: HttpRequest) -> HttpResponse:
    pending = uploads.find_pending(request)
    if pending is None:
        return _no_pending_import(request)
    try:
        plan = _plan(pending)
    except ImportFailed as error:
        uploads.discard_pending(request)
        sentence = _("“%(file)s” cannot be imported. %(error)s") % {"file": pending.name, "error": error}
        messages.error(request, sentence)
        return redirect("admin:experts_expert_import")
    return _show_preview(request, pending, plan)


@require_POST
@may_import
def apply(request: HttpRequest) -> HttpResponse:
    """Import exactly what the preview showed: if the plan is another one by now, show the preview again."""
    assert isinstance(request.user, User)
    pending = uploads.find_pending(request)
    if pending is None:
        return _no_pending_import(request)
    try:
        plan = _plan(pending)
        if plan.digest != request.POST.get("digest"):
            messages.warning(request, _("The directory has changed in the meantime. Check the new preview below."))
            return _show_preview(request, pending, plan)
        record = apply_plan(plan, skip_bad=pending.skip_bad, user=request.user, file_name=pending.name)
    except ImportFailed as error:
        messages.error(request, str(error))
        return redirect("admin:experts_expert_import_preview")
    uploads.discard_pending(request)
    address = reverse("admin:experts_expert_import_undo", args=[record.pk])
    done = format_html('{} <a href="{}">{}</a>', _success_message(pending, plan), address, _("Undo…"))
    messages.success(request, done)
    return redirect("admin:experts_expert_changelist")


@require_POST
@may_import
def discard(request: HttpRequest) -> HttpResponse:
    uploads.discard_pending(request)
    messages.info(request, _("Nothing was imported."))
    return redirect("admin:experts_expert_changelist")


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path("import/", site.admin_view(upload), name="experts_expert_import"),
        path("import/preview/", site.admin_view(import_preview), name="experts_expert_import_preview"),
        path("import/apply/", site.admin_view(apply), name="experts_expert_import_apply"),
        path("import/discard/", site.admin_view(discard), name="experts_expert_import_discard"),
        path("import/<int:record_id>/undo/", site.admin_view(undo_import), name="experts_expert_import_undo"),
    ]


def _plan(pending: uploads.PendingImport) -> ImportPlan:
    try:
        with pending.path.open("rb") as file:
            return make_plan(file, sync=pending.sync)
    except FileNotFoundError:
        raise ImportFailed(_("The uploaded file has expired. Upload it again.")) from None


def _no_pending_import(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("There is no pending import. It was already applied or has expired."))
    return redirect("admin:experts_expert_import")


def _success_message(pending: uploads.PendingImport, plan: ImportPlan) -> str:
    counts = plan.counts
    return _(
        "Imported %(file)s: %(new)s new, %(changed)s changed, %(deactivated)s deactivated, %(rejected)s skipped."
    ) % {
        "file": pending.name,
        "new": counts.new,
        "changed": counts.changed,
        "deactivated": len(plan.deactivated),
        "rejected": counts.rejected,
    }


def _show_preview(request: HttpRequest, pending: uploads.PendingImport, plan: ImportPlan) -> HttpResponse:
    stopped = bool(plan.rejected) and not pending.skip_bad
    context = {
        "title": _("Import experts: preview"),
        "pending": pending,
        "plan": plan,
        "counts": plan.counts,
        "stopped_by_bad_rows": stopped,
        "nothing_to_import": plan.does_nothing and not stopped,
        "applicable": not plan.does_nothing and not stopped,
        "new": ShortenedList.from_rows(plan.new),
        "changed": _changed(plan),
        "missing": ShortenedList.from_rows(plan.missing),
        "missing_heading": _missing_heading(plan),
        "rejected": ShortenedList.from_rows(plan.rejected),
    }
    return render(request, "admin/experts/expert/import_preview.html", admin_context(request, context))


def _changed(plan: ImportPlan) -> ShortenedList[ChangePreview]:
    first = ShortenedList.from_rows(plan.changed)
    return ShortenedList([ChangePreview.from_change(change) for change in first.rows], first.more)


def _missing_heading(plan: ImportPlan) -> str:
    return _("Not in this file (will be deactivated)") if plan.sync else _("Not in this file (unchanged)")


def _label(field: str) -> str:
    return str(getattr(Expert._meta.get_field(field), "verbose_name", field))
